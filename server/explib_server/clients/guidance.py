"""What a person is told after attaching: what the client still asks for, what happens next, when to expect a lesson."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from explib_server.clients.entries import has_password
from explib_server.clients.installation import Installation, Wishes
from explib_server.clients.learning import COST, READERS, LearnWith
from explib_server.clients.places import ClientName, Scope

TRUST: Mapping[ClientName, str] = {
    ClientName.codex: "Codex runs hooks only once you trust them: start it, open /hooks, choose `Trust all and "
    "continue`. Until then it leaves them out without a word; it asks again when their command changes.",
    ClientName.copilot: "Copilot CLI reads a project's files only in a folder that you trust.",
    ClientName.vscode: "Hooks are in preview in VS Code: its setting chat.useHooks, or your firm's, may have them off.",
}
ALLOWED: Mapping[ClientName, str] = {
    ClientName.claude_code: "get_experiences and library_status run unasked; the others still ask.",
    ClientName.gemini: "Gemini CLI trusts the whole server (it has no finer setting), so none of our tools asks.",
    ClientName.codex: "Codex lets our tools run unasked as they are.",
    ClientName.opencode: "opencode asks for no tool of an MCP server.",
}
ASKS = "has no such setting in a file: choose `always allow` when it asks first."
NO_PROMPT = "takes nothing from a hook with a prompt: lessons come at the start of a session and by the tool."
WITHOUT_PROMPT = (ClientName.cursor, ClientName.vscode)


def guidance(installation: Installation, wishes: Wishes) -> Iterator[str]:
    """A paragraph each."""
    name, client = installation.name, installation.client
    has_hooks = wishes.hooks and client.hooks_user_file is not None
    yield client.next_step
    if installation.scope is Scope.project and installation.attachment.url is None:
        yield "These files name a path of this machine: leave them out of commits."
    if wishes.allow:
        yield ALLOWED.get(name, f"{client.title} {ASKS}")
    if has_hooks and name in TRUST:
        yield TRUST[name]
    if installation.attachment.url is not None:
        yield "Hooks need a server on this machine: here the agent fetches lessons and hands in attempts by the tools."
    elif has_hooks:
        yield (
            "What happens now: at each of your prompts the lessons that fit go with it; at the end of each turn it is "
            "kept as an attempt, graded by its tests and by what you say next. Hooks send nothing off this machine."
        )
        if name in WITHOUT_PROMPT:
            yield f"{client.title} {NO_PROMPT}"
        if has_password(installation.attachment):
            yield (
                "The password of the database stands in the entry alone, so the hooks find it in your settings: set "
                "EXPLIB_DATABASE_URL there too (`explib doctor` says where)."
            )
    else:
        yield "The agent fetches lessons and hands in its attempts by the tools; nothing is kept without them."


def expectation(reader: LearnWith) -> str:
    """When the first lesson can be expected."""
    soon = "`explib import --sessions` learns from the sessions that you have had already: lessons in minutes."
    if reader is LearnWith.statistics:
        return (
            "Sessions are read by statistics alone (--learn-with changes that): expect the first lesson once the same "
            "failure was cured in two sessions of a project, else after dozens of graded turns; `explib status` says "
            f"what is missing. {soon}"
        )
    return (
        f"Sessions are read by {READERS[reader]} ({COST}; see token_budget_per_day): expect the first lesson once "
        f"the same kind of task went well and badly, or after a correction. {soon}"
    )
