"""What a tool answered."""

from __future__ import annotations

import re

from mcp.types import CallToolResult, TextContent

from explib.models.json_value import Json


def text_of(result: CallToolResult) -> str:
    """What a model is shown by a client that shows texts only."""
    return "\n".join(content.text for content in result.content if isinstance(content, TextContent))


def structured(result: CallToolResult) -> dict[str, Json]:
    """What a program is given; an error is none."""
    assert not result.is_error, text_of(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def retrieval_of(result: CallToolResult) -> str:
    """The id in an answer of get_experiences."""
    assert not result.is_error, text_of(result)
    return retrieval_in(text_of(result))


def retrieval_in(text: str) -> str:
    """The id in the text of an answer of get_experiences."""
    found = re.search(r"^retrieval_id: (\S+)$", text, re.MULTILINE)
    assert found, text
    return found[1]


def lessons_of(result: CallToolResult) -> dict[str, str]:
    """Id → lesson, as get_experiences served them."""
    return dict(re.findall(r"^\[(\S+)\]\. (.*)$", text_of(result), re.MULTILINE))
