"""What attaching puts beside the server's entry: hooks, permissions, a status line; and how it goes again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explib_server.clients import files
from explib_server.clients.catalogue import CLIENTS
from explib_server.clients.entries import Attachment
from explib_server.clients.hooks import FORMS, HookEvent
from explib_server.clients.installation import EVERYTHING, Installation, Wishes
from explib_server.clients.pieces import OUR_HOOK
from explib_server.clients.places import ClientName, Machine, Scope
from explib_server.clients.values import Json

HOME = Path("/home/me")
ASKED = Attachment("explib", ("/opt/my tools/explib", "serve"), {})
WITH_HOOKS = [name for name, client in CLIENTS.items() if client.hooks_user_file is not None]
EVERY = pytest.mark.parametrize("name", WITH_HOOKS)


@dataclass
class Disk:
    """Files in memory, read and replaced as the real ones are."""

    contents: dict[Path, bytes] = field(default_factory=dict)

    def replace(self, path: Path, before: bytes | None, content: bytes, _private: bool, backup: bool = True) -> None:
        assert self.contents.get(path) == before
        if backup and before is not None:
            self.contents[files.backup_of(path)] = before
        self.contents[path] = content

    def give_back(self, path: Path, before: bytes, copy: bool) -> None:
        assert self.contents.pop(path) == before
        kept = self.contents.pop(files.backup_of(path), None)
        if copy:
            assert kept is not None
            self.contents[path] = kept

    @contextmanager
    def mounted(self) -> Iterator[None]:
        with (
            mock.patch.object(files, "read", self.contents.get),
            mock.patch.object(files, "replace", self.replace),
            mock.patch.object(files, "give_back", self.give_back),
        ):
            yield

    def attach(self, name: ClientName, wishes: Wishes = EVERYTHING, platform: str = "linux") -> bool:
        with self.mounted():
            applied = [change.apply() for change in installation(name, platform).attaching(wishes)]
        return any(applied)

    def remove(self, name: ClientName) -> bool:
        with self.mounted():
            applied = [change.apply() for change in installation(name).removing()]
        return any(applied)

    def hooks(self, name: ClientName) -> str:
        return self.contents[hooks_file(name)].decode()


def installation(name: ClientName, platform: str = "linux") -> Installation:
    return Installation(name, Machine(HOME, HOME / "project", platform, {}), Scope.user, ASKED)


def hooks_file(name: ClientName) -> Path:
    path = CLIENTS[name].hooks_file(installation(name).machine, Scope.user)
    assert path is not None
    return path


def commands(value: Json) -> Iterator[str]:
    """Every command line in a document."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in {"command", "bash"} and isinstance(inner, str) and OUR_HOOK.search(inner):
                yield inner
            yield from commands(inner)
    for inner in value if isinstance(value, list) else []:
        yield from commands(inner)


@EVERY
def test_each_event_of_a_client_runs_our_command_with_our_word_for_it(name: ClientName) -> None:
    disk = Disk()
    assert disk.attach(name)
    if name is ClientName.opencode:
        assert 'COMMAND = ["/opt/my tools/explib"]' in disk.hooks(name)
        return
    form = ClientName.copilot if name is ClientName.vscode else name
    lines = list(commands(json.loads(disk.hooks(name))))
    words = [event.word for event in FORMS[form][0]]
    assert lines == [f"'/opt/my tools/explib' hook {word} --client {form}" for word in words]
    assert {HookEvent.session_start, HookEvent.turn_end} <= set(words)


