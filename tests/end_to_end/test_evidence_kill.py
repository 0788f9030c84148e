"""kill -9 of real servers that serve by evidence: every acknowledged reward is in the accounts, once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from end_to_end.killed import serving
from mcp import Client
from mcp.shared.exceptions import MCPError
from results import retrieval_of, structured
from sqlalchemy import select

from explib.models.libraries import LibrarySettings
from explib.models.revisions import Operation
from explib.storage.maintenance.check import check
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store
from explib.storage.tables.evidence import retrievals
from explib.storage.tables.trajectories import trajectories

PATIENCE = 120.0
ROUNDS = 6
AGENTS = 8
LONGEST_SECONDS = 1.5
"""The longest that a server lives after its first acknowledged reward."""
HOLDOUT = 0.2
LESSONS = 12
SETTINGS = {"EXPLIB_EXPLORATION": "on", "EXPLIB_EMBEDDER": "none"}


@dataclass
class Rewards:
    """Trajectory id → the reward that was acknowledged last, and what was sent after it and not answered."""

    acknowledged: dict[str, float] = field(default_factory=dict)
    open: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    first: asyncio.Event = field(default_factory=asyncio.Event)

    def is_right(self, identity: str, stored: float | None) -> bool:
        return stored in {self.acknowledged[identity], *self.open[identity]}


async def work(client: Client, dice: random.Random, rewards: Rewards) -> None:
    """One agent, until its server dies: fetch, attempt once or twice, report now or later, correct."""
    while True:
        task = f"solve case {dice.randrange(6)}"
        retrieval = retrieval_of(await client.call_tool("get_experiences", {"task": task}))
        for _ in range(dice.choice((1, 1, 2))):
            attempt = {"task": task, "trajectory": f"attempt {dice.random()}", "retrieval_id": retrieval}
            done = structured(await client.call_tool("submit_trajectory", attempt))
            for reward in (dice.random() for _ in range(dice.randrange(3))):
                await report(client, str(done["trajectory_id"]), reward, rewards)


async def report(client: Client, identity: str, reward: float, rewards: Rewards) -> None:
    rewards.open[identity].append(reward)
    structured(await client.call_tool("report_reward", {"trajectory_id": identity, "reward": reward}))
    rewards.open[identity].clear()
    rewards.acknowledged[identity] = reward
    rewards.first.set()


async def killed_at_work(pid_file: Path, dice: random.Random, rewards: Rewards) -> None:
    rewards.first.clear()
    async with serving(pid_file, "--learner", "off", **SETTINGS) as (client, pid):
        agents = [asyncio.create_task(work(client, random.Random(dice.random()), rewards)) for _ in range(AGENTS)]
        await rewards.first.wait()
        await asyncio.wait(agents, timeout=dice.uniform(0.0, LONGEST_SECONDS))
        os.kill(pid, signal.SIGKILL)
        ended = await asyncio.gather(*agents, return_exceptions=True)
    assert all(isinstance(each, MCPError) for each in ended), ended


async def filled(store: Store) -> None:
    library = await store.libraries.ensure("default", LibrarySettings(holdout=HOLDOUT))
    adding = tuple(
        Operation("ADD", "because", content=f"When solving a case, take step {number}.") for number in range(LESSONS)
    )
    await store.revisions.commit(Proposal(library, "by hand", "me", "contrast", adding))


async def every_reward_is_counted_once(store: Store, rewards: Rewards) -> None:
    """The stored rewards are those acknowledged, each retrieval's is their mean, and the accounts are their sums."""
    async with store.database.read() as connection:
        attempts = (await connection.execute(select(trajectories))).all()
        drawn = {row.id: row.reward for row in await connection.execute(select(retrievals))}
    stored = {row.id: row.reward for row in attempts}
    assert all(rewards.is_right(identity, stored[identity]) for identity in rewards.acknowledged)
    under = defaultdict(list)
    for row in attempts:
        if row.reward is not None:
            under[row.retrieval_id].append(row.reward)
    for retrieval, reward in drawn.items():
        given = under.get(retrieval)
        assert reward is None if given is None else abs(reward - sum(given) / len(given)) < 1e-12
    assert await check(store.database, deep=True) == []


async def test_whenever_a_server_is_killed_each_acknowledged_reward_is_counted_once(tmp_path: Path, url: str) -> None:
    dice, rewards = random.Random(5), Rewards()
    async with open_store(url) as store:
        await filled(store)
        for number in range(ROUNDS):
            async with asyncio.timeout(PATIENCE):
                await killed_at_work(tmp_path / f"{number}", dice, rewards)
            await every_reward_is_counted_once(store, rewards)
        library = await store.libraries.get("default")
        totals = await store.evidence.totals(library)
        assert totals.rewards >= ROUNDS
        await store.evidence.count_all(library)
        await every_reward_is_counted_once(store, rewards)


async def test_two_servers_on_one_file_count_each_reward_once_though_one_is_killed(tmp_path: Path, url: str) -> None:
    dice, rewards, others = random.Random(6), Rewards(), Rewards()
    async with open_store(url) as store, asyncio.timeout(PATIENCE):
        await filled(store)
        await asyncio.gather(
            killed_at_work(tmp_path / "one", dice, rewards), killed_at_work(tmp_path / "two", dice, others)
        )
        await every_reward_is_counted_once(store, rewards)
        await every_reward_is_counted_once(store, others)
