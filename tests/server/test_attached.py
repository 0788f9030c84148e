"""What the doctor tries: every entry of ours in every client's file, started or reached as the client would."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from server.http_cases import http_server

from explib.errors import InvalidInput
from explib_server.clients.attached import Address, Command, attached, launch_of
from explib_server.clients.catalogue import CLIENTS, link
from explib_server.clients.entries import Attachment, attachment, own_command
from explib_server.clients.installation import Installation, Wishes
from explib_server.clients.places import ClientName, Machine, Scope
from explib_server.clients.probe import ServerFailed, try_server

EVERY = pytest.mark.parametrize("client", list(ClientName))
URL = "https://team.example/mcp"
TOKEN = "explib_abc"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "home", tmp_path / "project", "linux", {})


@pytest.fixture
def own() -> Command:
    handed_on = {name: value for name, value in os.environ.items() if name.startswith("EXPLIB_")}
    return Command(sys.executable, ("-m", "explib_server", "serve", "--learner", "off"), handed_on)


def attach(client: ClientName, machine: Machine, asked: Attachment, scope: Scope = Scope.user) -> None:
    for change in Installation(client, machine, scope, asked).attaching(Wishes()):
        change.apply()


@EVERY
def test_what_was_attached_is_found_as_it_would_be_started(client: ClientName, machine: Machine) -> None:
    asked = attachment("explib", None, None, "airline", None)
    attach(client, machine, asked)
    [found] = attached(machine)
    command, *arguments = own_command()
    assert found.client is client
    assert found.launch == Command(command, tuple(arguments), {"EXPLIB_LIBRARY": "airline"})


def test_all_tools_are_attached_where_asked_for_but_not_at_an_address(machine: Machine) -> None:
    asked = attachment("explib", None, None, None, None, tools="all")
    attach(ClientName.cursor, machine, asked)
    [found] = attached(machine)
    assert isinstance(found.launch, Command)
    assert found.launch.arguments[-3:] == ("serve", "--tools", "all")
    with pytest.raises(InvalidInput, match="leave out"):
        attachment("explib", URL, None, None, None, tools="all")


@EVERY
def test_a_server_over_http_is_found_with_its_token_where_the_file_has_it(client: ClientName, machine: Machine) -> None:
    asked = attachment("explib", URL, TOKEN, None, None)
    attach(client, machine, asked)
    [found] = attached(machine)
    if client is ClientName.vscode:
        assert "only the client knows its token" in str(found.launch)
    else:
        assert found.launch == Address(URL, {"Authorization": f"Bearer {TOKEN}"})


@EVERY
def test_at_home_a_projects_file_is_the_users_and_found_once(client: ClientName, tmp_path: Path) -> None:
    machine = Machine(tmp_path, tmp_path, "linux", {})
    asked = attachment("explib", None, None, None, None)
    attach(client, machine, asked)
    assert len(list(attached(machine))) == 1


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "./explib", "args": ["serve"]},
        {"command": own_command()[0], "args": ["-c", "pass"]},
        {"command": own_command()[0], "args": [*own_command()[1:]], "env": {"PYTHONPATH": "."}},
    ],
)
def test_a_program_that_a_folder_brings_along_is_not_started_unasked(
    entry: dict[str, object], machine: Machine
) -> None:
    path = CLIENTS[ClientName.cursor].file(machine, Scope.project)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"mcpServers": {"explib": entry}}), encoding="utf-8")
    [found] = attached(machine)
    assert "is not this explib" in str(found.launch)


def test_our_own_program_in_a_folders_file_is_tried(machine: Machine) -> None:
    attach(ClientName.cursor, machine, attachment("explib", None, None, "airline", None), Scope.project)
    [found] = attached(machine)
    assert isinstance(found.launch, Command)


def test_entries_of_others_are_none_of_ours_and_a_renamed_one_is(machine: Machine) -> None:
    path = CLIENTS[ClientName.cursor].file(machine, Scope.user)
    path.parent.mkdir(parents=True)
    servers = {"lessons": {"command": "/opt/explib/bin/explib", "args": ["serve"]}, "other": {"command": "npx"}}
    path.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    assert [each.name for each in attached(machine)] == ["lessons"]


def test_a_file_that_the_client_cannot_read_is_told(machine: Machine) -> None:
    path = CLIENTS[ClientName.claude_desktop].file(machine, Scope.user)
    path.parent.mkdir(parents=True)
    path.write_text('{"mcpServers": ', encoding="utf-8")
    [found] = attached(machine)
    assert "cannot parse the file" in str(found.launch)


def test_an_entry_without_a_command_says_to_attach_again() -> None:
    assert "attach again" in str(launch_of({"args": ["serve"]}))


async def test_a_server_that_works_says_how_many_tools_it_has(own: Command) -> None:
    assert "answers with 4 tools" in await try_server(own)


async def test_a_server_over_http_is_reached() -> None:
    async with http_server(tools="agent") as address:
        assert "answers with 4 tools" in await try_server(Address(f"{address}/mcp"))


@pytest.mark.parametrize(
    ("arguments", "variables", "says"),
    [
        (("-m", "explib_server", "serve"), {"EXPLIB_DATABASE_URL": "mysql://x/y"}, "EXPLIB_DATABASE_URL"),
        (("-c", "pass"), {}, "onnection closed"),
    ],
)
async def test_a_server_that_ends_is_told_with_what_it_said(
    arguments: tuple[str, ...], variables: dict[str, str], says: str
) -> None:
    with pytest.raises(ServerFailed, match=says):
        await try_server(Command(sys.executable, arguments, variables))


async def test_a_command_that_is_gone_and_an_address_where_nobody_is_are_told() -> None:
    with pytest.raises(ServerFailed, match="/nowhere/explib does not exist"):
        await try_server(Command("/nowhere/explib", ("serve",)))
    with pytest.raises(ServerFailed, match="connection attempts failed"):
        await try_server(Address("http://127.0.0.1:9/mcp"))


def test_a_link_of_cursor_carries_the_entry() -> None:
    asked = attachment("explib", URL, None, None, None)
    query = parse_qs(urlsplit(link(ClientName.cursor, asked)).query)
    assert query["name"] == ["explib"]
    assert json.loads(base64.b64decode(query["config"][0])) == {"url": URL}


def test_a_link_of_vs_code_carries_the_entry() -> None:
    asked = attachment("explib", URL, None, None, None)
    query = parse_qs(urlsplit(link(ClientName.vscode, asked)).query)
    assert json.loads(query["config"][0]) == {"type": "http", "url": URL}


def test_no_token_goes_into_a_link_and_other_clients_have_none() -> None:
    with pytest.raises(InvalidInput, match="leave out --token"):
        link(ClientName.cursor, attachment("explib", URL, TOKEN, None, None))
    with pytest.raises(InvalidInput, match="leave out --link"):
        link(ClientName.codex, attachment("explib", URL, None, None, None))
