"""Coding agents in daily use: attached, and then used as before. The model calls none of our tools.

`coding_agents` says which agents there are; what isn't installed skips.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from end_to_end.coding_agents import AGENTS, attach, run_agent, warm
from end_to_end.node import needs
from end_to_end.scripted_model import scripted_model
from services import end_services
from waiting import until

from explib.models.trajectories import Trajectory
from explib.settings.program import Settings
from explib.storage.store import Store, open_store
from explib_server.curation.curator import By, Curator
from explib_server.projects import project_of

REQUEST = "Water the plants of the second floor."
LESSON = "When watering plants, look at the soil first."


async def stored(store: Store, library_name: str) -> list[Trajectory]:
    """The attempts of a library."""
    library = await store.libraries.get(library_name)
    groups = await store.groups.all(library)
    held = await store.groups.with_attempts(library, groups)
    return [attempt.trajectory for group in held for attempt in group.attempts]


@pytest.mark.parametrize("client", [pytest.param(name, marks=needs(agent.program)) for name, agent in AGENTS.items()])
async def test_an_attached_agent_gets_the_lesson_and_leaves_the_attempt_with_its_reward(
    client: str, service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLIB_SERVICE_IDLE_SECONDS", "60")
    monkeypatch.setenv("EXPLIB_HOOK_SECONDS", "30")
    home, project, agent = Path(os.environ["HOME"]), tmp_path / "project", AGENTS[client]
    (project / ".git").mkdir(parents=True)
    (project / "Makefile").write_text("check:\n\t@echo all plants are watered\n")
    with scripted_model("echo water >> plants.txt && make check") as model:
        variables = agent.configure(home, model)
        await attach(client)
        async with open_store(Settings().database_url) as store:
            name = project_of(project, Settings()).library
            library = await store.libraries.ensure(name, Settings().library_defaults())
            await Curator(store).add(library, LESSON, By("Ada"))
            await asyncio.to_thread(warm, project)
            out = await run_agent(agent, project, variables, REQUEST)
            assert any(LESSON in request and "explib-lessons" in request for request in model.asked), out

            async def captured() -> bool:
                return bool(await stored(store, name))

            await until(captured)
            [attempt] = await stored(store, name)
    assert (attempt.task, attempt.agent) == (REQUEST, agent.name)
    assert (attempt.reward, attempt.reward_source) == (1.0, "test")
    assert attempt.retrieval_id is not None


async def test_what_a_hook_has_told_outlives_a_service_that_is_killed(
    service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLIB_SERVICE_IDLE_SECONDS", "60")
    await asyncio.to_thread(warm, tmp_path)
    said = [
        {"info": {"id": f"m{at}", "role": role}, "parts": [{"type": "text", "text": text}]}
        for at, (role, text) in enumerate((("user", REQUEST), ("assistant", "It is done.")))
    ]
    arguments = (sys.executable, "-m", "explib_server", "hook", "turn-end", "--client", "opencode")
    hook = await asyncio.create_subprocess_exec(*arguments, stdin=asyncio.subprocess.PIPE)
    await hook.communicate(json.dumps({"session_id": "ses_1", "cwd": str(tmp_path), "messages": said}).encode())
    assert hook.returncode == 0
    end_services(service)  # before it reads what it was told: see capture.SETTLE_SECONDS
    await asyncio.to_thread(warm, tmp_path)
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.ensure(Settings().library, Settings().library_defaults())

        async def captured() -> bool:
            return bool(await stored(store, library.name))

        await until(captured)
        [attempt] = await stored(store, library.name)
    assert (attempt.task, attempt.reward) == (REQUEST, None)
