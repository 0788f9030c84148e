"""A library over the real MCP tools: an agent fetches, is lucky or not by the world, submits with its reward.

Eight experiences from the start: three help by .25, two do nothing, three harm by .25; all are relevant to every task,
and 10 % of the retrievals are held out. The agent is served by `get_experiences` and answers by `submit_trajectory`,
through the SDK's own client in memory, on a SQLite file.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from mcp import Client
from mcp.types import TextContent

from explib.models.libraries import LibrarySettings
from explib.models.revisions import Operation
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store
from explib_server.mcp.server import build_server
from explib_server.render.evidence import LibraryEvidence, library_evidence
from simulated.figures import Figure, mean
from simulated.world import World, solved

LIFTS = (0.25, 0.25, 0.25, 0.0, 0.0, -0.25, -0.25, -0.25)
HOLDOUT = 0.1
LIBRARY = "simulated"


async def library_over_mcp(tasks: int) -> list[Figure]:
    """Serve and reward `tasks` tasks; what the library has found out by itself."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EXPLIB_DATABASE_URL"] = f"sqlite+aiosqlite:///{Path(folder) / 'library.db'}"
        gains = await drive(tasks)
        async with open_store(Settings().database_url) as store:
            found = await library_evidence(store, await store.libraries.get(LIBRARY))
    lifts = dict(zip((f"e{number}" for number in range(1, len(LIFTS) + 1)), LIFTS, strict=True))
    late = gains[-max(tasks // 5, 1) :]
    note = f"{tasks} tasks over MCP"
    return [
        Figure("real tools: helpful retired", _retired(found, lifts, 1), at_most=0.0, note=note),
        Figure("real tools: harmful retired", _retired(found, lifts, -1), note=note),
        Figure("real tools: gain over serving none, last fifth", mean(late), note=note),
        Figure("real tools: intervals on the wrong side of 0", _wrong(found, lifts), at_most=1 / len(LIFTS), note=note),
    ]


async def drive(tasks: int) -> list[float]:
    """Let an agent work on the configured database; the gain in the probability of solving each task."""
    settings = Settings(embedder="none", library=LIBRARY)
    async with open_store(settings.database_url) as store:
        await _filled(store)
    world, gains = World(1), []
    async with Client(build_server(settings, "off")) as client:
        for at in range(tasks):
            kind = world.kind()
            task = f"solve case {kind}"
            served = await client.call_tool("get_experiences", {"task": task, "library": LIBRARY})
            text = "".join(block.text for block in served.content if isinstance(block, TextContent))
            lift = sum(LIFTS[int(number) - 1] for number in re.findall(r"^\[e(\d+)\]", text, re.MULTILINE))
            retrieval_id = text.rpartition("retrieval_id: ")[2]
            base = world.base(kind, at)
            chance = solved(base, lift)
            attempt = {"task": task, "trajectory": f"Attempt {at}.", "reward": world.reward(chance)}
            named = {"retrieval_id": retrieval_id, "library": LIBRARY, "agent": "simulated"}
            await client.call_tool("submit_trajectory", attempt | named)
            gains.append(chance - solved(base, 0.0))
    return gains


async def _filled(store: Store) -> None:
    library = await store.libraries.ensure(LIBRARY, LibrarySettings(holdout=HOLDOUT))
    adding = tuple(
        Operation("ADD", "simulated", content=f"When solving a case, take step {number}.", status="active")
        for number in range(1, len(LIFTS) + 1)
    )
    await store.revisions.commit(Proposal(library, "simulated", "benchmark", "contrast", adding))


def _retired(found: LibraryEvidence, lifts: dict[str, float], sign: int) -> float:
    """The share of the experiences with a lift of this sign that were retired."""
    return mean([float(each.status == "retired") for each in found.experiences if lifts[each.id] * sign > 0])


def _wrong(found: LibraryEvidence, lifts: dict[str, float]) -> float:
    """The share of the intervals that lie on the wrong side of 0, or beside a lift of 0."""
    spans = [(each.lift, lifts[each.id]) for each in found.experiences if each.lift is not None]
    return mean([float((span.low > 0 and lift <= 0) or (span.high < 0 and lift >= 0)) for span, lift in spans])
