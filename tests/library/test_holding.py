"""Which libraries a process holds: the last asked for, up to a bound, without a fault for whoever is being served."""

from __future__ import annotations

import asyncio

from library.test_serving import LESSONS, TASK, ids

from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.retrieval.cache import EACH, IndexCache
from explib.retrieval.retriever import Retriever
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store

SERVED = {f"e{number}" for number in range(1, len(LESSONS) + 1)}
ROOM_FOR_TWO = 2 * (len(LESSONS) + EACH)


async def filled(store: Store, name: str) -> Library:
    library = await store.libraries.ensure(name, LibrarySettings(exploration=False))
    operations = tuple(Operation("ADD", "why", content=each) for each in LESSONS)
    await store.revisions.commit(Proposal(library, "test", "me", "contrast", operations))
    return await store.libraries.get(name)


async def test_what_was_not_asked_for_longest_is_let_go_and_read_again_when_it_is(store: Store) -> None:
    one, two, three = [await filled(store, name) for name in ("one", "two", "three")]
    retriever = Retriever(store, None, most=ROOM_FOR_TWO)
    for library in (one, two, one, three):
        assert ids(await retriever.serve(library, TASK)) == SERVED
    holding = retriever._holding
    assert [holding.known(library.identity) is not None for library in (one, two, three)] == [True, False, True]
    assert ids(await retriever.serve(two, TASK)) == SERVED
    assert holding.known(one.identity) is None
    assert len(holding) == 2


async def test_whoever_is_served_meanwhile_is_served_all_of_it(store: Store) -> None:
    libraries = [await filled(store, f"library{number}") for number in range(6)]
    retriever = Retriever(store, None, most=ROOM_FOR_TWO)
    answers = await asyncio.gather(*(retriever.serve(library, TASK) for _ in range(5) for library in libraries))
    assert [ids(each) for each in answers] == [SERVED] * 30
    assert {each.retrieval.revision for each in answers} == {1}
    assert len(retriever._holding) == 2
    await retriever.flush()


async def test_a_library_larger_than_the_bound_is_held_alone(store: Store) -> None:
    one, two = [await filled(store, name) for name in ("one", "two")]
    retriever = Retriever(store, None, most=3)
    for library in (one, two):
        assert ids(await retriever.serve(library, TASK)) == SERVED
        assert retriever._holding.known(library.identity) is not None
        assert len(retriever._holding) == 1


def test_empty_libraries_are_bounded_too() -> None:
    holding = IndexCache(None, most=10 * EACH)
    for identity in range(100):
        holding.use(identity)
        holding.let_go()
    assert [identity for identity in range(100) if holding.known(identity) is not None] == list(range(90, 100))
