"""kill -9 of real servers on a real file, while they store and while they learn."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from end_to_end import killed
from learner.scripted_endpoint import Asked, Reply, answers, endpoint, text_of
from mcp import Client
from mcp.shared.exceptions import MCPError
from results import structured
from sqlalchemy import text
from waiting import PATIENCE, until

from explib.models.json_value import Json
from explib.models.libraries import Library
from explib.storage.maintenance.check import check
from explib.storage.store import Store, open_store
from explib_learner.worker import lease_name
from explib_server.mcp.results.agent import LibraryStatus

TOPICS = ("parcels", "refunds", "invoices", "passwords", "holidays", "warranties")
ATTEMPTS = 4
ROUNDS = 5
AT_ONCE = 12
"""Submissions under way when a server of the rounds is killed, more or less."""


@dataclass
class Server:
    """One `explib serve` over stdio and what it has acknowledged: idempotency key → trajectory id."""

    client: Client
    pid: int
    acknowledged: dict[str, str] = field(default_factory=dict)

    async def submit(self, arguments: dict[str, object]) -> bool:
        """Whether it was acknowledged; False where the server died."""
        try:
            result = await self.client.call_tool("submit_trajectory", arguments)
        except MCPError:
            return False
        self.acknowledged[str(arguments["idempotency_key"])] = str(structured(result)["trajectory_id"])
        return True

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    async def status(self) -> LibraryStatus:
        return LibraryStatus.model_validate(structured(await self.client.call_tool("library_status", {})))


@asynccontextmanager
async def serving(pid_file: Path, **settings: str) -> AsyncIterator[Server]:
    async with killed.serving(pid_file, "--learner", "inprocess", **settings) as (client, pid):
        yield Server(client, pid)


def submission(topic: str, number: int) -> dict[str, object]:
    """The winners look, then act; the losers act at once."""
    won = number % 2 == 0
    tools = ("look", "act") if won else ("act",)
    return {
        "task": f"Answer a question about {topic}",
        "trajectory": [
            {
                "role": "assistant",
                "content": f"attempt {number}",
                "tool_calls": [
                    {"id": f"c{at}", "type": "function", "function": {"name": name, "arguments": "{}"}}
                    for at, name in enumerate(tools)
                ],
            },
            *({"role": "tool", "tool_call_id": f"c{at}", "content": "OK"} for at in range(len(tools))),
        ],
        "reward": float(won),
        "idempotency_key": f"{topic}/{number}",
    }


def reply(asked: Asked, gate: asyncio.Event) -> Reply:
    """A good answer to each question of the `model` analyst, once the gate is open."""
    said = text_of(asked)
    if "name the points" in said:
        answer = answers({"points": []})
    elif "put decisions into sentences" in said:
        answer = answers({"sentences": []})
    elif "one line for each attempt" in said:
        answer = answers({"codes": [f"{label} D1?" for label in re.findall(r'of="(A\d+)"', said)]})
    else:
        rewards = dict(re.findall(r"^(A\d+): reward ([01]),", said, re.MULTILINE))
        [topic] = {each for each in TOPICS if f"question about {each}" in said}
        lesson: Json = {
            "action": "ADD",
            "content": f"When {topic} come up, look at the record of {topic} before acting.",
            "reason": "who looked won",
            "followed_and_won": list(filter(lambda label: rewards[label] == "1", rewards)),
            "not_followed_and_lost": list(filter(lambda label: rewards[label] == "0", rewards)),
        }
        answer = answers({"lessons": [lesson]})
    return Reply(answer.status, answer.body, wait_for=gate)


async def learner(store: Store) -> int:
    """The process that holds the library's lease, once one does."""
    while True:
        for library in await store.libraries.all():
            if (lease := await store.leases.holder(lease_name(library))) is not None:
                return int(lease.holder.split(":")[1])
        await asyncio.sleep(0.01)


async def learned(server: Server) -> None:
    """Wait until no group is ready any more."""

    async def all_learned() -> bool:
        return (await server.status()).groups == {"learned": len(TOPICS)}

    await until(all_learned)


async def nothing_is_half_there(store: Store) -> None:
    assert await check(store.database, deep=True) == []


async def each_state_is_learned_at_most_once(store: Store, library: Library) -> None:
    async with store.database.read() as connection:
        rows = (await connection.execute(text("SELECT group_id, graded_version, revision FROM learned_groups"))).all()
    assert len({(row.group_id, row.graded_version) for row in rows}) == len(rows)
    revisions = await store.revisions.history(library, 1_000)
    assert [revision.number for revision in revisions] == list(range(len(revisions), 0, -1))
    said = Counter((group, revision.number) for revision in revisions for group in revision.groups)
    assert said == Counter((row.group_id, row.revision) for row in rows if row.revision is not None)
    contents = [known.content for known in await store.revisions.experiences(library)]
    assert len(contents) == len(set(contents))


