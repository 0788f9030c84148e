"""Tools' answers as every client shows them to its model, each fact once.

Claude Code and Codex show the structured content only, opencode, Gemini and Qwen the text only; Copilot shows both,
and the text alone where it is the structured content in compact JSON. So an answer is text only, or one JSON twice.
"""

from __future__ import annotations

import json
from typing import Any

from mcp.types import CallToolResult, TextContent

from explib_server.mcp.results.agent import Answer


def text_answer(text: str) -> CallToolResult:
    """An answer that every client shows as text."""
    return CallToolResult(content=[TextContent(type="text", text=text)])


def answered(answer: Answer) -> CallToolResult:
    """An answer as structured content, and the same as text."""
    fields = answer.model_dump(mode="json")
    return _structured({name: value for name, value in fields.items() if name != "note" or value})


def with_note(result: CallToolResult, note: str) -> CallToolResult:
    """The answer with a further note for the model."""
    if result.structured_content is None:
        return result.model_copy(update={"content": [*result.content, TextContent(type="text", text=note)]})
    known = result.structured_content.get("note")
    return _structured({**result.structured_content, "note": f"{known} {note}" if known else note})


def _structured(fields: dict[str, Any]) -> CallToolResult:
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=fields)
