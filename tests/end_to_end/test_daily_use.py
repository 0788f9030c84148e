"""Coding agents in daily use: attached, and then used as before. The model calls none of our tools.

Each agent that npm has is driven against a scripted model on loopback; what isn't installed skips. opencode comes with
`.ci/run`; the others are hundreds of megabytes: install them anywhere, and name the folder by EXPLIB_NODE.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
from end_to_end.node import command, environment, needs
from end_to_end.scripted_model import ScriptedModel, scripted_model
from services import end_services
from waiting import PATIENCE, until

from explib.models.trajectories import Trajectory
from explib.settings.program import Settings
from explib.storage.store import Store, open_store
from explib_server.curation.curator import By, Curator
from explib_server.projects import project_of
from explib_server.service.connection import ask

SECONDS = 180
REQUEST = "Water the plants of the second floor."
LESSON = "When watering plants, look at the soil first."
Configure: TypeAlias = Callable[[Path, ScriptedModel], dict[str, str]]
"""Writes what the agent needs besides us into a home; the variables that it needs."""


def claude_code(_home: Path, model: ScriptedModel) -> dict[str, str]:
    quiet = ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_AUTOUPDATER", "DISABLE_TELEMETRY",
             "DISABLE_ERROR_REPORTING")  # fmt: skip
    return {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_AUTH_TOKEN": "none", **dict.fromkeys(quiet, "1")}


def codex(home: Path, model: ScriptedModel) -> dict[str, str]:
    provider = f'name = "s"\nbase_url = "{model.url}/v1"\nenv_key = "SCRIPTED_KEY"\nwire_api = "responses"\n'
    text = f'model = "scripted"\nmodel_provider = "scripted"\n\n[model_providers.scripted]\n{provider}'
    _write(home / ".codex" / "config.toml", text)
    return {"SCRIPTED_KEY": "none"}


def gemini(home: Path, model: ScriptedModel) -> dict[str, str]:
    _write(home / ".gemini" / "settings.json", json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}))
    return {"GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": model.url, "GEMINI_CLI_TRUST_WORKSPACE": "true",
            "GEMINI_TELEMETRY_ENABLED": "false"}  # fmt: skip


def opencode(home: Path, model: ScriptedModel) -> dict[str, str]:
    options = {"baseURL": f"{model.url}/v1", "apiKey": "none"}
    models = {"model": {"tool_call": True}}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": models}
    chosen = {"model": "scripted/model", "small_model": "scripted/model", "permission": {"*": "allow"}}
    settings = {"autoupdate": False, "share": "disabled", "provider": {"scripted": provider}, **chosen}
    _write(home / ".config" / "opencode" / "opencode.json", json.dumps(settings))
    return {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}


def copilot(_home: Path, model: ScriptedModel) -> dict[str, str]:
    return {"COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_BASE_URL": f"{model.url}/v1", "COPILOT_MODEL": "scripted",
            "COPILOT_PROVIDER_API_KEY": "none"}  # fmt: skip


def _hand_on_environment(config: Path) -> None:
    """Codex gives a server few variables: without these ours would serve another database, by another service."""
    if config.exists():
        entry, names = "[mcp_servers.explib]\n", [name for name in os.environ if name.startswith(("EXPLIB_", "XDG_"))]
        config.write_text(config.read_text().replace(entry, f"{entry}env_vars = {json.dumps(names)}\n"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Agent:
    """A coding agent: its command, its arguments before the request, and the name that its attempts carry."""

    program: str
    arguments: tuple[str, ...]
    configure: Configure
    name: str


AGENTS = {
    "claude-code": Agent("claude", ("--allowedTools=Bash", "-p"), claude_code, "claude-code"),
    "codex": Agent(
        "codex",
        ("exec", "--skip-git-repo-check", "--dangerously-bypass-hook-trust",
         "--dangerously-bypass-approvals-and-sandbox"),
        codex,
        "codex",
    ),
    "gemini": Agent("gemini", ("--approval-mode", "yolo", "-p"), gemini, "gemini-cli"),
    "opencode": Agent("opencode", ("run",), opencode, "opencode"),
    "copilot": Agent("copilot", ("--allow-all-tools", "-p"), copilot, "copilot"),
}  # fmt: skip


async def run_agent(agent: Agent, project: Path, variables: dict[str, str]) -> str:
    """One headless run of the agent at the request; what it printed."""
    kept = {key: value for key, value in environment(PWD=str(project), **variables).items()
            if not key.startswith(("CLAUDE", "XDG_CONFIG", "XDG_DATA", "XDG_CACHE"))}  # fmt: skip
    running = await asyncio.create_subprocess_exec(
        command(agent.program),
        *agent.arguments,
        REQUEST,
        cwd=project,
        env=kept | {key: value for key, value in variables.items() if key.startswith("CLAUDE")},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(SECONDS):
        out, _ = await running.communicate()
    return out.decode()


async def attach(client: str) -> None:
    """`explib attach CLIENT`, as a person types it."""
    arguments = (sys.executable, "-m", "explib_server", "attach", client, "--learn-with", "statistics")
    attaching = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    out, _ = await attaching.communicate()
    assert attaching.returncode == 0, out.decode()


def warm(project: Path) -> None:
    """Start the service, and let it answer a first prompt: how long a machine takes for that is none of the tests'."""
    told: dict[str, object] = {"event": "prompt", "client": "claude-code", "session": "warm", "cwd": str(project)}
    assert ask("hook", {**told, "prompt": "Wait until everything is loaded."}, PATIENCE, start=True) is not None


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
            _hand_on_environment(home / ".codex" / "config.toml")
            await asyncio.to_thread(warm, project)
            out = await run_agent(agent, project, variables)
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
