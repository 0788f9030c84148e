"""Middleware of the MCP server: it knows who calls, and what of tools and updates is not for this caller."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from explib_server.auth.callers import LISTEN, answering, current_caller
from explib_server.auth.connections import current_connection


def library_uri(name: str) -> str:
    """The resource that changes with every revision of a library."""
    return f"experience://{name}"


async def remember_caller(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Let what runs inside know its caller.

    Clients give their name at `initialize` (legacy) or with each request (modern).
    """
    parameters = ctx.session.client_params
    name = "" if parameters is None else parameters.client_info.name
    current_connection().client = name or current_connection().client
    with answering(ctx.request, name):
        return await call_next(ctx)


async def filter_subscriptions(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Take libraries out of the caller's reach out of a subscription."""
    if ctx.method == LISTEN and ctx.params and (libraries := current_caller().libraries) is not None:
        allowed = {library_uri(name) for name in libraries}
        filters = ctx.params.get("notifications")
        if isinstance(filters, dict) and isinstance(uris := filters.get("resourceSubscriptions"), list):
            reduced = {**filters, "resourceSubscriptions": [uri for uri in uris if uri in allowed]}
            return await call_next(replace(ctx, params={**ctx.params, "notifications": reduced}))
    return await call_next(ctx)


async def hide_app_tools(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Take tools that are for a page only out of the list, for clients that show no pages to people."""
    answer = await call_next(ctx)
    if ctx.method != "tools/list" or not isinstance(answer, dict) or not any(map(_for_page, answer.get("tools", ()))):
        return answer
    from mcp.server.apps import client_supports_apps

    if client_supports_apps(ctx):
        return answer
    return {**answer, "tools": [tool for tool in answer["tools"] if not _for_page(tool)]}


def _for_page(tool: dict[str, Any]) -> bool:
    return bool(tool.get("_meta", {}).get("ui", {}).get("visibility") == ["app"])
