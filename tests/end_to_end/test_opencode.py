"""opencode, a real agent, driven end to end without a network: its model is a script on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
from end_to_end.node import command, environment, needs
from learner.scripted_endpoint import Asked, Reply, endpoint, streams
from mcp import Client
from scripted_agent import lesson_about, submit

from explib.models.json_value import Json
from explib.settings.program import Settings
from explib.storage.store import open_store
from explib_server.mcp.server import build_server

AGENT = "opencode"
SECONDS = 120
HOMES = ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
OFFLINE = {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
HANDED_ON = ("EXPLIB_DATABASE_URL", "EXPLIB_CONFIG", "EXPLIB_ANALYST")
TASK = "pack the parcel"
Said: TypeAlias = Sequence[str]
"""The texts of the tool results so far, oldest first."""
Script: TypeAlias = Callable[[Said], tuple[str, dict[str, Json]] | None]
"""The next tool to call, or None when the task is done."""


def configuration(model_url: str, *arguments: str) -> dict[str, Json]:
    """opencode's own file: a scripted model, and our server as `explib attach opencode` writes it."""
    handed_on: dict[str, Json] = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
    server = [sys.executable, "-m", "explib_server", "serve", *arguments]
    return {
        "autoupdate": False,
        "share": "disabled",
        "model": "scripted/model",
        "small_model": "scripted/model",
        "permission": {"*": "allow"},
        "provider": {
            "scripted": {
                "npm": "@ai-sdk/openai-compatible",
                "options": {"baseURL": model_url, "apiKey": "none"},
                "models": {"model": {"tool_call": True}},
            }
        },
        "mcp": {"explib": {"type": "local", "command": [*server], "environment": handed_on, "enabled": True}},
    }


def answering(script: Script) -> Callable[[Asked], Reply]:
    """The model: calls what the script says, then says that it is done."""

    def reply(asked: Asked) -> Reply:
        messages = asked["messages"]
        assert isinstance(messages, list)
        said = [str(each["content"]) for each in messages if isinstance(each, dict) and each.get("role") == "tool"]
        wanted = script(said) if asked.get("tools") else None
        if wanted is None:
            return streams({"role": "assistant", "content": "done"}, "stop")
        name, arguments = wanted
        function: Json = {"name": f"explib_{name}", "arguments": json.dumps(arguments)}
        call: Json = {"index": 0, "id": f"call_{len(said)}", "type": "function", "function": function}
        return streams({"role": "assistant", "tool_calls": [call]}, "tool_calls")

    return reply


async def run_agent(folder: Path, script: Script, *arguments: str) -> str:
    """One headless run of the agent in an empty home; what it printed."""
    async with endpoint(answering(script)) as model:
        project = folder / "project"
        project.mkdir()
        (project / "opencode.json").write_text(json.dumps(configuration(model.url, *arguments)), encoding="utf-8")
        homes = {name: str(folder / "home" / name.lower()) for name in HOMES}
        agent = await asyncio.create_subprocess_exec(
            command(AGENT),
            "run",
            TASK,
            cwd=project,
            env=environment(OPENCODE_CONFIG=str(project / "opencode.json"), PWD=str(project), **OFFLINE, **homes),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(SECONDS):
            out, _ = await agent.communicate()
    assert agent.returncode == 0, out.decode()
    return out.decode()


@needs(AGENT)
async def test_an_agent_fetches_submits_and_reports_the_reward(tmp_path: Path) -> None:
    def script(said: Said) -> tuple[str, dict[str, Json]] | None:
        match len(said):
            case 0:
                return "get_experiences", {"task": TASK}
            case 1:
                attempt: Json = [{"role": "assistant", "content": "packed"}]
                return "submit_trajectory", {"task": TASK, "trajectory": attempt, "agent": AGENT}
            case 2:
                [identity] = re.findall(r"t_[0-9a-f]+", said[1])
                return "report_reward", {"trajectory_id": identity, "reward": 1.0}
            case _:
                return None

    out = await run_agent(tmp_path, script, "--learner", "off")
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.get("default")
        overview = await store.libraries.overview(library)
        [group] = await store.groups.all(library)
    assert (overview.trajectories, overview.graded, group.task) == (1, 1, TASK), out


@needs(AGENT)
async def test_an_agent_does_a_whole_learning_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees the texts of the answers only, and no key of a model is set."""
    monkeypatch.setenv("EXPLIB_ANALYST", "agent")
    async with Client(build_server(Settings(), "off")) as client:
        await submit(client, "parcels", "refunds")

    def script(said: Said) -> tuple[str, dict[str, Json]] | None:
        handed = json.loads(said[-1]) if said else {"accepted": True}
        if "accepted" in handed:
            return "next_analysis", {}
        if handed["state"] != "step":
            return None
        return "answer_analysis", {"call_id": handed["call_id"], "response": lesson_about(handed)}

    out = await run_agent(tmp_path, script, "--tools", "all")
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.get("default")
        overview = await store.libraries.overview(library)
        learned = await store.revisions.experiences(library)
    assert overview.groups == {"learned": 2}, out
    assert {(each.analyst, each.model) for each in learned} == {("agent", AGENT)}
    assert len(learned) == 2
