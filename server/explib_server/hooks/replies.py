"""What a hook prints, in the words of the client that runs it. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping

_SPOKEN = {
    "session-start": {"": "SessionStart"},
    "prompt": {"": "UserPromptSubmit", "gemini": "BeforeAgent"},
    "tool": {"": "PreToolUse", "gemini": "BeforeTool"},
}
"""The client's own name of an event; "" stands for all others."""
_CONTEXT = {
    "claude-code": ("session-start", "prompt", "tool"),
    "codex": ("session-start", "prompt", "tool"),
    "gemini": ("session-start", "prompt"),
    "qwen": ("session-start", "prompt"),
    "copilot": ("session-start", "prompt", "tool"),
    "opencode": ("prompt", "tool"),
    "vscode": ("session-start", "tool"),
    "cursor": ("session-start",),
}
"""Where each client hands on to its model what a hook says."""
_ASKING = ("claude-code", "copilot", "cursor", "vscode")
"""Clients that ask the person about a tool call where a hook says so."""
_DENYING = (*_ASKING, "codex", "gemini", "opencode")
"""Clients that refuse a tool call where a hook says so."""
_FLAT = ("copilot", "opencode")
"""Clients that read the fields of the answer at its top."""


def takes_context(event: Mapping[str, object]) -> bool:
    """Tell whether the client hands on to its model what is said at this event."""
    return event.get("event") in _CONTEXT.get(str(event.get("client")), ())


def takes_verdict(event: Mapping[str, object], decision: str = "deny") -> bool:
    """Tell whether the client lets this event hold what it is about: `ask` the person, or `deny` it."""
    return event.get("event") == "tool" and event.get("client") in (_ASKING if decision == "ask" else _DENYING)


def reply(event: Mapping[str, object], answer: Mapping[str, object]) -> dict[str, object] | None:
    """The object to print for the service's answer; None where nothing is to be said."""
    client = str(event["client"])
    context, decision, reason = (answer.get(key) for key in ("context", "decision", "reason"))
    if isinstance(decision, str) and takes_verdict(event, decision):
        return _holding(client, event, decision, str(reason or ""))
    if not isinstance(context, str) or not context or not takes_context(event):
        return None
    if client == "cursor":
        return {"additional_context": context}
    if client in _FLAT:
        return {"additionalContext": context}
    return {"hookSpecificOutput": {"hookEventName": _spoken(client, event), "additionalContext": context}}


def _holding(client: str, event: Mapping[str, object], decision: str, reason: str) -> dict[str, object]:
    """Ask the person about a tool call, or deny it."""
    if client == "cursor":
        return {"permission": decision, "user_message": reason, "agent_message": reason}
    if client == "gemini":
        return {"decision": decision, "reason": reason}
    verdict: dict[str, object] = {"permissionDecision": decision, "permissionDecisionReason": reason}
    if client in _FLAT:
        return verdict
    return {"hookSpecificOutput": {"hookEventName": _spoken(client, event), **verdict}}


def _spoken(client: str, event: Mapping[str, object]) -> str:
    names = _SPOKEN[str(event["event"])]
    return str(event.get("spoken") or names.get(client, names[""]))
