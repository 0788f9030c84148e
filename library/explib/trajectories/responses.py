"""Items of OpenAI's Responses API, which have a type in place of a role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explib.models.trajectories import ToolCall
from explib.trajectories.calls import INPUTS, arguments, read_call
from explib.trajectories.fragments import Fragment
from explib.trajectories.results import content_text, read_result
from explib.trajectories.values import as_text, first

_SILENT = ("item_reference", "compaction", "ghost_snapshot", "mcp_list_tools", "mcp_approval_request",
           "mcp_approval_response", "context_compaction")  # fmt: skip
_OUTPUTS = ("output", "result", "results", "outputs")
_GIVEN = (*INPUTS, "action", "query", "queries", "code", "operation", "prompt")


@dataclass(frozen=True, slots=True)
class ResponsesItems:
    """Reads function calls and their outputs, reasoning, and calls of the tools that the API itself runs."""

    def reads(self, item: Mapping[str, object]) -> bool:
        """Tell that the item has no role, and a type that ends like one of the API's."""
        declared = item.get("type")
        return "role" not in item and isinstance(declared, str) and (
            declared.endswith(("_call", "_call_output")) or declared in ("reasoning", "function_call", *_SILENT)
        ) and "response" not in item  # fmt: skip

    def fragments(self, item: Mapping[str, object], where: str) -> Iterator[Fragment]:
        """The item; reasoning belongs to the step that follows, a call to the words before it."""
        declared = str(item["type"])
        if declared in _SILENT:
            return
        if declared == "reasoning":
            thought = content_text(item.get("summary")) or content_text(item.get("content"))
            if thought:
                yield Fragment("assistant", thought=thought, joins="next")
        elif declared.endswith("_output"):
            yield read_result(item, item.get("output") or "")
        elif declared in ("function_call", "custom_tool_call", "tool_call"):
            yield Fragment("assistant", calls=(read_call(item, where),), joins="previous")
        else:
            yield from _hosted(item, declared.removesuffix("_call"))


def _hosted(item: Mapping[str, object], tool: str) -> Iterator[Fragment]:
    """A call of a tool that the API runs (web_search_call, mcp_call, …), with its result where it tells one."""
    call_id = as_text(first(item, ("call_id", "id")) or tool)
    name = as_text(item["name"]) if isinstance(item.get("name"), str) else tool
    yield Fragment("assistant", calls=(ToolCall(call_id, name, arguments(first(item, _GIVEN))),))
    output = "[image]" if tool == "image_generation" and item.get("result") else first(item, _OUTPUTS)
    if output is not None or item.get("error"):
        yield read_result({**item, "call_id": call_id}, "" if output is None else output)
