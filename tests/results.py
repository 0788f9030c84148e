"""What a tool answered."""

from __future__ import annotations

from mcp.types import CallToolResult, TextContent

from explib.models.json_value import Json


def text_of(result: CallToolResult) -> str:
    """What a model is shown."""
    return "\n".join(content.text for content in result.content if isinstance(content, TextContent))


def structured(result: CallToolResult) -> dict[str, Json]:
    """What a program is given; an error is none."""
    assert not result.is_error, text_of(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content
