"""The coding agents that tests and benchmarks drive, each against a scripted model on loopback.

What isn't installed can't be run. opencode comes with `.ci/run`; the others are hundreds of megabytes: install them
anywhere, and name the folder by EXPLIB_NODE.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from end_to_end.node import command, environment
from end_to_end.scripted_model import ScriptedModel
from waiting import PATIENCE

from explib_server.service.connection import ask

SECONDS = 180
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


async def run_agent(agent: Agent, project: Path, variables: dict[str, str], *words: str) -> str:
    """One headless run of the agent, at a request; what it printed."""
    kept = {key: value for key, value in environment(PWD=str(project), **variables).items()
            if not key.startswith(("CLAUDE", "XDG_CONFIG", "XDG_DATA", "XDG_CACHE"))}  # fmt: skip
    running = await asyncio.create_subprocess_exec(
        command(agent.program),
        *agent.arguments,
        *words,
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
