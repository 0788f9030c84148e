"""Which clients have our server in their configuration now, and how each would start or reach it."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import TypeAlias

from explib.errors import InvalidInput
from explib_server.clients import files
from explib_server.clients.catalogue import CLIENTS, Client
from explib_server.clients.entries import own_command
from explib_server.clients.places import ClientName, Machine, Scope
from explib_server.clients.values import Json

OUR_NAME = "explib"
OUR_MODULE = "explib_server"
OUR_PREFIX = "EXPLIB_"
ASKED_FOR = "${input:"
"""VS Code's form of a value that it asks its user for and keeps to itself."""


@dataclass(frozen=True, slots=True)
class Command:
    """A server that the client starts."""

    command: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """A server that the client reaches over HTTP."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


Launch: TypeAlias = Command | Address


@dataclass(frozen=True, slots=True)
class Attached:
    """One entry of ours in one client's file; `launch` is a sentence where nobody but the client can start it."""

    client: ClientName
    path: Path
    name: str
    launch: Launch | str


def attached(machine: Machine) -> Iterator[Attached]:
    """Every entry of ours in every client's file, for the user and for the project. Files that can't be read say so."""
    seen: set[Path] = set()
    for name, client in CLIENTS.items():
        for scope in Scope:
            if scope is Scope.project and client.project_file is None:
                continue
            path = client.file(machine, scope)
            if path in seen:  # at home, a project's file is the user's
                continue
            seen.add(path)
            entries = _in_file(name, client, path)
            yield from entries if scope is Scope.user else map(_not_unasked, entries)


def _in_file(name: ClientName, client: Client, path: Path) -> Iterator[Attached]:
    content = files.read(path)
    if content is None:
        return
    try:
        document = client.format.plain(codecs.decode(content, "utf-8-sig"))
    except (InvalidInput, UnicodeDecodeError) as error:
        yield Attached(name, path, "", f"cannot parse the file ({error}). Fix it; the client cannot read it either")
        return
    servers = document.get(client.servers) if isinstance(document, dict) else None
    for key, entry in servers.items() if isinstance(servers, dict) else ():
        if isinstance(entry, dict) and _is_ours(key, entry):
            yield Attached(name, path, key, launch_of(entry))


def _not_unasked(entry: Attached) -> Attached:
    """A folder's file may come from anybody who wrote what is in the folder: only our own program is started for it."""
    launch, own = entry.launch, own_command()
    if not isinstance(launch, Command):
        return entry
    ours = (launch.command, *launch.arguments)[: len(own)] == own
    if ours and all(name.startswith(OUR_PREFIX) for name in launch.environment):
        return entry
    reason = f"not started: the program that this folder's file names ({launch.command}) is not this explib"
    return replace(entry, launch=reason)


def launch_of(entry: Mapping[str, Json]) -> Launch | str:
    """The way that a client's entry is started or reached, in any client's words."""
    address = entry.get("httpUrl") or entry.get("url")
    if isinstance(address, str):
        headers = _texts(entry.get("headers") or entry.get("http_headers"))
        if any(ASKED_FOR in value for value in headers.values()):
            return f"{address} is not tried: only the client knows its token"
        return Address(address, headers)
    words = _words(entry)
    if not words:
        return "the entry has neither a command nor an address: attach again"
    environment = _texts(entry.get("env") or entry.get("environment"))
    return _bridged(words, environment) or Command(words[0], words[1:], environment)


def _words(entry: Mapping[str, Json]) -> tuple[str, ...]:
    command, arguments = entry.get("command"), entry.get("args")
    start = command if isinstance(command, list) else [command] if isinstance(command, str) else []
    more = arguments if start and isinstance(arguments, list) else []
    return tuple(str(word) for word in (*start, *more))


def _bridged(words: tuple[str, ...], environment: Mapping[str, str]) -> Address | None:
    """The address and token behind mcp-remote, if the entry starts that."""
    if "mcp-remote" not in words:
        return None
    url = next((word for word in words if word.startswith(("http://", "https://"))), None)
    token = environment.get("AUTH_HEADER")
    return None if url is None else Address(url, {"Authorization": token} if token else {})


def _texts(value: Json) -> dict[str, str]:
    return {key: str(text) for key, text in value.items()} if isinstance(value, dict) else {}


def _is_ours(name: str, entry: Mapping[str, Json]) -> bool:
    words = _words(entry)
    return name == OUR_NAME or OUR_MODULE in words or any(PurePath(word).stem == OUR_NAME for word in words[:1])
