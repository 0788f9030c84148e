from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

import numpy as np
import pytest
from cancelling import CutOff
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from retrieval_sets import Labelled, written_sets
from waiting import until

from explib.models.experiences import Lesson
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.retrieval import database_search
from explib.retrieval import index as library_index
from explib.retrieval import stored_vectors as kept_vectors
from explib.retrieval.database_search import DatabaseSearch
from explib.retrieval.embedding import Embedder
from explib.retrieval.index import LibraryIndex
from explib.retrieval.wordllama import WordllamaEmbedder
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store

BOTH_ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
ON_POSTGRESQL = pytest.mark.parametrize("engine", ["postgresql"])
SET = written_sets()[0]
LESSONS = SET.lessons
ROOM = 400
"""Too little for all of the lessons."""


class Counting:
    """An embedder that counts what it is given."""

    name = "counting"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._real = WordllamaEmbedder()

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return await self._real.embed(texts)


class Overtaken(Counting):
    """An embedder that lets another process go through its whole work in the middle of its own."""

    def __init__(self, other: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._other = other

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        before = len(self.texts)
        vectors = await super().embed(texts)
        if before < len(LESSONS) / 2 <= len(self.texts):
            await self._other()
        return vectors


async def commit(store: Store, *operations: Operation) -> Library:
    library = await store.libraries.ensure("index", LibrarySettings(max_experiences=1000))
    await store.revisions.commit(Proposal(library, "test", "me", "contrast", operations))
    return await store.libraries.get("index")


async def filled(store: Store) -> Library:
    return await commit(store, *(Operation("ADD", "why", content=lesson) for lesson in LESSONS))


async def following(store: Store, library: Library, embedder: Embedder | None = None) -> LibraryIndex:
    index = LibraryIndex(embedder)
    await index.follow(store, library)
    return index


async def fill(store: Store, embedder: Embedder, library: Library) -> None:
    await DatabaseSearch(store, embedder).follow(library, -1)
    await store.database.background.flush()


async def opened(store: Store, embedder: Embedder, library: Library) -> None:
    await following(store, library, embedder)
    await store.vectors.flush()


CHANGES = st.lists(
    st.lists(st.tuples(st.sampled_from(["ADD", "MODIFY", "DELETE"]), st.integers(0, 20)), min_size=1, max_size=4),
    min_size=1,
    max_size=4,
)


def operation(kind: str, number: int, revision: int) -> Operation:
    text = f"{LESSONS[number * 3]} {revision}"
    if kind == "ADD":
        return Operation("ADD", "why", content=text)
    if kind == "MODIFY":
        return Operation("MODIFY", "why", target=f"e{number % 6 + 1}", content=text)
    return Operation("DELETE", "why", target=f"e{number % 6 + 1}")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHANGES)
async def test_an_index_that_followed_every_revision_answers_like_a_fresh_one(
    store: Store, changes: list[list[tuple[str, int]]]
) -> None:
    embedder = WordllamaEmbedder()
    index = LibraryIndex(embedder)
    for number, kinds in enumerate(changes):
        library = await commit(store, *(operation(kind, which, number) for kind, which in kinds))
        await index.follow(store, library)
    fresh = await following(store, library, embedder)
    for task in SET.tasks[::11]:
        for room in (60, 10_000):
            assert await index.candidates(task, room) == await fresh.candidates(task, room)


@BOTH_ENGINES
async def test_no_text_is_embedded_twice_whoever_asks(store: Store, url: str) -> None:
    library = await filled(store)
    first = Counting()
    await following(store, library, first)
    await store.vectors.flush()
    assert sorted(first.texts) == sorted(LESSONS)
    async with open_store(url) as other:
        second = Counting()
        index = await following(other, library, second)
        assert second.texts == []
        library = await commit(
            store,
            Operation("MODIFY", "why", target="e3", content="When a kettle leaks, descale it."),
            Operation("DELETE", "why", target="e4"),
        )
        await index.follow(other, library)
        assert second.texts == ["When a kettle leaks, descale it."]
        found = await index.candidates("my kettle leaks", ROOM)
    assert found.ranked[0][0].id == "e3"
    assert "kettle" in found.ranked[0][0].content
    assert "e4" not in {entry.id for entry, _ in found.ranked}


async def test_a_call_that_is_cancelled_while_it_follows_leaves_an_index_that_is_whole(store: Store) -> None:
    library = await filled(store)
    embedder = WordllamaEmbedder()
    index, fresh = LibraryIndex(embedder), await following(store, library, embedder)
    for waits in count(1):
        if not await CutOff(index.follow(store, library), waits).cut():
            break
        assert index.revision == -1
        assert (await index.candidates(SET.tasks[0], ROOM)).ranked == []
    await index.follow(store, library)
    assert await index.candidates(SET.tasks[0], ROOM) == await fresh.candidates(SET.tasks[0], ROOM)


