"""get_experiences by its short way: what goes over the wire is what the SDK would have sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client

from explib.models.libraries import LibrarySettings
from explib.models.revisions import Operation
from explib.settings import Settings
from explib.storage.commits import Proposal
from explib.storage.store import open_store
from explib_server.mcp_server import ExperienceMCP, build_server
from explib_server.observing.outcomes import Outcome
from explib_server.quick_answers import QuickAnswers

CALLS: list[dict[str, object]] = [
    {"task": "the kettle leaks"},
    {"task": "the kettle leaks", "limit": 1},
    {"task": "the kettle leaks", "library": "default", "limit": None},
    {"task": "the kettle leaks", "library": None},
    {"task": "the kettle leaks", "limit": "1"},
    {"task": "the kettle leaks", "limit": 0},
    {"task": "the kettle leaks", "limit": True},
    {"task": "the kettle leaks", "limit": 1.5},
    {"task": "the kettle leaks", "library": "another"},
    {"task": "the kettle leaks", "libary": "default"},
    {"task": 7},
    {"task": " "},
    {"task": "x" * 200_000},
    {},
]


class Counted:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, Outcome]] = []

    def called(self, tool: str, outcome: Outcome, seconds: float) -> None:
        assert seconds >= 0
        self.outcomes.append((tool, outcome))

    def submitted(self, *, duplicate: bool) -> None:
        raise AssertionError(duplicate)


async def filled() -> None:
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.ensure("default", LibrarySettings(exploration=False))
        lessons = ("When a kettle leaks, descale it.", "When a door squeaks, oil its hinges.")
        operations = tuple(Operation("ADD", "why", content=each) for each in lessons)
        await store.revisions.commit(Proposal(library, "test", "me", "contrast", operations))


@asynccontextmanager
async def attached(mode: str, *, quick: bool) -> AsyncIterator[tuple[Client, ExperienceMCP]]:
    server = build_server(Settings(), "off")
    if not quick:
        server.middleware[:] = [each for each in server.middleware if not isinstance(each, QuickAnswers)]
    async with Client(server, mode=mode) as client:
        yield client, server


async def answer(client: Client, arguments: dict[str, object]) -> Any:
    """The answer, without what is of one retrieval."""
    result = await client.call_tool("get_experiences", arguments)
    said = result.model_dump(mode="json", by_alias=True)
    if known := (said["structuredContent"] or {}).get("retrieval_id"):
        return json.loads(json.dumps(said).replace(known, "r"))
    return said


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_both_ways_give_the_same_answer_to_every_call_good_or_bad(mode: str) -> None:
    await filled()
    async with attached(mode, quick=True) as (client, server), attached(mode, quick=False) as (other, usual):
        server.observer, usual.observer = quick_seen, usual_seen = Counted(), Counted()
        for arguments in CALLS:
            assert await answer(client, arguments) == await answer(other, arguments), arguments
        assert quick_seen.outcomes == usual_seen.outcomes
    assert [outcome for _, outcome in quick_seen.outcomes].count("ok") >= 5


async def test_the_short_way_is_taken() -> None:
    await filled()
    async with attached("auto", quick=True) as (client, server):
        taken: list[float] = []
        [quick] = [each for each in server.middleware if isinstance(each, QuickAnswers)]
        seen = QuickAnswers(quick.current, quick.server_info, taken.append)
        server.middleware[:] = [seen if each is quick else each for each in server.middleware]
        for arguments in CALLS:
            await answer(client, arguments)
    assert len(taken) == 4
