"""Servers whose caller is a person or the holder of a token, as over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from explib.settings.program import Settings
from explib_server.auth.callers import acting_as, current_caller
from explib_server.mcp.server import ExperienceMCP, build_server


def server_for(settings: Settings | None = None, **changes: Any) -> ExperienceMCP:
    """The server with all tools; the client's calls come from a caller with these changes."""

    async def act(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        with acting_as(replace(current_caller(), **changes)):
            return await call_next(ctx)

    server = build_server(settings or Settings(), "off", "all")
    server.middleware.append(act)
    return server


def person_server() -> ExperienceMCP:
    """The server with all tools; a call comes from the client's name, and from a person."""
    return server_for(is_person=True)
