"""The clients: where each keeps its servers and in which words. One row each."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlencode

from explib.errors import InvalidInput
from explib_server.clients.entries import HTTP_KEYS, STDIO_KEYS, Attachment, Entry, bridged, has_password, http, stdio
from explib_server.clients.json_format import JsonFormat
from explib_server.clients.places import ClientName, Machine, Scope
from explib_server.clients.toml_format import TomlFormat
from explib_server.clients.values import Format, Json

CURSOR = "https://cursor.com/en/install-mcp"
VSCODE = "https://insiders.vscode.dev/redirect/mcp/install"
COPILOT_PROJECT_HOOKS = ".github/hooks/explib.json"
JSON = JsonFormat(comments=False)
JSONC = JsonFormat(comments=True)
HANDED_ON: tuple[Json, ...] = (
    *(f"XDG_{place}" for place in ("RUNTIME_DIR", "DATA_HOME", "CONFIG_HOME", "STATE_HOME", "CACHE_HOME")),
    *(f"EXPLIB_{setting}" for setting in ("CONFIG", "DATABASE_URL", "LIBRARY", "SERVICE", "ANALYST")),
    *(f"EXPLIB_MODEL{setting}" for setting in ("", "_BASE_URL", "_API_KEY", "_COMMAND")),
    *("OPENAI_API_KEY", "OPENAI_BASE_URL"),
)
"""Variables by which a server finds the service and the database that the hooks find, and the service its model.

Codex hands a server few variables where it names none, and hooks all."""


@dataclass(frozen=True, slots=True)
class Client:
    """One client and its configuration file."""

    title: str
    servers: str
    """The key under which its servers stand."""
    entry: Callable[[Attachment], Entry]
    user_file: Callable[[Machine], Path]
    project_file: str | None
    next_step: str
    format: Format = JSON
    asks_for_token: bool = False
    """It asks its user for a server's token, by an entry of `inputs` beside the servers."""
    commented: bool = False
    """Its file may also be called `.jsonc`."""
    hooks_user_file: Callable[[Machine], Path] | None = None
    """Where its hooks stand; unset: it knows none."""
    hooks_project_file: str = ""

    def file(self, machine: Machine, scope: Scope) -> Path:
        """The file to change: `.jsonc` where only that exists. Raises InvalidInput for a scope it doesn't have."""
        if scope is Scope.user:
            path = self.user_file(machine)
        elif self.project_file is not None:
            path = machine.project / self.project_file
        else:
            raise InvalidInput(f"{self.title} has no configuration for one project: leave out --scope project.")
        commented = path.with_suffix(".jsonc")
        return commented if self.commented and commented.exists() and not path.exists() else path

    def hooks_file(self, machine: Machine, scope: Scope) -> Path | None:
        """The file of its hooks."""
        if self.hooks_user_file is None:
            return None
        return machine.project / self.hooks_project_file if scope is Scope.project else self.hooks_user_file(machine)


def _either(attachment: Attachment) -> Entry:
    return http(attachment) if attachment.url else stdio(attachment)


def _typed(attachment: Attachment) -> Entry:
    return http(attachment, type="http") if attachment.url else stdio(attachment, type="stdio")


def _claude_code(attachment: Attachment) -> Entry:
    """Claude Code begins without servers that are not up at once, unless one says that it is always needed."""
    entry = _typed(attachment)
    return replace(entry, value={**entry.value, "alwaysLoad": True})


def _copilot(attachment: Attachment) -> Entry:
    if attachment.url:
        return http(attachment, type="http", tools=["*"])
    return stdio(attachment, type="local", tools=["*"])


def _claude_desktop(attachment: Attachment) -> Entry:
    return bridged(attachment) if attachment.url else stdio(attachment)


def _gemini(attachment: Attachment) -> Entry:
    return http(attachment, "httpUrl") if attachment.url else stdio(attachment)


def _vscode(attachment: Attachment) -> Entry:
    """The token is never in the file: VS Code asks for it and keeps it."""
    if not attachment.url or not attachment.token:
        return _typed(attachment)
    prompt = f"{attachment.name}-token"
    value: dict[str, Json] = {
        "type": "http",
        "url": attachment.url,
        "headers": {"Authorization": f"Bearer ${{input:{prompt}}}"},
    }
    note = "The token is not in the file: VS Code asks for it when it first starts the server, and keeps it."
    return Entry(value, STDIO_KEYS, secret=False, prompt=prompt, note=note)


def _codex(attachment: Attachment) -> Entry:
    remote = {"url", "http_headers", "env_http_headers", "bearer_token_env_var"}
    if not attachment.url:
        local = stdio(attachment)
        return Entry({**local.value, "env_vars": [*HANDED_ON]}, frozenset(remote), local.secret)
    value: dict[str, Json] = {"url": attachment.url, "http_headers": {**attachment.bearer}}
    foreign = STDIO_KEYS | {"env_vars"} | ({"bearer_token_env_var"} if attachment.token else set())
    return Entry(value, foreign, attachment.token is not None)


