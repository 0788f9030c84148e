"""Lessons in every script are found by their words, in memory and by the database's own search, on both engines."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from retrieval_sets import Labelled, written_sets

from explib.models.experiences import Lesson
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.retrieval.index import Candidates, LibraryIndex
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store
from explib.text.words import terms

SETS = written_sets()
FLOORS = {"English": 0.40, "Japanese": 0.87, "Chinese": 0.83, "Thai": 0.85}
"""nDCG@10 by words alone."""
BOTH_ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
ON_POSTGRESQL = pytest.mark.parametrize("engine", ["postgresql"])


async def filled(store: Store, *lessons: str) -> Library:
    library = await store.libraries.ensure("languages", LibrarySettings(max_experiences=1000))
    operations = tuple(Operation("ADD", "why", content=lesson) for lesson in lessons)
    await store.revisions.commit(Proposal(library, "test", "me", "contrast", operations))
    library = await store.libraries.get("languages")
    if store.search.available:
        added = [Lesson(f"e{number}", text, "active", 1) for number, text in enumerate(lessons, 1)]
        await store.search.save_terms(library, added)
    return library


def places(ids: list[str]) -> list[int]:
    return [int(identity[1:]) - 1 for identity in ids]


def relevant(found: Candidates) -> list[str]:
    return [entry.id for entry, relevance in found.ranked if relevance > 0]


def reached(labelled: Labelled, ranked: list[list[str]]) -> float:
    return labelled.ndcg(list(map(places, ranked)))


@ON_POSTGRESQL
async def test_each_language_is_found_by_the_database_search(store: Store) -> None:
    library = await filled(store, *SETS[0].lessons)
    for labelled in SETS:
        ranked = [await store.search.by_terms(library, terms(task), 100) for task in labelled.tasks]
        assert reached(labelled, ranked) >= FLOORS[labelled.name], labelled.name


@BOTH_ENGINES
async def test_each_language_is_found_by_the_index(store: Store) -> None:
    library = await filled(store, *SETS[0].lessons)
    index = LibraryIndex(None)
    await index.follow(store, library)
    for labelled in SETS:
        ranked = [relevant(await index.candidates(task, 1_000)) for task in labelled.tasks]
        assert reached(labelled, ranked) >= FLOORS[labelled.name], labelled.name


@ON_POSTGRESQL
async def test_every_single_term_of_a_lesson_finds_it(store: Store) -> None:
    lessons = {f"e{number}": text for number, text in enumerate(SETS[0].lessons, start=1)}
    library = await filled(store, *lessons.values())
    for identity, text in list(lessons.items())[::9]:
        for term in terms(text):
            assert identity in await store.search.by_terms(library, [term], 1000), term


@ON_POSTGRESQL
async def test_a_word_that_is_found_is_the_whole_word(store: Store) -> None:
    library = await filled(store, "When ลูกค้า asks, refund.", "When ลูกคา asks, return.")
    assert await store.search.by_terms(library, ["ค้"], 10) == ["e1"]
    assert await store.search.by_terms(library, ["คา"], 10) == ["e2"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=12))
@ON_POSTGRESQL
async def test_any_text_that_has_terms_is_found_by_each_of_them(store: Store, library: Library, text: str) -> None:
    found = terms(text)
    await store.search.save_terms(library, [Lesson("e1", text, "active", 1)])
    for term in found:
        assert await store.search.by_terms(library, [term], 1) == ["e1"], term
