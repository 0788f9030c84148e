"""The server to attach, and its entry in each client's words."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from explib.errors import InvalidInput
from explib_server.clients.values import Json

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
TOKEN = re.compile(r"[\x21-\x7e]+")
STDIO_KEYS = frozenset({"command", "args", "env", "cwd"})
HTTP_KEYS = frozenset({"url", "headers"})
OUR_VARIABLES = frozenset({"EXPLIB_LIBRARY", "EXPLIB_DATABASE_URL", "AUTH_HEADER", "Authorization"})
"""Of an entry's environment and headers, what is set by us; others are the user's and stay."""
ADDED_TO = frozenset({"env_vars"})
"""Lists of an entry to which ours are added; what is the user's stays."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One server under one name: started by `command`, or reached at `url`."""

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    url: str | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def program(self) -> tuple[str, ...]:
        """The start of every command line of this installation."""
        return self.command[: self.command.index("serve")]

    @property
    def hook_options(self) -> tuple[str, ...]:
        """What the hooks' command is told of the entry. A password stays in the entry, which only its owner reads."""
        told = {"--library": self.variables.get("EXPLIB_LIBRARY")}
        if not has_password(self):
            told["--database-url"] = self.variables.get("EXPLIB_DATABASE_URL")
        return tuple(word for option, value in told.items() if value for word in (option, value))

    @property
    def bearer(self) -> dict[str, str]:
        """The headers of a request, with the token where there is one."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass(frozen=True, slots=True)
class Entry:
    """One client's entry. `foreign` keys contradict it and are taken out; unknown keys stay."""

    value: Mapping[str, Json]
    foreign: frozenset[str]
    secret: bool
    """True if it holds a token or password."""
    prompt: str | None = None
    """The id of the VS Code input that asks for the token."""
    note: str = ""

    def fresh(self) -> dict[str, Json]:
        """The entry where there was none: without empty maps."""
        return {key: value for key, value in self.value.items() if value != {}}


def attachment(
    name: str,
    url: str | None,
    token: str | None,
    library: str | None,
    database_url: str | None,
    tools: str = "agent",
) -> Attachment:
    """The server that the options describe. Raises InvalidInput where they contradict each other."""
    if not NAME.fullmatch(name):
        raise InvalidInput(f"The name {name!r} is not one that every client takes: use letters, digits, '-' and '_'.")
    if url is None and token is not None:
        raise InvalidInput("--token is for a server over HTTP: give its address with --url too, or leave out --token.")
    if url is not None and (library is not None or database_url is not None or tools != "agent"):
        raise InvalidInput(
            "A server at --url has its own database and tools: leave out --library, --database-url and --tools."
        )
    if url is not None and not _is_http(url):
        raise InvalidInput(f"{url!r} is not the address of a server: give one like https://host:8765/mcp.")
    if token is not None and not TOKEN.fullmatch(token):
        raise InvalidInput("The token has a space or another character that no token has: copy it again.")
    named = {"EXPLIB_LIBRARY": library, "EXPLIB_DATABASE_URL": database_url}
    command = (*own_command(), *(("--tools", tools) if tools != "agent" else ()))
    return Attachment(name, command, {key: value for key, value in named.items() if value}, url, token)


def own_command() -> tuple[str, ...]:
    """The command that starts this very installation: its console script, else its Python."""
    python = Path(sys.executable).absolute()
    script = python.with_name("explib.exe" if python.suffix.lower() == ".exe" else "explib")
    start = (str(script),) if script.is_file() else (str(python), "-m", "explib_server")
    return (*start, "serve")


def stdio(attachment: Attachment, **more: Json) -> Entry:
    """`command`, `args` and `env`: what most clients take."""
    command, *arguments = attachment.command
    value: dict[str, Json] = {**more, "command": command, "args": [*arguments], "env": {**attachment.variables}}
    foreign = (HTTP_KEYS | {"type", "httpUrl", "http_headers"}) - value.keys()
    return Entry(value, foreign, has_password(attachment))


def http(attachment: Attachment, address: str = "url", **more: Json) -> Entry:
    """`url` and `headers`, or the client's word for the address."""
    value: dict[str, Json] = {**more, address: attachment.url, "headers": {**attachment.bearer}}
    return Entry(value, (STDIO_KEYS | {"type", "url"}) - value.keys(), attachment.token is not None)


def bridged(attachment: Attachment) -> Entry:
    """A remote server for a client that only starts processes: mcp-remote stands between."""
    url = urlsplit(attachment.url or "")
    plain = ["--allow-http"] if url.scheme == "http" and not _is_loopback(url.hostname or "") else []
    header = ["--header", "Authorization:${AUTH_HEADER}"] if attachment.token else []
    environment: dict[str, Json] = {"AUTH_HEADER": attachment.bearer["Authorization"]} if attachment.token else {}
    arguments: list[Json] = ["-y", "mcp-remote", attachment.url or "", *plain, *header]
    value: dict[str, Json] = {"command": "npx", "args": arguments, "env": environment}
    note = "Its file only knows programs to start, so npx mcp-remote stands between: that needs Node.js."
    return Entry(value, HTTP_KEYS | {"type"}, attachment.token is not None, note=note)


def has_password(attachment: Attachment) -> bool:
    """True if the database's address holds a password."""
    return bool(urlsplit(attachment.variables.get("EXPLIB_DATABASE_URL", "")).password)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in url
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