async def all_acknowledged_are_there(store: Store, library: Library, acknowledged: dict[str, str]) -> None:
    for key, identity in acknowledged.items():
        attempt = await store.trajectories.get(library, identity)
        number = int(key.split("/")[1])
        assert attempt.reward == float(number % 2 == 0)
        assert attempt.steps[0].text == f"attempt {number}"


def shared_out() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Every attempt at every topic, for two servers: each has some of every group."""
    shares: tuple[list[dict[str, object]], list[dict[str, object]]] = ([], [])
    for number in range(ATTEMPTS):
        for at, topic in enumerate(TOPICS):
            shares[(at + number) % 2].append(submission(topic, number))
    return shares


async def test_two_servers_on_one_file_one_killed_while_it_learns(tmp_path: Path, url: str) -> None:
    gate = asyncio.Event()
    shares = shared_out()
    async with asyncio.timeout(2 * PATIENCE), endpoint(lambda asked: reply(asked, gate)) as model:
        settings = {
            "EXPLIB_MODEL": "scripted",
            "EXPLIB_MODEL_BASE_URL": model.url,
            "EXPLIB_MODEL_API_KEY": "none",
            "EXPLIB_LEASE_SECONDS": "2",
        }
        async with (
            open_store(url) as store,
            serving(tmp_path / "one", **settings) as one,
            serving(tmp_path / "two", **settings) as two,
        ):
            servers = (one, two)
            begun = [(server, each) for server, share in zip(servers, shares, strict=True) for each in share[:6]]
            assert all(await asyncio.gather(*(server.submit(each) for server, each in begun)))
            await model.has(1)
            dying = one if await learner(store) == one.pid else two
            survivor = two if dying is one else one
            going_on = [
                asyncio.create_task(server.submit(each))
                for server, share in zip(servers, shares, strict=True)
                for each in share[6:]
            ]
            await asyncio.wait(going_on, return_when=asyncio.FIRST_COMPLETED)
            in_flight = len(model.asked)
            dying.kill()
            gate.set()
            await asyncio.gather(*going_on)
            acknowledged = one.acknowledged | two.acknowledged
            again = [survivor.submit(each) for share in shares for each in share]
            assert all(await asyncio.gather(*again))
            assert survivor.acknowledged | acknowledged == survivor.acknowledged
            await learned(survivor)
        bought = [json.dumps(asked) for asked in model.asked[in_flight:]]
        assert len(bought) == len(set(bought))
    async with open_store(url) as store:
        library = await store.libraries.get("default")
        assert (await store.libraries.overview(library)).trajectories == ATTEMPTS * len(TOPICS)
        await all_acknowledged_are_there(store, library, survivor.acknowledged)
        await nothing_is_half_there(store)
        await each_state_is_learned_at_most_once(store, library)
        assert len(await store.revisions.experiences(library)) >= len(TOPICS)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_server_killed_at_any_moment_loses_nothing_that_it_acknowledged(
    tmp_path: Path, url: str, seed: int
) -> None:
    dice = random.Random(seed)
    acknowledged: dict[str, str] = {}
    numbers = iter(range(10_000))
    sent: list[dict[str, object]] = []
    for number in range(ROUNDS):
        async with asyncio.timeout(PATIENCE), serving(tmp_path / f"{number}", EXPLIB_LEASE_SECONDS="1") as server:
            enough = dice.randint(1, 3 * AT_ONCE)
            calls: set[asyncio.Task[bool]] = set()
            while len(server.acknowledged) < enough:
                while len(calls) < AT_ONCE:
                    sent.append(submission(dice.choice(TOPICS), next(numbers)))
                    calls.add(asyncio.create_task(server.submit(sent[-1])))
                _, calls = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            server.kill()
            await asyncio.gather(*calls)
        acknowledged |= server.acknowledged
        async with open_store(url) as store:
            library = await store.libraries.get("default")
            await all_acknowledged_are_there(store, library, server.acknowledged)
            await nothing_is_half_there(store)
    async with asyncio.timeout(PATIENCE), serving(tmp_path / "last") as server:
        await asyncio.gather(*(server.submit(each) for each in sent))
        assert server.acknowledged | acknowledged == server.acknowledged
        await learned(server)
        assert (await server.status()).trajectories == len(sent)
    async with open_store(url) as store:
        library = await store.libraries.get("default")
        await all_acknowledged_are_there(store, library, server.acknowledged)
        await nothing_is_half_there(store)
        await each_state_is_learned_at_most_once(store, library)