async def test_readers_see_one_revision_while_another_is_taken_in(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_index, "IN_THREAD", 10)
    library = await filled(store)
    index = await following(store, library, WordllamaEmbedder())
    before = await index.candidates(SET.tasks[0], ROOM)
    changed = [Operation("MODIFY", "why", target=f"e{number}", content=f"New {number}.") for number in range(1, 100)]
    library = await commit(store, *changed)
    follows = asyncio.create_task(index.follow(store, library))
    seen = []
    while not follows.done():
        seen.append(await index.candidates(SET.tasks[0], ROOM))
        await asyncio.sleep(0)
    await follows
    after = await index.candidates(SET.tasks[0], ROOM)
    assert seen
    assert all(each in (before, after) for each in seen)
    assert (before.revision, after.revision) == (1, 2)


@ON_POSTGRESQL
async def test_a_library_too_large_to_be_held_is_found_in_the_database(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, embedder = await filled(store), WordllamaEmbedder()
    held = await following(store, library, embedder)
    monkeypatch.setattr(library_index, "SEARCHED_FROM", 50)
    searched = await following(store, library, embedder)
    await store.database.background.flush()
    for each in written_sets():
        assert await reached(searched, each) > await reached(held, each) - 0.03, each.name


async def reached(index: LibraryIndex, labelled: Labelled) -> float:
    found = [await index.candidates(task, ROOM) for task in labelled.tasks]
    return labelled.ndcg([[entry.number - 1 for entry, score in each.ranked if score > 0] for each in found])


@ON_POSTGRESQL
async def test_a_library_that_grows_too_large_is_let_go_and_still_follows(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_index, "SEARCHED_FROM", len(LESSONS))
    index = await following(store, await filled(store), WordllamaEmbedder())
    kettle = "When a kettle leaks, descale it."
    for content in (kettle, "When a bicycle squeaks, oil its chain."):
        library = await commit(store, Operation("ADD", "why", content=content))
        await index.follow(store, library)
        await store.database.background.flush()
        found = await index.candidates(content, ROOM)
        assert found.revision == library.revision
        assert found.ranked[0][0].content == content
    library = await commit(store, Operation("DELETE", "why", target=f"e{len(LESSONS) + 1}"))
    await index.follow(store, library)
    found = await index.candidates(kettle, ROOM)
    assert kettle not in {entry.content for entry, _ in found.ranked}


@BOTH_ENGINES
async def test_any_number_of_lessons_can_be_named(store: Store) -> None:
    library = await filled(store)
    await opened(store, WordllamaEmbedder(), library)
    names = [f"e{number}" for number in range(1, 300_000)]  # more than any engine takes parameters
    assert {lesson.content for lesson in await store.lessons.named(library, names)} == set(LESSONS)
    assert len((await store.vectors.load(library, WordllamaEmbedder.name, names)).ids) == len(LESSONS)


async def missing(store: Store, library: Library, embedder: str | None) -> list[Lesson]:
    return [each async for part in store.search.missing(library, embedder, 20) for each in part]


@ON_POSTGRESQL
async def test_each_lesson_without_terms_or_vector_is_missing_wherever_one_begins_to_look(store: Store) -> None:
    library = await filled(store)
    embedder = WordllamaEmbedder()
    lessons = await missing(store, library, embedder.name)
    assert sorted(lesson.content for lesson in lessons) == sorted(LESSONS)
    vectors = await embedder.embed([lesson.content for lesson in lessons[:100]])
    await store.vectors.save(library, embedder.name, [each.id for each in lessons[:100]], [1] * 100, vectors)
    await store.search.save_terms(library, lessons[:110])
    for _ in range(20):
        left = await missing(store, library, embedder.name)
        assert {each.id for each in left} == {each.id for each in lessons[100:]}
        assert len(left) == len(lessons) - 100
    assert {each.id for each in await missing(store, library, None)} == {each.id for each in lessons[110:]}
    firsts = {(await missing(store, library, embedder.name))[0].id for _ in range(20)}
    assert len(firsts) > 1


@ON_POSTGRESQL
@pytest.mark.parametrize("embedding", [opened, fill])  # of a library that is held, and of one that is not
async def test_those_who_open_a_library_at_the_same_time_share_the_embedding(
    store: Store,
    url: str,
    embedding: Callable[[Store, Embedder, Library], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept_vectors, "PART", 5)
    monkeypatch.setattr(database_search, "PART", 5)
    library = await filled(store)
    another = Counting()
    async with open_store(url) as other:
        one = Overtaken(lambda: embedding(other, another, library))
        await embedding(store, one, library)
    embedded = [text for text in (*one.texts, *another.texts) if text]
    assert set(embedded) == set(LESSONS)
    assert len(embedded) <= len(LESSONS) + 2 * 5  # the part at hand, and the one that was being stored
    assert len((await store.vectors.load(library, one.name)).ids) == len(LESSONS)


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_search_in_the_database_embeds_what_nobody_has_embedded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_index, "SEARCHED_FROM", 50)
    library = await filled(store)
    embedder = WordllamaEmbedder()
    await following(store, library, embedder)

    async def filled_in() -> bool:
        return not await missing(store, library, embedder.name)

    await until(filled_in)
    assert len((await store.vectors.load(library, embedder.name)).ids) == len(LESSONS)
