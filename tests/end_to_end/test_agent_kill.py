"""kill -9 of the server that an agent learns through, at every moment of a learning run."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from end_to_end import killed
from mcp.shared.exceptions import MCPError
from results import structured
from scripted_agent import Agent, Asked, lesson_about, submit
from sqlalchemy import select
from waiting import until

from explib.storage.store import open_store
from explib.storage.tables.learning import model_calls

PATIENCE = 120.0
TOPICS = ("parcels", "refunds", "invoices", "passwords", "holidays")


@asynccontextmanager
async def serving(pid_file: Path) -> AsyncIterator[tuple[Agent, int]]:
    settings = {"EXPLIB_ANALYST": "agent", "EXPLIB_LEASE_SECONDS": "1"}
    async with killed.serving(pid_file, "--tools", "all", **settings) as (client, pid):
        structured(await client.call_tool("library_status", {}))
        yield Agent(client), pid


async def test_a_server_killed_between_the_question_and_the_answer_loses_neither(tmp_path: Path, url: str) -> None:
    async with asyncio.timeout(PATIENCE):
        async with serving(tmp_path / "one") as (agent, server):
            await submit(agent.client, "parcels")
            asked = await agent.next()
            os.kill(server, signal.SIGKILL)
        async with serving(tmp_path / "two") as (agent, _):
            answered = await agent.answer(asked["call_id"], lesson_about(asked))
            assert (answered["accepted"], answered["learned"], answered["revision"]) == (True, 1, 1)
    async with open_store(url) as store:
        library = await store.libraries.get("default")
        [known] = await store.revisions.experiences(library)
        assert (known.analyst, known.support.supporting) == ("agent", 4)


async def test_servers_killed_while_they_take_answers_lose_none_and_commit_once(tmp_path: Path, url: str) -> None:
    sent: list[tuple[Asked, bool]] = []

    async def answer_and_kill(agent: Agent, server: int, asked: Asked, pause: float) -> None:
        answering = asyncio.create_task(agent.answer(asked["call_id"], lesson_about(asked)))
        await asyncio.wait({answering}, timeout=pause)
        os.kill(server, signal.SIGKILL)
        [done] = await asyncio.gather(answering, return_exceptions=True)
        assert isinstance(done, dict | MCPError), done
        sent.append((asked, isinstance(done, dict)))

    async with asyncio.timeout(PATIENCE):
        async with serving(tmp_path / "first") as (agent, _):
            await submit(agent.client, *TOPICS)
        for number, pause in enumerate((0.0, 0.005, 0.02, 0.05)):
            async with serving(tmp_path / f"{number}") as (agent, server):
                asked = await agent.next()
                assert asked["state"] == "step"
                await answer_and_kill(agent, server, asked, pause)
        async with serving(tmp_path / "last") as (agent, _):
            for asked, acknowledged in sent:
                if not acknowledged:
                    result = await agent.client.call_tool(
                        "answer_analysis", {"call_id": asked["call_id"], "response": lesson_about(asked)}
                    )
                    assert not result.is_error or "call next_analysis" in str(result.content)
            await until(agent.done)
    async with open_store(url) as store:
        library = await store.libraries.get("default")
        assert (await store.libraries.overview(library)).groups == {"learned": len(TOPICS)}
        groups = [group for revision in await store.revisions.history(library) for group in revision.groups]
        assert len(groups) == len(set(groups)) == len(TOPICS)
        assert len(await store.revisions.experiences(library)) == len(TOPICS)
        assert {group.tries for group in await store.groups.all(library)} == {0}
        async with store.database.read() as connection:
            answers = (await connection.execute(select(model_calls.c.request_hash, model_calls.c.step))).all()
    steps = [step for _, step in answers]
    assert steps.count("contrast") == len(TOPICS)