def test_claude_code_waits_longer_at_a_sessions_end_and_gemini_counts_milliseconds() -> None:
    disk = Disk()
    disk.attach(ClientName.claude_code)
    disk.attach(ClientName.gemini)
    [end] = json.loads(disk.hooks(ClientName.claude_code))["hooks"]["SessionEnd"]
    [start] = json.loads(disk.hooks(ClientName.gemini))["hooks"]["SessionStart"]
    assert (end["hooks"][0]["timeout"], start["hooks"][0]["timeout"]) == (30, 10_000)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (ClientName.claude_code, "'C:/my tools/explib.exe' hook prompt --client claude-code"),
        (ClientName.codex, '"C:\\my tools\\explib.exe" hook prompt --client codex'),
        (ClientName.gemini, "& 'C:\\my tools\\explib.exe' hook prompt --client gemini"),
    ],
)
def test_on_windows_the_command_is_spelled_for_the_clients_shell(name: ClientName, expected: str) -> None:
    disk = Disk()
    asked = Attachment("explib", ("C:\\my tools\\explib.exe", "serve"), {})
    with mock.patch(f"{__name__}.ASKED", asked):
        disk.attach(name, platform="win32")
        assert expected in list(commands(json.loads(disk.hooks(name))))
        assert disk.remove(name)
        assert hooks_file(name) not in disk.contents


def test_allowed_are_the_reading_tools_only_and_a_status_line_is_put_only_where_there_is_none() -> None:
    disk = Disk({hooks_file(ClientName.claude_code): b'{"permissions": {"allow": ["Bash(ls)"]}}'})
    disk.attach(ClientName.claude_code)
    document = json.loads(disk.hooks(ClientName.claude_code))
    ours = ["mcp__explib__get_experiences", "mcp__explib__library_status"]
    assert document["permissions"]["allow"] == ["Bash(ls)", *ours]
    assert document["statusLine"]["command"] == "'/opt/my tools/explib' status --line"
    disk = Disk({hooks_file(ClientName.claude_code): b'{"statusLine": {"type": "command", "command": "mine"}}'})
    disk.attach(ClientName.claude_code)
    assert json.loads(disk.hooks(ClientName.claude_code))["statusLine"]["command"] == "mine"


def test_a_command_of_python_itself_is_known_as_ours_too() -> None:
    disk = Disk()
    with mock.patch(f"{__name__}.ASKED", Attachment("explib", ("/usr/bin/python", "-m", "explib_server", "serve"), {})):
        disk.attach(ClientName.claude_code)
        assert disk.remove(ClientName.claude_code)
    assert disk.contents == {}


@EVERY
def test_a_library_that_was_asked_for_is_also_the_hooks(name: ClientName) -> None:
    disk = Disk()
    asked = Attachment("explib", ASKED.command, {"EXPLIB_LIBRARY": "airline"})
    with mock.patch(f"{__name__}.ASKED", asked):
        disk.attach(name)
    assert '"--library", "airline"' in disk.hooks(name) or "--library airline" in disk.hooks(name)
    assert disk.remove(name)
    assert disk.contents == {}


@EVERY
def test_without_hooks_those_that_were_there_go(name: ClientName) -> None:
    disk, without = Disk(), Disk()
    disk.attach(name)
    disk.attach(name, Wishes(hooks=False))
    without.attach(name, Wishes(hooks=False))
    assert "explib hook" not in str(disk.contents)
    assert installation(name).entry_file in disk.contents
    assert hooks_file(name) not in without.contents or name is ClientName.gemini


def test_a_hook_of_another_installation_is_replaced_and_a_persons_in_the_same_group_stays() -> None:
    mine: Json = {"type": "command", "command": "notify-send done"}
    older: Json = {"type": "command", "command": "'/old/bin/explib' hook turn-end --client claude-code"}
    path = hooks_file(ClientName.claude_code)
    disk = Disk(
        {path: json.dumps({"hooks": {"Stop": [{"hooks": [older, mine]}], "Old": [{"hooks": [older]}]}}).encode()}
    )
    disk.attach(ClientName.claude_code)
    hooks = json.loads(disk.contents[path])["hooks"]
    assert hooks["Stop"][0] == {"hooks": [mine]}
    assert "/old/bin" not in json.dumps(hooks)
    assert not disk.attach(ClientName.claude_code), "attaching twice changes nothing"
    disk.remove(ClientName.claude_code)
    assert json.loads(disk.contents[path])["hooks"]["Stop"] == [{"hooks": [mine]}]


