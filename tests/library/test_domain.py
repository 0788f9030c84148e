from __future__ import annotations

import numpy as np
import pytest

from explib.retrieval.domain import Domain
from explib.retrieval.wordllama import WordllamaEmbedder

SHOP = (
    "Change the delivery address of order 4411 to Elm Street.",
    "Cancel order 5120, the customer does not want it any more.",
    "Ship order 7003 to Ada Byrne by express.",
    "Refund the customer of order 812 for a broken lamp.",
)


@pytest.fixture
async def domain() -> Domain:
    return Domain.of(await WordllamaEmbedder().embed(SHOP))


@pytest.mark.parametrize("task", ["Send order 99 back to the warehouse.", "Customer Li wants her order 17 refunded."])
async def test_a_task_of_the_librarys_kind_is_covered_though_no_lesson_reads_like_it(domain: Domain, task: str) -> None:
    assert domain.covers((await WordllamaEmbedder().embed([task]))[0])


@pytest.mark.parametrize("task", ["What is the capital of France?", "Write a haiku about autumn."])
async def test_an_unrelated_question_is_not(domain: Domain, task: str) -> None:
    assert not domain.covers((await WordllamaEmbedder().embed([task]))[0])


def test_a_library_without_tasks_covers_nothing() -> None:
    assert not Domain.of(np.zeros((0, 3), np.float32)).covers(np.ones(3, np.float32))
