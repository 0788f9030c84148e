"""`explib attach`: every client's own file is merged whole or not at all, and given back as it was."""

from __future__ import annotations

import json
import os
import stat
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
import tomlkit
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from explib.errors import Conflict, InvalidInput
from explib_server.cli.attach import attach
from explib_server.clients import entries, files
from explib_server.clients.catalogue import CLIENTS, HANDED_ON, Client
from explib_server.clients.entries import attachment, own_command
from explib_server.clients.installation import Installation, Wishes
from explib_server.clients.jsonc import scan
from explib_server.clients.places import ClientName, Machine, Scope
from explib_server.clients.values import Json
from explib_server.service import answers

COMMAND = "/opt/explib/bin/explib"
URL = "https://team.example:8765/mcp"
TOKEN = "explib_Zm9vYmFy"
BEARER: dict[str, Json] = {"Authorization": f"Bearer {TOKEN}"}
EVERY = pytest.mark.parametrize("name", list(ClientName))
STDIO: dict[ClientName, dict[str, Json]] = {
    ClientName.claude_desktop: {"command": COMMAND, "args": ["serve"]},
    ClientName.claude_code: {"type": "stdio", "command": COMMAND, "args": ["serve"], "alwaysLoad": True},
    ClientName.vscode: {"type": "stdio", "command": COMMAND, "args": ["serve"]},
    ClientName.cursor: {"command": COMMAND, "args": ["serve"]},
    ClientName.codex: {"command": COMMAND, "args": ["serve"], "env_vars": [*HANDED_ON]},
    ClientName.opencode: {"type": "local", "command": [COMMAND, "serve"], "enabled": True},
    ClientName.gemini: {"command": COMMAND, "args": ["serve"]},
    ClientName.copilot: {"type": "local", "command": COMMAND, "args": ["serve"], "tools": ["*"]},
}
HTTP: dict[ClientName, dict[str, Json]] = {
    ClientName.claude_desktop: {
        "command": "npx",
        "args": ["-y", "mcp-remote", URL, "--header", "Authorization:${AUTH_HEADER}"],
        "env": {"AUTH_HEADER": f"Bearer {TOKEN}"},
    },
    ClientName.claude_code: {"type": "http", "url": URL, "headers": BEARER, "alwaysLoad": True},
    ClientName.vscode: {
        "type": "http",
        "url": URL,
        "headers": {"Authorization": "Bearer ${input:explib-token}"},
    },
    ClientName.cursor: {"url": URL, "headers": BEARER},
    ClientName.codex: {"url": URL, "http_headers": BEARER},
    ClientName.opencode: {"type": "remote", "url": URL, "headers": BEARER, "enabled": True},
    ClientName.gemini: {"httpUrl": URL, "headers": BEARER},
    ClientName.copilot: {"type": "http", "url": URL, "headers": BEARER, "tools": ["*"]},
}
OTHER: dict[str, Json] = {"command": "npx", "args": ["-y", "other"], "env": {"KEY": "ä$"}, "unknown": [1, 2.5, True]}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the machine is touched: home and project are folders of the test."""
    for variable in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "APPDATA"):
        monkeypatch.delenv(variable, raising=False)
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(project)
    monkeypatch.setattr(entries, "own_command", lambda: (COMMAND, "serve"))
    monkeypatch.setattr(answers, "keep", lambda _tools: "")  # it asks a server
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command("attach")(attach)
    return CliRunner().invoke(app, list(arguments))


def succeed(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.exception
    return result.stdout


def failure(*arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, InvalidInput)
    return str(result.exception)


def file_of(name: ClientName, home: Path, scope: Scope = Scope.user) -> Path:
    return CLIENTS[name].file(Machine(home, home / "project", sys.platform, {}), scope)


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def dumped(client: Client, document: dict[str, Json]) -> str:
    return tomlkit.dumps(document) if client.servers == "mcp_servers" else json.dumps(document, indent=2) + "\n"


def plain(client: Client, path: Path) -> dict[str, Json]:
    document = client.format.plain(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def servers(client: Client, path: Path) -> dict[str, Json]:
    found = plain(client, path)[client.servers]
    assert isinstance(found, dict)
    return found


def existing(name: ClientName) -> str:
    client = CLIENTS[name]
    return dumped(client, {"zeta": {"b": 1, "a": [1, "x"]}, client.servers: {"other": OTHER}, "alpha": "é"})


def everything_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@EVERY
def test_a_fresh_file_holds_the_entry_of_a_local_server(name: ClientName, home: Path) -> None:
    said = succeed(name)
    path = file_of(name, home)
    assert servers(CLIENTS[name], path) == {"explib": STDIO[name]}
    assert str(path) in said
    assert list(path.parent.glob("*backup")) == []


@EVERY
def test_a_fresh_file_holds_the_entry_of_a_remote_server(name: ClientName, home: Path) -> None:
    said = succeed(name, "--url", URL, "--token", TOKEN)
    path = file_of(name, home)
    assert servers(CLIENTS[name], path) == {"explib": HTTP[name]}
    if name is ClientName.vscode:
        assert TOKEN not in path.read_text()
        assert plain(CLIENTS[name], path)["inputs"] == [
            {
                "type": "promptString",
                "id": "explib-token",
                "description": "Token of the experience library",
                "password": True,
            }
        ]
    else:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "0600" in said


@EVERY
def test_library_and_database_are_the_entrys_environment(name: ClientName, home: Path) -> None:
    succeed(name, "--library", "airline", "--database-url", "sqlite+aiosqlite:////data/l.db", "--name", "air")
    entry = servers(CLIENTS[name], file_of(name, home))["air"]
    assert isinstance(entry, dict)
    key = "environment" if name is ClientName.opencode else "env"
    assert entry[key] == {"EXPLIB_LIBRARY": "airline", "EXPLIB_DATABASE_URL": "sqlite+aiosqlite:////data/l.db"}


@EVERY
def test_merging_keeps_other_servers_unknown_keys_and_their_order(name: ClientName, home: Path) -> None:
    path = put(file_of(name, home), existing(name))
    before = plain(CLIENTS[name], path)
    said = succeed(name, "--no-hooks")
    after = plain(CLIENTS[name], path)
    assert list(after) == list(before)
    assert after == {**before, CLIENTS[name].servers: {"other": OTHER, "explib": STDIO[name]}}
    assert files.backup_of(path).read_text() == existing(name)
    assert files.backup_of(path).name in said


@EVERY
@pytest.mark.parametrize("options", [[], ["--url", URL, "--token", TOKEN]])
def test_attaching_twice_changes_no_byte_and_says_so(name: ClientName, options: list[str], home: Path) -> None:
    put(file_of(name, home), existing(name))
    succeed(name, *options)
    first = everything_below(home)
    assert "nothing was changed" in succeed(name, *options)
    assert everything_below(home) == first


@EVERY
@pytest.mark.parametrize("options", [[], ["--url", URL, "--token", TOKEN]])
def test_removing_gives_the_file_back(name: ClientName, options: list[str], home: Path) -> None:
    path = put(file_of(name, home), existing(name))
    before = plain(CLIENTS[name], path)
    succeed(name, *options)
    removed = succeed(name, "--remove")
    assert "as it was before" in removed
    assert CLIENTS[name].next_step not in removed, "it tells how the server is seen"
    after = plain(CLIENTS[name], path)
    assert after.pop("inputs", []) == []
    assert after == before
    if name is not ClientName.vscode:
        assert path.read_text() == existing(name)
    assert "nothing was changed" in succeed(name, "--remove")


@EVERY
def test_removing_everything_from_files_that_we_made_removes_the_files(name: ClientName, home: Path) -> None:
    succeed(name, "--library", "airline")
    assert "held nothing else and is gone" in succeed(name, "--remove")
    assert everything_below(home) == {}
    succeed(name)
    assert servers(CLIENTS[name], file_of(name, home)) == {"explib": STDIO[name]}


def test_variables_that_a_person_hands_on_stay(home: Path) -> None:
    put(file_of(ClientName.codex, home), '[mcp_servers.explib]\nenv_vars = ["MINE", "EXPLIB_MODEL"]\n')
    succeed("codex")
    entry = tomllib.loads(file_of(ClientName.codex, home).read_text())["mcp_servers"]["explib"]
    assert entry["env_vars"] == ["MINE", "EXPLIB_MODEL", *(name for name in HANDED_ON if name != "EXPLIB_MODEL")]


def test_what_clients_ask_first_is_kept_or_that_it_could_not_be_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(tools: str) -> str:
        raise OSError(f"no room for {tools}")

    monkeypatch.setattr(answers, "keep", full)
    assert "wait a little longer for the tools: no room for learn" in run("cursor", "--tools", "learn").stderr


@EVERY
def test_removing_without_a_file_makes_none(name: ClientName, home: Path) -> None:
    assert "nothing was changed" in succeed(name, "--remove")
    assert everything_below(home) == {}


@EVERY
def test_printing_shows_what_can_be_pasted_and_writes_nothing(name: ClientName, home: Path) -> None:
    result = run(name, "--url", URL, "--token", TOKEN, "--print")
    fragment = CLIENTS[name].format.plain(result.stdout)
    assert isinstance(fragment, dict)
    assert fragment[CLIENTS[name].servers] == {"explib": HTTP[name]}
    assert ("not masked" in result.stderr) == (name is not ClientName.vscode)
    assert str(file_of(name, home)) in result.stderr
    put(file_of(name, home), existing(name))
    before = everything_below(home)
    succeed(name, "--print")
    succeed(name, "--print", "--remove")
    assert everything_below(home) == before


@EVERY
@pytest.mark.parametrize("broken", ['{"a": [1, 2', "[[[", '{"a": 1} x', "\ud7ff\x00", '"just text"'])
def test_a_malformed_file_is_left_alone_and_the_entry_shown(name: ClientName, broken: str, home: Path) -> None:
    path = put(file_of(name, home), broken)
    before = everything_below(home)
    said = failure(name, "--url", URL, "--token", TOKEN)
    assert str(path) in said
    assert URL in said
    assert TOKEN not in said
    assert everything_below(home) == before


@EVERY
def test_bytes_that_are_no_text_are_left_alone(name: ClientName, home: Path) -> None:
    path = put(file_of(name, home), "")
    path.write_bytes(b"\xff\xfe{}")
    assert "cannot be changed" in failure(name)
    assert path.read_bytes() == b"\xff\xfe{}"


@EVERY
def test_servers_that_are_no_object_are_left_alone(name: ClientName, home: Path) -> None:
    path = put(file_of(name, home), dumped(CLIENTS[name], {CLIENTS[name].servers: [1]}))
    before = path.read_bytes()
    assert "is not an object" in failure(name)
    assert path.read_bytes() == before


@EVERY
def test_a_failure_before_the_replacement_leaves_the_old_file(
    name: ClientName, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(file_of(name, home), existing(name))
    before = everything_below(home)
    monkeypatch.setattr(os, "replace", mock.Mock(side_effect=OSError(5, "Input/output error")))
    assert "Input/output error" in failure(name)
    assert everything_below(home) == before


def test_a_failure_of_the_second_replacement_leaves_the_old_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(file_of(ClientName.cursor, home), existing(ClientName.cursor))
    replace, calls = os.replace, iter([None, OSError(28, "No space left on device")])

    def failing(source: Path, target: Path) -> None:
        if (error := next(calls)) is not None:
            raise error
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    assert "No space left" in failure("cursor")
    assert path.read_text() == existing(ClientName.cursor)
    assert set(everything_below(path.parent)) == {path, files.backup_of(path)}


@EVERY
def test_a_folder_that_cannot_be_written_gives_a_sentence(
    name: ClientName, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", mock.Mock(side_effect=PermissionError(13, "Permission denied")))
    said = failure(name)
    assert "Permission denied" in said
    assert "--print" in said


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_gives_a_sentence(home: Path) -> None:
    folder = file_of(ClientName.cursor, home).parent
    folder.mkdir()
    folder.chmod(0o500)
    assert "Permission denied" in failure("cursor")


def test_a_folder_that_is_a_file_gives_a_sentence(home: Path) -> None:
    put(home / ".cursor", "")
    assert "cannot be read" in failure("cursor")


def test_a_file_that_another_program_changed_meanwhile_is_left_to_it(home: Path) -> None:
    path = put(home / ".claude.json", "{}")
    machine = Machine(home, home / "project", "linux", {})
    asked = attachment("explib", None, None, None, None)
    [change, _] = Installation(ClientName.claude_code, machine, Scope.user, asked).attaching(Wishes())
    put(path, '{"numStartups": 2}')
    with pytest.raises(Conflict, match="run this again"):
        change.apply()
    assert set(everything_below(home).values()) == {b'{"numStartups": 2}'}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (ClientName.claude_code, ".mcp.json"),
        (ClientName.vscode, ".vscode/mcp.json"),
        (ClientName.cursor, ".cursor/mcp.json"),
        (ClientName.codex, ".codex/config.toml"),
        (ClientName.opencode, "opencode.json"),
        (ClientName.gemini, ".gemini/settings.json"),
    ],
)
def test_the_project_scope_writes_into_the_project(name: ClientName, expected: str, home: Path) -> None:
    succeed(name, "--scope", "project")
    assert (home / "project" / expected).is_file()
    assert all(path.is_relative_to(home / "project") for path in everything_below(home))


def test_a_token_in_a_project_is_not_to_be_committed() -> None:
    assert "don't commit it" in succeed("claude-code", "--scope", "project", "--url", URL, "--token", TOKEN)


def test_claude_desktop_has_no_project_scope() -> None:
    assert "--scope project" in failure("claude-desktop", "--scope", "project")


@pytest.mark.parametrize(
    ("name", "platform", "environment", "expected"),
    [
        (ClientName.claude_desktop, "darwin", {}, "Library/Application Support/Claude/claude_desktop_config.json"),
        (ClientName.claude_desktop, "linux", {}, ".config/Claude/claude_desktop_config.json"),
        (ClientName.claude_desktop, "win32", {}, "AppData/Roaming/Claude/claude_desktop_config.json"),
        (ClientName.claude_desktop, "win32", {"APPDATA": "/h/R"}, "R/Claude/claude_desktop_config.json"),
        (ClientName.vscode, "darwin", {}, "Library/Application Support/Code/User/mcp.json"),
        (ClientName.vscode, "linux", {"XDG_CONFIG_HOME": "/h/x"}, "x/Code/User/mcp.json"),
        (ClientName.claude_code, "linux", {}, ".claude.json"),
        (ClientName.claude_code, "linux", {"CLAUDE_CONFIG_DIR": "/h/work"}, "work/.claude.json"),
        (ClientName.codex, "linux", {"CODEX_HOME": "/h/codex"}, "codex/config.toml"),
        (ClientName.opencode, "darwin", {}, ".config/opencode/opencode.json"),
    ],
)
def test_each_platform_has_its_own_place(
    name: ClientName, platform: str, environment: dict[str, str], expected: str
) -> None:
    machine = Machine(Path("/h"), Path("/p"), platform, environment)
    assert CLIENTS[name].file(machine, Scope.user) == Path("/h") / expected


def test_opencodes_jsonc_file_is_taken_where_there_is_one(home: Path) -> None:
    path = put(home / ".config/opencode/opencode.jsonc", '{\n  // mine\n  "theme": "x", // dark\n}\n')
    succeed("opencode")
    text = path.read_text()
    assert text.startswith('{\n  // mine\n  "theme": "x", // dark\n  "mcp": {\n    "explib": {')
    assert not path.with_suffix(".json").exists()
    succeed("opencode", "--remove")
    assert path.read_text() == '{\n  // mine\n  "theme": "x", // dark\n}\n'


COMMENTED = [
    '{\n\t"servers": {\n\t\t// the other\n\t\t"other": {"command": "x"} /* last */\n\t}\n}\n',
    '{\n  "servers": {\n    "other": {\n      "command": "x",\n    },\n    // more to come\n  },\n}',
    '{"servers": {"other": {"command": "x"}}, "inputs": [ /* none */ ]}',
    '{"servers": {} // none yet\r\n}\r\n',
    "{ // nothing\n}",
    '{"servers": {\n"a": 1, "b": 2 // two\n, "explib": {"command": "old"}, "c": 3}}',
    '{"servers": {\n// ours\n"explib": {"command": "old"}, "c": 3}}',
    '{"servers": {\n"c": 3, // ours\n"explib": {"command": "old"} }}',
]


@pytest.mark.parametrize("text", COMMENTED)
@pytest.mark.parametrize("options", [[], ["--url", URL, "--token", TOKEN]])
def test_comments_and_trailing_commas_are_kept(text: str, options: list[str], home: Path) -> None:
    client = CLIENTS[ClientName.vscode]
    path = put(file_of(ClientName.vscode, home), text)
    others = servers(client, path) if "servers" in plain(client, path) else {}
    others.pop("explib", None)
    succeed("vscode", *options)
    succeed("vscode", "--remove")
    left = path.read_bytes().decode()
    assert (servers(client, path) if others else {}) == others
    for comment in ("// the other", "/* last */", "// more to come", "/* none */", "// none yet", "// two", "// ours"):
        assert (comment in left) == (comment in text)


def test_a_client_that_reads_no_comments_gets_none_and_loses_none(home: Path) -> None:
    path = put(home / ".claude.json", '{\n  // mine\n  "a": 1\n}')
    assert "line 2" in failure("claude-code")
    assert path.read_text() == '{\n  // mine\n  "a": 1\n}'


def test_layout_numbers_and_escapes_of_others_keep_their_bytes(home: Path) -> None:
    text = (
        '\ufeff{\r\n\t"big": 123456789012345678901234567890.10e2,\r\n\t"s": "\\u00e9\\/\\ud800", "mcpServers":{}\r\n}'
    )
    path = put(home / ".claude.json", text)
    succeed("claude-code")
    left = path.read_bytes().decode()
    assert left.startswith(text.removesuffix("{}\r\n}") + '{\r\n\t\t"explib": {\r\n\t\t\t"type": "stdio",\r\n')
    assert left.count("\n") == left.count("\r\n")
    succeed("claude-code", "--remove")
    assert path.read_bytes().decode() == text


def test_codex_keeps_its_comments(home: Path) -> None:
    text = (
        '# mine\nmodel = "o4" # fast\n\n[mcp_servers.other] # keep\ncommand = "x"\n\n'
        '[mcp_servers.other.env]\nK = "v"\n\n[tui]\ntheme = "dark"\n\n[mcp_servers.last]\nurl = "https://x"\n'
    )
    path = put(home / ".codex/config.toml", text)
    succeed("codex", "--library", "airline")
    assert tomllib.loads(path.read_text())["mcp_servers"]["explib"]["env"] == {"EXPLIB_LIBRARY": "airline"}
    assert [line for line in text.splitlines() if line not in path.read_text().splitlines()] == []
    succeed("codex", "--remove")
    assert path.read_text().rstrip() == text.rstrip()


@pytest.mark.parametrize("behind", ["[mcp_servers.other]\ncommand = 'y'\n", "[tui]\ntheme = 'dark'\n", ""])
@pytest.mark.parametrize("gap", ["\n", "", "\n\n"])
@pytest.mark.parametrize("entry", ["url = 'x'\n", "command = 'x'\n\n[mcp_servers.explib.env]\nEXPLIB_LIBRARY = 'a'\n"])
def test_codex_keeps_the_comment_of_what_follows_the_entry(entry: str, gap: str, behind: str, home: Path) -> None:
    """tomlkit counts it to the table above."""
    text = f"model = 'o4'\n\n[mcp_servers.explib]\n{entry}{gap}# about the rest,\n  # in two lines\n{behind}"
    path = put(home / ".codex/config.toml", text)
    for options in (["--url", URL], [], ["--library", "b"], ["--remove"]):
        succeed("codex", *options)
        lines = path.read_text().splitlines()
        assert lines.count("# about the rest,") == lines.count("  # in two lines") == 1, options
        place = lines.index("# about the rest,")
        assert lines[place + 1] == "  # in two lines"
        if behind:
            assert lines[place + 2] == behind.splitlines()[0], options
    none: dict[str, Json] = {"mcp_servers": {}}
    assert {**none, **tomllib.loads(path.read_text())} == {**none, "model": "o4", **tomllib.loads(behind)}


@pytest.mark.parametrize(
    "text",
    [
        "[mcp_servers]\n",
        "mcp_servers = { other = { command = 'x' } } # inline\nlast = 1\n",
        "[mcp_servers.other]\r\ncommand = 'x'\r\n\r\n[tui]\r\ntheme = 'x'\r\n",
        "[mcp_servers.explib]\ncommand = 'old'\nstartup_timeout_sec = 20\n[mcp_servers.explib.env]\nK = 'v'\n",
        "[mcp_servers.a]\nurl = 'x'\n[t]\nx = 1\n[mcp_servers.explib]\nurl = 'y'\n[[l]]\n[mcp_servers.b]\nurl = 'z'\n",
    ],
)
@pytest.mark.parametrize("options", [[], ["--url", URL, "--token", TOKEN]])
def test_every_way_to_write_tables_is_merged(text: str, options: list[str], home: Path) -> None:
    path = put(home / ".codex/config.toml", text)
    before = tomllib.loads(text)
    succeed("codex", *options)
    document = plain(CLIENTS[ClientName.codex], path)
    succeed("codex", *options)
    assert plain(CLIENTS[ClientName.codex], path) == document
    succeed("codex", "--remove")
    before["mcp_servers"].pop("explib", None)
    left = tomllib.loads(path.read_text()) if path.exists() else {}
    assert {"mcp_servers": {}, **left} == before


def test_a_layout_that_cannot_be_changed_safely_is_refused_with_what_to_paste(home: Path) -> None:
    path = put(home / ".codex/config.toml", "mcp_servers.other.command = 'x'\nlast = 1\n")
    assert f'[mcp_servers.explib]\ncommand = "{COMMAND}"' in failure("codex")
    assert path.read_text() == "mcp_servers.other.command = 'x'\nlast = 1\n"


def test_what_is_taken_out_of_an_entry_is_told(home: Path) -> None:
    succeed("cursor", "--library", "airline", "--database-url", "sqlite+aiosqlite:////data/lessons.db")
    hooks = (home / ".cursor" / "hooks.json").read_text()
    assert "--library airline --database-url sqlite+aiosqlite:////data/lessons.db" in hooks
    said = succeed("cursor", "--library", "airline")
    assert "Taken out of it: env.EXPLIB_DATABASE_URL." in said
    assert "Taken out" not in succeed("cursor", "--library", "shipping")


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can give files away")
def test_the_owner_of_a_file_stays_also_when_root_attaches(home: Path) -> None:
    path = put(home / ".cursor/mcp.json", "{}")
    os.chown(path, 1234, 5678)
    succeed("cursor", "--url", URL, "--token", TOKEN)
    for each in (path, path.with_name("mcp.json.explib-backup")):
        assert (each.stat().st_uid, each.stat().st_gid) == (1234, 5678)


def test_a_number_that_is_too_long_is_told(home: Path) -> None:
    put(home / ".claude.json", '{"number": ' + "1" * 5_000 + "}")
    assert "cannot be changed and is as it was" in failure("claude-code")


def test_what_a_user_added_to_the_entry_stays(home: Path) -> None:
    path = put(
        home / ".cursor/mcp.json",
        '{"mcpServers": {"explib": {"command": "old", "autoApprove": ["library_status"],'
        ' "env": {"EXPLIB_MODEL": "m", "EXPLIB_LIBRARY": "a"}}}}',
    )
    succeed("cursor")
    entry = servers(CLIENTS[ClientName.cursor], path)["explib"]
    assert entry == {**STDIO[ClientName.cursor], "autoApprove": ["library_status"], "env": {"EXPLIB_MODEL": "m"}}


@EVERY
def test_an_entry_can_go_from_local_to_remote_and_back(name: ClientName, home: Path) -> None:
    path = file_of(name, home)
    succeed(name, "--library", "airline")
    succeed(name, "--url", URL, "--token", TOKEN)
    assert servers(CLIENTS[name], path)["explib"] == HTTP[name]
    succeed(name)
    entry = servers(CLIENTS[name], path)["explib"]
    assert isinstance(entry, dict)
    assert {key: value for key, value in entry.items() if value != {}} == STDIO[name]
    assert plain(CLIENTS[name], path).get("inputs", []) == []


def test_a_question_for_a_token_stays_while_another_server_asks_it(home: Path) -> None:
    succeed("vscode", "--url", URL, "--token", TOKEN)
    path = file_of(ClientName.vscode, home)
    document = json.loads(path.read_text())
    document["servers"]["mine"] = {"type": "http", "headers": {"X": "${input:explib-token}"}}
    put(path, json.dumps(document))
    succeed("vscode", "--remove")
    assert [each["id"] for each in json.loads(path.read_text())["inputs"]] == ["explib-token"]


def test_a_file_with_our_token_is_closed_even_if_nothing_else_changes(home: Path) -> None:
    succeed("cursor", "--url", URL, "--token", TOKEN)
    path = file_of(ClientName.cursor, home)
    path.chmod(0o644)
    assert "0600" in succeed("cursor", "--url", URL, "--token", TOKEN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_password_in_the_database_url_is_a_secret(home: Path) -> None:
    said = succeed("cursor", "--database-url", "postgresql+asyncpg://me:pass@db/explib")
    assert "the hooks find it in your settings" in said
    assert "pass" not in (home / ".cursor" / "hooks.json").read_text()
    assert stat.S_IMODE(file_of(ClientName.cursor, home).stat().st_mode) == 0o600


def test_mode_and_symbolic_links_are_kept(home: Path) -> None:
    real = put(home / "dotfiles/mcp.json", "{}")
    real.chmod(0o640)
    (home / ".cursor").mkdir()
    (home / ".cursor/mcp.json").symlink_to(real)
    succeed("cursor")
    assert (home / ".cursor/mcp.json").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert "explib" in real.read_text()


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (["--token", TOKEN], "--url"),
        (["--url", URL, "--library", "a"], "leave out --library"),
        (["--url", "team.example"], "https://"),
        (["--url", "https://[::1/mcp"], "https://"),
        (["--url", URL, "--token", "a b"], "copy it again"),
        (["--name", "a.b"], "letters"),
    ],
)
def test_options_that_contradict_each_other_say_what_to_do(options: list[str], advice: str, home: Path) -> None:
    assert advice in failure("cursor", *options)
    assert everything_below(home) == {}


def test_a_bridge_to_plain_http_is_told_so(home: Path) -> None:
    succeed("claude-desktop", "--url", "http://team.example/mcp")
    succeed("claude-desktop", "--url", "http://127.0.0.1:8765/mcp", "--name", "here")
    found = servers(CLIENTS[ClientName.claude_desktop], file_of(ClientName.claude_desktop, home))
    assert found["explib"] == {
        "command": "npx",
        "args": ["-y", "mcp-remote", "http://team.example/mcp", "--allow-http"],
    }
    assert found["here"] == {"command": "npx", "args": ["-y", "mcp-remote", "http://127.0.0.1:8765/mcp"]}


def test_the_command_is_the_running_installations_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = put(home / "bin/python3", "")
    monkeypatch.setattr(sys, "executable", str(python))
    assert own_command() == (str(python), "-m", "explib_server", "serve")
    script = put(home / "bin/explib", "")
    assert own_command() == (str(script), "serve")


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6).filter(
    lambda name: name != "explib"
)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)
TOML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=6)
TOML_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | TOML_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TOML_TEXT.filter(bool), inner, max_size=3),
)


def documents(client: Client) -> st.SearchStrategy[dict[str, Json]]:
    toml = client.servers == "mcp_servers"
    names = TOML_TEXT.filter(lambda name: bool(name) and name != "explib") if toml else NAMES
    values = TOML_VALUES if toml else VALUES
    rest = st.dictionaries(names.filter(lambda name: name not in (client.servers, "inputs")), values, max_size=4)
    others = st.dictionaries(names, st.dictionaries(names, values, max_size=3), max_size=3)
    return st.builds(
        lambda rest, others, first: _mixed(rest, {client.servers: others}, first), rest, others, st.booleans()
    )


def _mixed(rest: dict[str, Json], ours: dict[str, Json], first: bool) -> dict[str, Json]:
    return {**ours, **rest} if first else {**rest, **ours}


def change_in_memory(
    name: ClientName, text: str, options: tuple[str | None, str | None] | None, copy: str | None = None
) -> str:
    machine = Machine(Path("/nowhere"), Path("/nowhere"), "linux", {})
    asked = attachment("explib", *(options or (None, None)), None, None)
    installation = Installation(name, machine, Scope.user, asked)
    path = installation.entry_file
    contents = {path: text.encode(), files.backup_of(path): None if copy is None else copy.encode()}
    with mock.patch.object(files, "read", contents.get):
        [change, *_] = installation.removing() if options is None else installation.attaching(Wishes(hooks=False))
    return (change.content or b"").decode()


@EVERY
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_merging_and_removing_gives_an_equal_document_back(name: ClientName, data: st.DataObject) -> None:
    client = CLIENTS[name]
    document = data.draw(documents(client))
    indent = data.draw(st.sampled_from([None, 0, 2, "\t"]))
    text = tomlkit.dumps(document) if name is ClientName.codex else json.dumps(document, indent=indent)
    before = client.format.plain(text)
    assert isinstance(before, dict)
    options = data.draw(st.sampled_from([(None, None), (URL, None), (URL, TOKEN)]))
    merged = change_in_memory(name, text, options)
    after = client.format.plain(merged)
    assert isinstance(after, dict)
    others = after[client.servers]
    assert isinstance(others, dict)
    assert others.pop("explib")
    after.pop("inputs", None)
    assert (after, list(after)) == (before, list(before)) or name is ClientName.codex
    assert change_in_memory(name, merged, options) == merged
    left = client.format.plain(change_in_memory(name, merged, None))
    assert isinstance(left, dict)
    assert left.pop("inputs", []) == []
    assert {client.servers: {}, **left} == before
    assert change_in_memory(name, merged, None, copy=text) == text


@st.composite
def commented(draw: st.DrawFn, depth: int = 3) -> str:
    """JSON text with spaces, comments and trailing commas wherever they are allowed."""
    space = draw(SPACES)
    kind = draw(st.sampled_from("soa")) if depth else "s"
    if kind == "s":
        return space + json.dumps(draw(SCALARS | st.text(max_size=4))) + draw(SPACES)
    inner = [draw(commented(depth - 1)) for _ in range(draw(st.integers(0, 2)))]
    comma = "," + draw(SPACES) if bool(inner) & draw(st.booleans()) else ""
    if kind == "a":
        return f"{space}[{','.join(inner) or draw(SPACES)}{comma}]{draw(SPACES)}"
    members = [f"{draw(SPACES)}{json.dumps(f'k{at}')}{draw(SPACES)}:{each}" for at, each in enumerate(inner)]
    return f"{space}{{{','.join(members) or draw(SPACES)}{comma}}}{draw(SPACES)}"


SPACES = st.sampled_from(["", " ", "\n", "\r\n  ", " // c, }\n", "/* ], */", "\n\t// x\n\t"])


@settings(deadline=None, max_examples=40)
@given(members=st.lists(commented(), max_size=3), space=SPACES, comma=st.booleans(), options=st.booleans())
def test_any_layout_of_a_commented_file_survives(members: list[str], space: str, comma: bool, options: bool) -> None:
    name = ClientName.vscode
    inner = ",".join(f'{space}"k{at}":{each}' for at, each in enumerate(members)) + ("," if comma and members else "")
    text = f'{space}{{{space}"servers":{space}{{{inner}{space}}}{space}}}{space}'
    before = scan(text).plain()
    merged = change_in_memory(name, text, (URL, TOKEN) if options else (None, None))
    left = scan(change_in_memory(name, merged, None)).plain()
    assert isinstance(left, dict)
    left.pop("inputs", None)
    assert {"servers": {}, **left} == before
    assert change_in_memory(name, merged, None, copy=text) == text
    assert [each for each in comments(text) if each not in merged] == []


def comments(text: str) -> Iterator[str]:
    yield from (each for each in ("// c, }", "/* ], */", "// x") if each in text)
