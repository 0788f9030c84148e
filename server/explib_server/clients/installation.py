"""Everything that attaching puts into a client's files, and takes out again: one change for each file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from explib_server.clients.catalogue import CLIENTS, JSON, Client
from explib_server.clients.changes import Change, Part, Target, own_file
from explib_server.clients.entries import Attachment, Entry
from explib_server.clients.hooks import FORMS, Program, hook_entries
from explib_server.clients.pieces import OUR_STATUS_LINE, Elements, ServerEntry, Setting, TokenPrompt
from explib_server.clients.places import ClientName, Machine, Scope
from explib_server.clients.values import Json

READING_TOOLS = ("get_experiences", "library_status")
PLACEHOLDER = "YOUR-TOKEN"
PLUGIN_MARK = "// explib's hooks for opencode"
SHARED_HOOKS = {ClientName.vscode: ClientName.copilot, ClientName.copilot: ClientName.vscode}
"""Clients that read the same file of hooks, which goes with the last of them."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted beside the server's entry."""

    hooks: bool = True
    allow: bool = False
    """Our reading tools run unasked."""
    status_line: bool = False


VERSIONED = (ClientName.copilot, ClientName.cursor)
"""Clients whose file of hooks names the version of its form."""
EVERYTHING = Wishes(hooks=True, allow=True, status_line=True)


@dataclass(frozen=True, slots=True)
class Installation:
    """A server under one name in one client, for its user or for a project."""

    name: ClientName
    machine: Machine
    scope: Scope
    attachment: Attachment

    @property
    def client(self) -> Client:
        """The client's row of the catalogue."""
        return CLIENTS[self.name]

    @property
    def entry_file(self) -> Path:
        """The file of its servers. Raises InvalidInput for a scope that it doesn't have."""
        return self.client.file(self.machine, self.scope)

    def attaching(self, wishes: Wishes) -> list[Change]:
        """The change of each file, the server's first. Raises InvalidInput, with what to paste; nothing is written."""
        entry = self._entry(wishes)
        shown = replace(self.attachment, token=PLACEHOLDER) if self.attachment.token else self.attachment
        paste = replace(self, attachment=shown).fragments(wishes)
        changes = []
        for target in self._targets(wishes):
            advice = f"Fix it and run this again, or paste there:\n{paste.get(target.path, '')}"
            changes.append(target.putting(entry.secret and target.path == self.entry_file, advice))
        return [*changes, *self._plugin(wishes.hooks)]

    def removing(self) -> list[Change]:
        """The change of each file. Raises InvalidInput for a file that cannot be changed; nothing is written."""
        advice = f"Fix it, or take {self.client.servers}.{self.attachment.name} and `explib hook` out yourself."
        kept = self._hooks_of_another()
        targets = [target for target in self._targets(EVERYTHING) if target.path != kept]
        return [*(target.taking(advice) for target in targets), *self._plugin(wanted=False)]

    def fragments(self, wishes: Wishes) -> dict[Path, str]:
        """What each file would hold if there were nothing else in it, for people to paste."""
        shown = {target.path: target.alone() for target in self._targets(wishes)}
        plugin = {change.path: change.content.decode() for change in self._plugin(wishes.hooks) if change.content}
        return {path: text for path, text in (shown | plugin).items() if text}

    def _targets(self, wishes: Wishes) -> list[Target]:
        """Its files with what belongs in them; one file may hold servers and hooks."""
        client, hooks_file = self.client, self.client.hooks_file(self.machine, self.scope)
        servers, further = self._servers(wishes), self._further(wishes)
        if hooks_file is None or self.name is ClientName.opencode:
            return [Target(self.entry_file, client.format, servers)]
        if hooks_file == self.entry_file:
            return [Target(hooks_file, client.format, (*servers, *further))]
        return [Target(self.entry_file, client.format, servers), Target(hooks_file, JSON, further)]

    def _servers(self, wishes: Wishes) -> tuple[Part, ...]:
        """What stands in the file of the servers."""
        entry = self._entry(wishes)
        server = Part(ServerEntry(self.client.servers, self.attachment.name, entry), wanted=True)
        prompt = TokenPrompt(self.client.servers, f"{self.attachment.name}-token")
        return (server, Part(prompt, entry.prompt is not None)) if self.client.asks_for_token else (server,)

    def _entry(self, wishes: Wishes) -> Entry:
        entry = self.client.entry(self.attachment)
        trusted = self.name is ClientName.gemini and wishes.allow
        return replace(entry, value={**entry.value, "trust": True}) if trusted else entry

    def _further(self, wishes: Wishes) -> tuple[Part, ...]:
        """What stands in the file of the hooks."""
        form = ClientName.copilot if self.name in SHARED_HOOKS else self.name
        if form not in FORMS:
            return ()
        program = Program(self.attachment.program, form, self.machine.platform, self.attachment.hook_options)
        hooks = Part(hook_entries(program), wishes.hooks)
        if form in VERSIONED:
            return (Part(Setting("version", 1), wishes.hooks or None), hooks)
        if self.name is not ClientName.claude_code:
            return (hooks,)
        tools = tuple(f"mcp__{self.attachment.name}__{tool}" for tool in READING_TOOLS)
        line: Json = {"type": "command", "command": program.status_line()}
        return (
            hooks,
            Part(Elements(("permissions", "allow"), tools), wishes.allow or None),
            Part(Setting("statusLine", line, OUR_STATUS_LINE), wishes.status_line or None),
        )

    def _plugin(self, wanted: bool) -> Iterator[Change]:
        """The hooks of opencode are a program of ours, in a file of its own."""
        path = self.client.hooks_file(self.machine, self.scope)
        if path is not None and self.name is ClientName.opencode:
            program = resources.files(__package__).joinpath("opencode.js").read_text(encoding="utf-8")
            further = ["--client", self.name.value, *self.attachment.hook_options]
            text = program.replace("$command", json.dumps(self.attachment.program))
            text = text.replace("$further", json.dumps(further))
            yield own_file(path, PLUGIN_MARK, text if wanted else None)

    def _hooks_of_another(self) -> Path | None:
        """The file of hooks, where another client that is attached reads it too."""
        other = SHARED_HOOKS.get(self.name)
        if other is None:
            return None
        present = replace(self, name=other)
        target = present._targets(EVERYTHING)[0]
        return self.client.hooks_file(self.machine, self.scope) if target.has_ours() else None
