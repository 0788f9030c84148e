"""The same rounds with whole servers: `explib serve --transport http` on one database, each with its learner inside.

Their model is scripted. Clients do as those of a team behind a load balancer: what one server does not answer they ask
of another one, with the same idempotency key, and sometimes they send once more what was acknowledged already.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import count as counting
from pathlib import Path

from end_to_end.actor import LEASE_SECONDS
from end_to_end.rounds import Outcome, all_learned, kill_all, more
from end_to_end.rounds import count as count_all
from learner.scripted_endpoint import Asked, Reply, answers, endpoint, text_of
from results import retrieval_in
from server.http_cases import JSON_HEADERS, ask
from sqlalchemy import select

from explib.models.json_value import Json
from explib.models.libraries import LibrarySettings
from explib.storage.store import Store, open_store
from explib.storage.tables.trajectories import trajectories
from explib.tasks import cancel_and_wait

SERVERS, CLIENTS = 2, 4
LIBRARIES = ("one", "two")
ATTEMPTS = 8
"""Consecutive attempts of all clients at one topic."""
PAUSE_SECONDS = 0.05
VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "rounds", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
GONE = (OSError, HTTPException, TimeoutError)
"""What asking a server that dies comes to."""
FENCED = "by another worker meanwhile"
RETRIEVAL_LOST = "There is no such retrieval"


class Unanswered(Exception):
    """The server could not do it now."""


@dataclass
class Server:
    """One server process at its address, and its successors there."""

    url: str
    model: str
    log: Path
    port: int = field(default_factory=lambda: _free_port())
    process: asyncio.subprocess.Process | None = None
    reading: asyncio.Task[None] | None = None
    """None: it writes to its log."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        settings = {
            "DATABASE_URL": self.url,
            "EMBEDDER": "none",
            "MODEL": "scripted",
            "MODEL_BASE_URL": self.model,
            "MODEL_API_KEY": "none",
            "MODEL_CONTEXT": "1000000",
            "LEASE_SECONDS": f"{LEASE_SECONDS}",
            "REQUESTS_PER_MINUTE": "1000000",
        }
        command = [sys.executable, "-m", "explib_server", "serve", "--transport", "http", "--port", f"{self.port}"]
        environment = {**os.environ, **{f"EXPLIB_{name}": value for name, value in settings.items()}}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=log)

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def end(self, number: signal.Signals) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.send(number)
        await self.process.wait()

    async def call(self, tool: str, arguments: dict[str, object]) -> dict[str, object]:
        """The structured answer, or the retrieval's id in one of text. Raises one of GONE or Unanswered."""
        params = {"name": tool, "arguments": arguments, "_meta": META}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        headers = {**JSON_HEADERS, "MCP-Protocol-Version": VERSION, "MCP-Method": "tools/call", "MCP-Name": tool}
        answer = await ask(self.address, headers=headers, body=body)
        result = json.loads(answer.body).get("result") if answer.status == 200 else None
        if result is None or result.get("isError"):
            raise Unanswered(answer.body)
        text = result["content"][0]["text"]
        structured: dict[str, object] = result.get("structuredContent") or {"retrieval_id": retrieval_in(text)}
        return structured


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@dataclass
class Team:
    """Servers at work on one database, and what their clients were told."""

    servers: list[Server]
    outcome: Outcome
    rewards: dict[str, float] = field(default_factory=dict)
    """Trajectory id → the reward that was acknowledged last."""
    numbers: Iterator[int] = field(default_factory=counting)
    ending: bool = False
    """Clients make no further attempt: what is there can all be learned."""

    async def kill_a_server(self) -> None:
        await self._replace(signal.SIGKILL)

    async def stop_a_server(self) -> None:
        await self._replace(signal.SIGTERM)

    async def _replace(self, number: signal.Signals) -> None:
        server = random.choice(self.servers)
        await server.end(number)
        await server.start()

    async def pause_a_server(self) -> None:
        """Beyond its lease: another's learner takes over, and what this one still does then must not count."""
        server = random.choice(self.servers)
        server.send(signal.SIGSTOP)
        await asyncio.sleep(1.5 * LEASE_SECONDS)
        server.send(signal.SIGCONT)

    async def work(self) -> None:
        """One client, until it is cancelled."""
        for number in self.numbers:
            if self.ending:
                return
            await asyncio.sleep(random.uniform(0.0, PAUSE_SECONDS))
            await self._attempt(number)

    async def _attempt(self, number: int) -> None:
        key, topic, won = f"c/{number}", f"topic{_letters(number // ATTEMPTS)}", number % 2 == 0
        library = LIBRARIES[number // ATTEMPTS % len(LIBRARIES)]
        task = f"Answer a question about {topic}"
        fields: dict[str, object] = {
            "task": task,
            "trajectory": f"attempt {key}: {'looked, then acted' if won else 'acted at once'}",
            "answer": key,
            "idempotency_key": key,
            "library": library,
        }
        if number % 5:
            served = await self._somehow("get_experiences", {"task": task, "library": library})
            fields["retrieval_id"] = served["retrieval_id"]
        if number % 3:
            fields["reward"] = float(won)
        stored = await self._submitted(fields)
        identity = str(stored["trajectory_id"])
        if "reward" not in fields:
            await self._somehow("report_reward", {"trajectory_id": identity, "reward": float(won)})
        self.rewards[identity] = float(won)
        self.outcome.acknowledged[key] = identity
        if number % 7 == 0:
            again = await self._submitted(fields)
            if again["trajectory_id"] != identity or not again["duplicate"]:
                self.outcome.doubled.append(f"{key} is {identity} and {again['trajectory_id']}")

    async def _submitted(self, fields: dict[str, object]) -> dict[str, object]:
        return await self._somehow("submit_trajectory", fields)

    async def _somehow(self, tool: str, arguments: dict[str, object]) -> dict[str, object]:
        """By whichever server answers."""
        while True:
            try:
                return await random.choice(self.servers).call(tool, arguments)
            except GONE:
                await asyncio.sleep(0.02)
            except Unanswered as error:
                if RETRIEVAL_LOST in str(error):  # the record of a retrieval promises nothing
                    arguments.pop("retrieval_id")
                elif "try again" not in str(error) and "PostgreSQL" not in str(error):
                    self.outcome.lost.append(f"{tool}: {error}")
                await asyncio.sleep(0.05)


def _letters(number: int) -> str:
    """A number in letters: digits would be a value of one task, which no lesson may keep."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def reply(asked: Asked) -> Reply:
    """The scripted model: one lesson for a group, nothing else to name, to code or to say."""
    said = text_of(asked)
    if "Results (mean reward" not in said:
        labels = re.findall(r'of="(A\d+)"', said)
        return answers({"points": [], "sentences": [], "codes": [f"{label} D1?" for label in labels]})
    rewards = dict(re.findall(r"^(A\d+): reward ([01]),", said, re.MULTILINE))
    topics = re.findall(r"question about (topic\w+)", said)
    topic = max(topics, key=topics.count) if topics else "all"
    lesson: Json = {
        "action": "ADD",
        "content": f"When {topic} comes up, look at the record of {topic} before acting.",
        "reason": "who looked won",
        "followed_and_won": [label for label, reward in rewards.items() if reward == "1"],
        "not_followed_and_lost": [label for label, reward in rewards.items() if reward == "0"],
    }
    return answers({"lessons": [lesson]})


@asynccontextmanager
async def team(url: str, outcome: Outcome, folder: Path) -> AsyncIterator[Team]:
    """Servers that have answered, with clients at work; all of it is dead at the end."""
    async with endpoint(reply) as model:
        servers = [Server(url, model.url, folder / f"{number}.log") for number in range(SERVERS)]
        running = Team(servers, outcome)
        clients: list[asyncio.Task[None]] = []
        try:
            for server in servers:
                await server.start()
            clients = [asyncio.create_task(running.work()) for _ in range(CLIENTS)]
            await more(outcome, 1)
            yield running
        finally:
            try:
                await kill_all(servers)
            finally:
                await cancel_and_wait(*clients)


async def play_served(
    url: str, kinds: list[str], cuts: dict[str, Callable[[], object]], told: Callable[[str], None], folder: Path
) -> Outcome:
    """One round for each of `kinds`: a name in `cuts`, or a method of Team; then let all be learned, and count."""
    outcome = Outcome()
    async with open_store(url) as store:
        for name in LIBRARIES:
            await store.libraries.ensure(name, LibrarySettings(max_experiences=100_000))
        async with team(url, outcome, folder) as running:
            for kind in kinds:
                if kind in cuts:
                    await asyncio.to_thread(cuts[kind])
                else:
                    await getattr(running, kind)()
                outcome.rounds[kind] += 1
                await more(outcome, random.randint(1, 20))
                told(kind)
            running.ending = True
            await all_learned(store)
        await count_all(store, outcome)
        await _count_rewards(store, outcome, running.rewards)
        logs = [await asyncio.to_thread(server.log.read_text) for server in running.servers]
        outcome.fenced = sum(text.count(FENCED) for text in logs)
    return outcome


async def _count_rewards(store: Store, outcome: Outcome, rewards: dict[str, float]) -> None:
    async with store.database.read() as connection:
        found = (await connection.execute(select(trajectories.c.id, trajectories.c.reward))).all()
    there = {row.id: row.reward for row in found}
    outcome.lost += [f"the reward of {each}" for each, reward in rewards.items() if there.get(each) != reward]
