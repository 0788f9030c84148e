"""The call that is made most, answered by the shortest way: `get_experiences`, before every task of every agent.

On its way through the SDK a call and its answer are checked against their schemas four times. A call with the arguments
that the tool takes needs none of that, nor does an answer that we made ourselves: it is given here as it goes over the
wire. Any other call, and any that fails, takes the usual way, which says what is wrong. Both give the same answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import SERVER_INFO_META_KEY
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from explib.errors import ExplibError
from explib_server.callers import current_caller
from explib_server.opening import Current
from explib_server.tools import fetched

CALL = "tools/call"
TOOL = "get_experiences"
_PARAMS = frozenset({"name", "arguments", "_meta"})
_ARGUMENTS = frozenset({"task", "library", "limit"})


@dataclass(frozen=True, slots=True)
class QuickAnswers:
    """Middleware of the MCP server, the innermost. `answered` is told how long each answer took, in seconds."""

    current: Current
    server_info: Mapping[str, Any]
    answered: Callable[[float], None]

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Answer the call if it is one for `get_experiences` in good order; else let the SDK do it."""
        asked = _asked(ctx)
        answer = None if asked is None else await self.answer(asked, ctx.protocol_version)
        return await call_next(ctx) if answer is None else answer

    async def answer(self, asked: Mapping[str, Any], version: str) -> dict[str, Any] | None:
        """The result for these arguments as this version of MCP has it; None where the call fails."""
        started = time.perf_counter()
        try:
            current_caller().check_tool(TOOL)
            text, found = await fetched(self.current, asked["task"], asked.get("library"), asked.get("limit"))
        except ExplibError:
            return None
        self.answered(time.perf_counter() - started)
        return self._result(version, text, found)

    def _result(self, version: str, text: str, found: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {"content": [{"text": text, "type": "text"}], "isError": False}
        if version not in MODERN_PROTOCOL_VERSIONS:
            return answer | {"structuredContent": found}
        meta = {SERVER_INFO_META_KEY: self.server_info}
        return answer | {"resultType": "complete", "structuredContent": found, "_meta": meta}


def _asked(ctx: ServerRequestContext[Any, Any]) -> Mapping[str, Any] | None:
    """The arguments, if it is a call for the tool in good order by a client that has said who it is."""
    params = ctx.params
    if ctx.method != CALL or params is None or ctx.session.client_params is None:
        return None
    return None if "_meta" in params and ctx.meta is None else arguments_of(params)


def arguments_of(params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The arguments of a call, if it is for this tool and each is what the tool takes."""
    if params.get("name") != TOOL or not _PARAMS.issuperset(params):
        return None
    asked = params.get("arguments")
    if not isinstance(asked, Mapping) or not _ARGUMENTS.issuperset(asked):
        return None
    limit = asked.get("limit")
    fitting = isinstance(asked.get("task"), str) and isinstance(asked.get("library"), str | None)
    return cast("Mapping[str, Any]", asked) if fitting and (limit is None or type(limit) is int) else None