def _opencode(attachment: Attachment) -> Entry:
    local = frozenset({"command", "environment", "cwd"})
    if attachment.url:
        value: dict[str, Json] = {
            "type": "remote",
            "url": attachment.url,
            "headers": {**attachment.bearer},
            "enabled": True,
        }
        return Entry(value, local, attachment.token is not None)
    value = {
        "type": "local",
        "command": [*attachment.command],
        "environment": {**attachment.variables},
        "enabled": True,
    }
    return Entry(value, HTTP_KEYS | {"oauth"}, has_password(attachment))


def _copilot_hooks(machine: Machine) -> Path:
    """VS Code and Copilot CLI read the same folder, so they share one file."""
    return machine.folder("COPILOT_HOME", ".copilot") / "hooks" / "explib.json"


CLIENTS = {
    ClientName.claude_desktop: Client(
        "Claude Desktop",
        "mcpServers",
        _claude_desktop,
        lambda machine: machine.applications / "Claude" / "claude_desktop_config.json",
        None,
        "Quit Claude Desktop and start it again.",
    ),
    ClientName.claude_code: Client(
        "Claude Code",
        "mcpServers",
        _claude_code,
        lambda machine: machine.folder("CLAUDE_CONFIG_DIR") / ".claude.json",
        ".mcp.json",
        "Start a new session of Claude Code; /mcp shows the server.",
        hooks_user_file=lambda machine: machine.folder("CLAUDE_CONFIG_DIR", ".claude") / "settings.json",
        hooks_project_file=".claude/settings.json",
    ),
    ClientName.vscode: Client(
        "VS Code",
        "servers",
        _vscode,
        lambda machine: machine.applications / "Code" / "User" / "mcp.json",
        ".vscode/mcp.json",
        "In VS Code run `MCP: List Servers` and start it.",
        JSONC,
        asks_for_token=True,
        hooks_user_file=_copilot_hooks,
        hooks_project_file=COPILOT_PROJECT_HOOKS,
    ),
    ClientName.cursor: Client(
        "Cursor",
        "mcpServers",
        _either,
        lambda machine: machine.home / ".cursor" / "mcp.json",
        ".cursor/mcp.json",
        "Restart Cursor; its settings list the server under MCP.",
        JSONC,
        hooks_user_file=lambda machine: machine.home / ".cursor" / "hooks.json",
        hooks_project_file=".cursor/hooks.json",
    ),
    ClientName.codex: Client(
        "Codex",
        "mcp_servers",
        _codex,
        lambda machine: machine.folder("CODEX_HOME", ".codex") / "config.toml",
        ".codex/config.toml",
        "Start Codex again; /mcp shows the server. A project's file is only read where Codex trusts the project.",
        TomlFormat(),
        hooks_user_file=lambda machine: machine.folder("CODEX_HOME", ".codex") / "hooks.json",
        hooks_project_file=".codex/hooks.json",
    ),
    ClientName.opencode: Client(
        "opencode",
        "mcp",
        _opencode,
        lambda machine: machine.configuration / "opencode" / "opencode.json",
        "opencode.json",
        "Start opencode again; `opencode mcp list` shows the server.",
        JSONC,
        commented=True,
        hooks_user_file=lambda machine: machine.configuration / "opencode" / "plugins" / "explib.js",
        hooks_project_file=".opencode/plugins/explib.js",
    ),
    ClientName.gemini: Client(
        "Gemini CLI",
        "mcpServers",
        _gemini,
        lambda machine: machine.home / ".gemini" / "settings.json",
        ".gemini/settings.json",
        "Start Gemini CLI again; /mcp shows the server, which only starts in a folder that Gemini CLI trusts.",
        JSONC,
        hooks_user_file=lambda machine: machine.home / ".gemini" / "settings.json",
        hooks_project_file=".gemini/settings.json",
    ),
    ClientName.copilot: Client(
        "Copilot CLI",
        "mcpServers",
        _copilot,
        lambda machine: machine.folder("COPILOT_HOME", ".copilot") / "mcp-config.json",
        ".github/mcp.json",
        "Start Copilot CLI again; /mcp show lists the server.",
        hooks_user_file=_copilot_hooks,
        hooks_project_file=COPILOT_PROJECT_HOOKS,
    ),
}


def link(client: ClientName, attachment: Attachment) -> str:
    """A one-click link by which the client adds the same entry, never with a token.

    Raises InvalidInput for a client without links.
    """
    if attachment.token:
        raise InvalidInput("A link is handed around, so no token goes into it: leave out --token.")
    entry = CLIENTS[client].entry(attachment).fresh()
    if client is ClientName.cursor:
        config = base64.b64encode(json.dumps(entry, separators=(",", ":")).encode()).decode()
        return f"{CURSOR}?{urlencode({'name': attachment.name, 'config': config})}"
    if client is ClientName.vscode:
        return (
            f"{VSCODE}?name={quote(attachment.name)}&config={quote(json.dumps(entry, separators=(',', ':')), safe='')}"
        )
    raise InvalidInput(f"{CLIENTS[client].title} knows no links: leave out --link.")
