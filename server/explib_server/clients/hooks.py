"""The hooks of each client: its events, with the word of ours that `explib hook` takes, and their form in its file."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PureWindowsPath
from typing import TypeAlias

from explib_server.clients.pieces import HookEntries
from explib_server.clients.places import ClientName
from explib_server.clients.values import Json

RECALL_SECONDS = 10
"""The most that a client waits; the hook itself gives up long before."""
CAPTURE_SECONDS = 10
END_SECONDS = 30
"""Claude Code gives SessionEnd 1.5 s where no more is asked for."""
CODEX_END_SECONDS = 3
"""Codex allows no more at the end of a session and after an interruption."""


class HookEvent(StrEnum):
    """What a client tells us of, in our words."""

    session_start = "session-start"
    prompt = "prompt"
    tool = "tool"
    turn_end = "turn-end"
    session_end = "session-end"
    interrupt = "interrupt"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a client; `matcher` names the tools where it is about tools."""

    name: str
    word: HookEvent
    seconds: int
    matcher: str | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """The program to run, on a platform (`sys.platform`), for a client."""

    words: tuple[str, ...]
    client: ClientName
    platform: str
    further: tuple[str, ...] = ()
    """Options by which the hooks find what the server's entry names."""

    def arguments(self, event: Event) -> tuple[str, ...]:
        """The words of the command line."""
        return (*self.words, "hook", event.word.value, "--client", self.client.value, *self.further)

    def line(self, event: Event, windows: Callable[[tuple[str, ...]], str]) -> str:
        """The command line for a POSIX shell, on Windows for the shell that the client uses there."""
        words = self.arguments(event)
        return windows(words) if self.platform == "win32" else shlex.join(words)

    def status_line(self) -> str:
        """The command line whose output Claude Code shows under its prompt."""
        words = (*self.words, "status", "--line")
        return git_bash(words) if self.platform == "win32" else shlex.join(words)


Shape: TypeAlias = Callable[[Event, Program], dict[str, Json]]


def git_bash(words: tuple[str, ...]) -> str:
    """The line for Git Bash: a path has slashes."""
    return shlex.join((PureWindowsPath(words[0]).as_posix(), *words[1:]))


def command_prompt(words: tuple[str, ...]) -> str:
    """The line for cmd.exe."""
    return subprocess.list2cmdline(words)


def powershell(words: tuple[str, ...]) -> str:
    """The line for PowerShell, which starts a quoted path only after `&`."""
    return " ".join(("&", "'" + words[0].replace("'", "''") + "'", *words[1:]))


def _group(hook: dict[str, Json], event: Event) -> dict[str, Json]:
    matcher: dict[str, Json] = {} if event.matcher is None else {"matcher": event.matcher}
    return {**matcher, "hooks": [hook]}


def _in_seconds(windows: Callable[[tuple[str, ...]], str]) -> Shape:
    """Claude Code's form, with time-outs in seconds."""
    return lambda event, program: _group(
        {"type": "command", "command": program.line(event, windows), "timeout": event.seconds}, event
    )


def _gemini(event: Event, program: Program) -> dict[str, Json]:
    """Named, since Gemini CLI lists hooks by name; time-outs are in milliseconds."""
    command = program.line(event, powershell)
    return _group(
        {"type": "command", "name": f"explib-{event.word}", "command": command, "timeout": event.seconds * 1000}, event
    )


def _copilot(event: Event, program: Program) -> dict[str, Json]:
    """For both shells at once: a project's file is read on every platform."""
    words = program.arguments(event)
    return {"type": "command", "bash": shlex.join(words), "powershell": powershell(words), "timeoutSec": event.seconds}


def _cursor(event: Event, program: Program) -> dict[str, Json]:
    return {"command": program.line(event, powershell), "timeout": event.seconds}


CLAUDE_CODE_EVENTS = (
    Event("SessionStart", HookEvent.session_start, RECALL_SECONDS),
    Event("UserPromptSubmit", HookEvent.prompt, RECALL_SECONDS),
    Event("PreToolUse", HookEvent.tool, RECALL_SECONDS, "Bash|Edit|Write|NotebookEdit"),
    Event("Stop", HookEvent.turn_end, CAPTURE_SECONDS),
    Event("SessionEnd", HookEvent.session_end, END_SECONDS),
)
CODEX_EVENTS = (
    Event("SessionStart", HookEvent.session_start, RECALL_SECONDS),
    Event("UserPromptSubmit", HookEvent.prompt, RECALL_SECONDS),
    Event("PreToolUse", HookEvent.tool, RECALL_SECONDS, "Bash|apply_patch|Edit|Write"),
    Event("Stop", HookEvent.turn_end, CAPTURE_SECONDS),
    Event("Interrupt", HookEvent.interrupt, CODEX_END_SECONDS),
    Event("SessionEnd", HookEvent.session_end, CODEX_END_SECONDS),
)
GEMINI_EVENTS = (
    Event("SessionStart", HookEvent.session_start, RECALL_SECONDS),
    Event("BeforeAgent", HookEvent.prompt, RECALL_SECONDS),
    Event("BeforeTool", HookEvent.tool, RECALL_SECONDS, "run_shell_command|write_file|replace"),
    Event("AfterAgent", HookEvent.turn_end, CAPTURE_SECONDS),
    Event("SessionEnd", HookEvent.session_end, CAPTURE_SECONDS),
)
COPILOT_EVENTS = (
    Event("sessionStart", HookEvent.session_start, RECALL_SECONDS),
    Event("userPromptSubmitted", HookEvent.prompt, RECALL_SECONDS),
    Event("preToolUse", HookEvent.tool, RECALL_SECONDS),
    Event("Stop", HookEvent.turn_end, CAPTURE_SECONDS),
    Event("sessionEnd", HookEvent.session_end, CAPTURE_SECONDS),
)
"""Spelled so that VS Code knows them too: it takes the first three in Copilot CLI's spelling, and Copilot CLI takes
`Stop` in VS Code's."""
CURSOR_EVENTS = (
    Event("sessionStart", HookEvent.session_start, RECALL_SECONDS),
    Event("stop", HookEvent.turn_end, CAPTURE_SECONDS),
    Event("sessionEnd", HookEvent.session_end, CAPTURE_SECONDS),
)
"""Cursor takes no context with a prompt, and asks before each tool by another form."""
FORMS: Mapping[ClientName, tuple[tuple[Event, ...], Shape]] = {
    ClientName.claude_code: (CLAUDE_CODE_EVENTS, _in_seconds(git_bash)),
    ClientName.codex: (CODEX_EVENTS, _in_seconds(command_prompt)),
    ClientName.gemini: (GEMINI_EVENTS, _gemini),
    ClientName.copilot: (COPILOT_EVENTS, _copilot),
    ClientName.cursor: (CURSOR_EVENTS, _cursor),
}


def hook_entries(program: Program) -> HookEntries:
    """Every hook of a client as it stands in its file."""
    events, shape = FORMS[program.client]
    return HookEntries({event.name: shape(event, program) for event in events})