def test_the_hooks_that_vscode_and_copilot_share_go_with_the_last_of_them() -> None:
    disk = Disk()
    disk.attach(ClientName.vscode)
    disk.attach(ClientName.copilot)
    disk.remove(ClientName.vscode)
    assert list(commands(json.loads(disk.hooks(ClientName.copilot))))
    disk.remove(ClientName.copilot)
    assert disk.contents == {}


def test_a_plugin_of_somebody_else_under_our_name_is_left_alone() -> None:
    path = hooks_file(ClientName.opencode)
    disk = Disk({path: b"export const Mine = 1\n"})
    with pytest.raises(Exception, match="is not ours"):
        disk.attach(ClientName.opencode)
    assert disk.contents == {path: b"export const Mine = 1\n"}


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=5)
EVENTS = st.sampled_from(["SessionStart", "Stop", "sessionStart", "stop", "BeforeAgent", "Other"])
COMMANDS = TEXTS.map(lambda text: {"type": "command", "command": f"run {text}"})
GROUPS = COMMANDS | st.fixed_dictionaries({"hooks": st.lists(COMMANDS, max_size=2)}, optional={"matcher": TEXTS})
HOOKS = st.dictionaries(EVENTS, st.lists(GROUPS, max_size=2), max_size=3)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "hooks": HOOKS,
        "permissions": st.fixed_dictionaries({}, optional={"allow": st.lists(TEXTS, max_size=2), "deny": st.just([])}),
        "statusLine": COMMANDS,
        "version": st.just(1),
        "théme": TEXTS,
        "mcpServers": st.dictionaries(TEXTS, st.fixed_dictionaries({"command": TEXTS}), max_size=2),
    },
)
SERVERS = st.fixed_dictionaries({}, optional={"servers": st.just({}), "mcpServers": st.just({}), "x": TEXTS})
INDENTS = st.sampled_from([None, 2, "\t"])
WISHES = st.builds(Wishes, st.booleans(), st.booleans(), st.booleans())


def existing(name: ClientName, data: st.DataObject) -> Disk:
    """A person's files, some or none of them there."""
    disk = Disk()
    entry_file, hooks = installation(name).entry_file, hooks_file(name)
    if data.draw(st.booleans()):
        document = data.draw(SERVERS)
        text = tomlkit.dumps(document) if name is ClientName.codex else json.dumps(document, indent=data.draw(INDENTS))
        disk.contents[entry_file] = text.encode()
    if name is not ClientName.opencode and data.draw(st.booleans()):
        disk.contents[hooks] = (json.dumps(data.draw(SETTINGS), indent=data.draw(INDENTS)) + "\n").encode()
    return disk


@pytest.mark.property
@EVERY
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_attaching_and_removing_gives_every_byte_back_and_attaching_twice_changes_none(
    name: ClientName, data: st.DataObject
) -> None:
    disk = existing(name, data)
    before = dict(disk.contents)
    wishes = data.draw(WISHES)
    disk.attach(name, wishes)
    once = dict(disk.contents)
    assert not disk.attach(name, wishes)
    assert disk.contents == once
    if data.draw(st.booleans()):
        disk.attach(name, data.draw(WISHES))
    disk.remove(name)
    assert disk.contents == before
    assert not disk.remove(name)


@pytest.mark.property
@EVERY
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_a_person_adds_after_attaching_stays_when_ours_goes(name: ClientName, data: st.DataObject) -> None:
    if name is ClientName.opencode:
        return
    disk = existing(name, data)
    path = hooks_file(name)
    before = json.loads(disk.contents.get(path, b"{}"))
    disk.attach(name)
    document = json.loads(disk.contents[path])
    mine = {"type": "command", "command": "mine"}
    document["added"] = 1
    document["hooks"].setdefault("Stop", []).insert(0, mine)
    disk.contents[path] = json.dumps(document, indent=1).encode()
    disk.remove(name)
    left = json.loads(disk.contents[path])
    assert left.pop("added") == 1
    assert left["hooks"]["Stop"].pop(0) == mine
    before.setdefault("hooks", {}).setdefault("Stop", [])
    assert {"version": 1, **left} == {"version": 1, **before}
