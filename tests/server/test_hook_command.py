"""The command that clients run: it reads any client's words, answers in them, and never stands in a person's way."""

from __future__ import annotations

import json
import os
import resource
import socketserver
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from server.cli_cases import Explib, explib

from explib.models.json_value import Json
from explib_learner.model.command_chat import UNCAPTURED
from explib_server.hooks.events import event_of
from explib_server.hooks.replies import reply, takes_context
from explib_server.hooks.spool import MOST_FILES, Spool, SpoolFull, read_event
from explib_server.service.paths import Place

__all__ = ["explib"]  # a fixture
Fields: TypeAlias = Mapping[str, object]
SAID = "lessons"
CLIENTS: dict[str, tuple[str, Fields, Fields | None]] = {
    "claude-code": (
        "prompt",
        {
            "session_id": "s1",
            "transcript_path": "/t",
            "cwd": "/w",
            "prompt": "go",
            "hook_event_name": "UserPromptSubmit",
        },
        {"hookSpecificOutput": {"hookEventName": "UserPromptSubmit", "additionalContext": SAID}},
    ),
    "gemini": (
        "prompt",
        {"session_id": "s1", "transcript_path": "/t", "cwd": "/w", "prompt": "go"},
        {"hookSpecificOutput": {"hookEventName": "BeforeAgent", "additionalContext": SAID}},
    ),
    "copilot": (
        "prompt",
        {"sessionId": "s1", "transcriptPath": "/t", "cwd": "/w", "initialPrompt": "go"},
        {"additionalContext": SAID},
    ),
    "opencode": (
        "prompt",
        {"sessionID": "s1", "transcript_path": "/t", "directory": "/w", "prompt": "go"},
        {"additionalContext": SAID},
    ),
    "cursor": (
        "session-start",
        {"conversation_id": "s1", "transcript_path": "/t", "workspace_roots": ["/w"], "prompt": "go"},
        {"additional_context": SAID},
    ),
    "vscode": (
        "prompt",
        {"sessionId": "s1", "transcript_path": "/t", "cwd": "/w", "prompt": "go", "hookEventName": "UserPromptSubmit"},
        None,
    ),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_is_read_in_its_spelling_and_answered_in_its_form(client: str) -> None:
    name, fields, expected = CLIENTS[client]
    named = "claude-code" if client in ("cursor", "vscode") else client  # whose settings they run
    event = event_of(name, named, fields)
    told = {key: event[key] for key in ("client", "session", "transcript", "cwd", "prompt")}
    assert told == {"client": client, "session": "s1", "transcript": "/t", "cwd": "/w", "prompt": "go"}
    assert reply(event, {"context": SAID}) == expected
    assert takes_context(event) is (expected is not None)


def test_a_held_tool_call_is_said_in_the_words_of_the_client() -> None:
    call = {"toolName": "bash", "toolArgs": '{"command": "git push"}'}
    answer = {"decision": "deny", "reason": "first the tests"}
    verdict = {"permissionDecision": "deny", "permissionDecisionReason": "first the tests"}
    assert reply(event_of("tool", "copilot", call), answer) == verdict
    spoken = {"hookEventName": "PreToolUse", **verdict}
    assert reply(event_of("tool", "claude-code", call), answer) == {"hookSpecificOutput": spoken}
    assert event_of("tool", "copilot", call)["arguments"] == '{"command": "git push"}'


def test_an_event_in_the_spool_stands_for_what_its_session_said_before() -> None:
    spool = Spool()
    spool.keep({"client": "codex", "session": "a", "transcript": "/a", "at": 1})
    spool.keep({"client": "codex", "session": "b", "transcript": "/b"})
    newest = spool.keep({"client": "codex", "session": "a", "transcript": "/a", "at": 2})
    spool.keep({"client": "codex", "session": "a"})  # an end that names no transcript takes nothing's place
    events = [read_event(path) for path in spool.waiting()]
    assert [event and event.get("transcript") for event in events] == ["/b", "/a", None]
    assert stat.S_IMODE(newest.stat().st_mode) == 0o600
    assert stat.S_IMODE(newest.parent.stat().st_mode) == 0o700


def test_a_full_spool_says_so() -> None:
    spool = Spool()
    spool.events.mkdir(parents=True)
    for number in range(MOST_FILES):
        (spool.events / f"{number}.json").touch()
    with pytest.raises(SpoolFull, match="1,000 events"):
        spool.keep({"client": "codex", "session": "a"})


def test_a_client_that_is_no_longer_attached_is_not_looked_after(explib: Explib) -> None:
    explib("attach", "codex", "--learn-with", "statistics")
    Spool().attach("codex")
    Spool().attach("gemini")
    explib("attach", "codex", "--remove")
    assert [client for client, _ in Spool().attached()] == ["gemini"]


Hook: TypeAlias = "Callable[..., subprocess.CompletedProcess[bytes]]"


@pytest.fixture
def hook(tmp_path: Path) -> Hook:
    """Runs the command in a process of its own, where no service can be had."""

    def run(*arguments: str, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "EXPLIB_SERVICE": "off", "XDG_DATA_HOME": str(tmp_path / "data"), **more}
        command = [sys.executable, "-m", "explib_server", "hook", *arguments]
        return subprocess.run(command, input=stdin, env=environment, cwd=tmp_path, capture_output=True, timeout=60)

    return run


@contextmanager
def answering(answer: Json) -> Iterator[list[dict[str, Json]]]:
    """A service that gives every hook the same answer; what hooks said to it."""
    heard: list[dict[str, Json]] = []

    class Answering(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            heard.append(json.loads(self.rfile.readline())["message"])
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    with socketserver.UnixStreamServer(Place().socket, Answering) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield heard
        finally:
            server.shutdown()


PROMPT = json.dumps({"session_id": "s1", "cwd": "/w", "prompt": "Make the parser accept empty lines."}).encode()
END = json.dumps({"session_id": "s1", "transcript_path": "/t", "cwd": "/w"}).encode()


@pytest.mark.process
@pytest.mark.parametrize(
    ("event", "stdin"),
    [
        ("prompt", b"no JSON {"),
        ("turn-end", b"[1]"),
        ("turn-end", b"[" * 100_000),
        ("from-next-year", END),
        ("tool", b""),
    ],
)
def test_whatever_a_client_says_the_hook_ends_well_and_prints_nothing(hook: Hook, event: str, stdin: bytes) -> None:
    ended = hook(event, "--client", "claude-code", "--unknown", stdin=stdin)
    assert (ended.returncode, ended.stdout) == (0, b"")
    assert ended.stderr.count(b"\n") <= 1


@pytest.mark.process
def test_without_a_service_the_end_of_a_turn_is_kept_for_the_next_one(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = hook("turn-end", "--client", "claude-code", stdin=END)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    [path] = Spool().waiting()
    event = read_event(path) or {}
    assert {key: event[key] for key in ("event", "client", "session", "transcript", "cwd")} == {
        "event": "turn-end", "client": "claude-code", "session": "s1", "transcript": "/t", "cwd": "/w",
    }  # fmt: skip
    assert [client for client, _ in Spool().attached()] == ["claude-code"]


@pytest.mark.process
def test_an_agent_that_works_for_the_learner_is_left_alone(hook: Hook, tmp_path: Path) -> None:
    ended = hook("turn-end", "--client", "claude-code", stdin=END, **UNCAPTURED)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert not (tmp_path / "data").exists()


@pytest.mark.process
def test_where_nothing_can_be_written_one_line_says_so(hook: Hook, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    ended = hook("turn-end", "--client", "codex", stdin=END, XDG_DATA_HOME=str(blocked))
    assert (ended.returncode, ended.stdout, ended.stderr.count(b"\n")) == (0, b"", 1)
    assert b"Not a directory" in ended.stderr


@pytest.mark.process
@pytest.mark.parametrize("reachable", [True, False])
def test_a_full_disk_is_said_in_one_line_and_what_a_service_takes_is_not_lost(
    hook: Hook, service: Path, tmp_path: Path, *, reachable: bool
) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ExitStack() as opened:
        heard = opened.enter_context(answering({"explib": "0.1.0", "accepted": True})) if reachable else []
        resource.setrlimit(resource.RLIMIT_FSIZE, (8, limit[1]))  # of the hook's process too
        try:
            ended = hook("turn-end", "--client", "codex", stdin=END, EXPLIB_SERVICE="auto" if reachable else "off")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert (ended.returncode, ended.stdout, ended.stderr.count(b"\n")) == (0, b"", 1)
    assert b"File too large" in ended.stderr
    assert [message.get("transcript") for message in heard] == ["/t"] * reachable
    assert [*(tmp_path / "data").rglob("*.json*")] == [], "nothing is half written"


@pytest.mark.process
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"explib": "0.0.1", "error": "the service 0.0.1 has no door 'hook'"}, b"has no door"),
        ({"explib": "9.0.0", "kept": {"as": "of next year"}}, b""),
        ("no object", b""),
    ],
)
def test_a_service_of_another_version_costs_a_hook_nothing(
    hook: Hook, service: Path, tmp_path: Path, answer: Json, said: bytes
) -> None:
    with answering(answer) as heard:
        asked = hook("prompt", "--client", "codex", stdin=PROMPT, EXPLIB_SERVICE="auto")
        told = hook("turn-end", "--client", "codex", stdin=END, EXPLIB_SERVICE="auto")
    for ended in (asked, told):
        assert (ended.returncode, ended.stdout) == (0, b"")
        assert ended.stderr.count(b"\n") <= 1
        assert said in ended.stderr
    assert len(heard) == 2
    assert len([*(tmp_path / "data").rglob("events/*.json")]) == 1, "it waits for a service that takes it"


@pytest.mark.process
def test_a_prompt_goes_on_without_lessons_and_one_line_says_why(hook: Hook) -> None:
    ended = hook("prompt", "--client", "codex", stdin=PROMPT)
    assert (ended.returncode, ended.stdout, ended.stderr.count(b"\n")) == (0, b"", 1)
    assert b"no lessons" in ended.stderr


@pytest.mark.process
def test_the_hook_imports_the_standard_library_only() -> None:
    code = "import sys; from explib_server.hooks import command; from explib_server.service import connection; " \
        "print(*{name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))"  # fmt: skip
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=True, text=True)
    loaded = {name for name in done.stdout.split() if not name.startswith("_")}  # those are the environment's
    assert loaded == {"explib", "explib_server"}
