"""The tools that each token scope permits."""

from __future__ import annotations

from typing import TypeAlias

from explib.models.access import TokenScope

Scope: TypeAlias = TokenScope
ALL_SCOPES: frozenset[Scope] = frozenset({"read", "submit", "curate", "admin", "reward"})
SCOPES_OF: dict[Scope, frozenset[Scope]] = {
    "read": frozenset({"read"}),
    "submit": frozenset({"read", "submit"}),
    "curate": frozenset({"read", "submit", "curate"}),
    "admin": frozenset({"read", "submit", "curate", "admin"}),
    "reward": frozenset({"reward"}),
}
"""The scopes that a token's scope includes. A reward key only signs: it opens nothing."""
TOOLS_OF: dict[Scope, frozenset[str]] = {
    "read": frozenset(
        {
            "get_experiences",
            "library_status",
            "list_experiences",
            "history",
            "list_libraries",
            "show_library",
            "page_read",
        }
    ),
    "submit": frozenset({"submit_trajectory", "report_reward", "vote_experience"}),
    "curate": frozenset(
        {
            "add_experience",
            "edit_experience",
            "retire_experience",
            "review_experience",
            "revert",
            "learn_now",
            "next_analysis",
            "answer_analysis",
        }
    ),
}
"""The tools that need each scope; any other needs `admin`."""
_NEEDS: dict[str, Scope] = {tool: scope for scope, tools in TOOLS_OF.items() for tool in tools}


def needed_scope(tool: str) -> Scope:
    """The scope without which nobody may call this tool."""
    return _NEEDS.get(tool, "admin")
