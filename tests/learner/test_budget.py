"""The daily token budget is one for all processes of a database, whatever they do at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from learner.test_recorded import NOON, REQUEST, Model, numbered

from explib.errors import BudgetExceeded, ModelUnavailable
from explib.storage.learning.model_calls import RESERVED_SECONDS
from explib.storage.store import Store, open_store
from explib_learner.model.recorded import Answered, RecordedChat

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
ONE = REQUEST.prompt_tokens + REQUEST.max_tokens


@pytest.fixture
async def stores(url: str) -> AsyncIterator[tuple[Store, Store]]:
    async with open_store(url) as one, open_store(url) as other:
        yield one, other


def chat(model: Model, store: Store, budget: int) -> RecordedChat:
    return RecordedChat(model, store.model_calls, budget, 8, lambda: NOON)


async def asked_of_both(model: Model, stores: tuple[Store, Store], budget: int) -> list[Answered | BaseException]:
    """Twelve requests at once, half of them in each process; no answer comes before the others are refused."""
    chats = [chat(model, store, budget) for store in stores]
    asking = [asyncio.ensure_future(chats[place % 2].ask(request)) for place, request in enumerate(numbered(12))]
    while sum(each.done() for each in asking) < 12 - budget // ONE:
        await asyncio.wait({each for each in asking if not each.done()}, return_when=asyncio.FIRST_COMPLETED)
    model.let.set()
    return await asyncio.gather(*asking, return_exceptions=True)


async def test_processes_that_ask_at_once_spend_no_more_than_the_budget(stores: tuple[Store, Store]) -> None:
    model = Model()
    model.let.clear()
    async with asyncio.timeout(60):
        results = await asked_of_both(model, stores, 5 * ONE)
    assert len(model.asked) == 5
    assert sum(isinstance(each, Answered) for each in results) == 5
    assert sum(isinstance(each, BudgetExceeded) for each in results) == 7
    fresh = iter(numbered(1_000)[12:])
    while len(model.asked) * 42 + ONE <= 5 * ONE:  # what was set aside and not spent is free again
        await chat(model, stores[len(model.asked) % 2], 5 * ONE).ask(next(fresh))
    with pytest.raises(BudgetExceeded):
        await chat(model, stores[0], 5 * ONE).ask(next(fresh))
    assert await stores[0].model_calls.tokens_since(0) == 42 * len(model.asked) <= 5 * ONE


async def test_what_a_failed_call_had_set_aside_is_free_for_another_process(stores: tuple[Store, Store]) -> None:
    one, other = stores
    with pytest.raises(ModelUnavailable):
        await chat(Model(ModelUnavailable()), one, ONE).ask(REQUEST)
    assert (await chat(Model(), other, ONE).ask(REQUEST)).text == "answer"


async def test_what_a_process_that_died_had_set_aside_is_free_after_an_hour(url: str) -> None:
    now = NOON
    async with open_store(url, lambda: now) as store:
        assert (await store.model_calls.reserve(ONE, ONE, 0.0)).id is not None
        refused = await store.model_calls.reserve(1, ONE, 0.0)
        assert (refused.id, refused.taken) == (None, ONE)
        now += RESERVED_SECONDS
        assert (await store.model_calls.reserve(ONE, ONE, 0.0)).id is not None
