"""JSON, with or without comments: a change is spliced in, so everything around it keeps its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from explib.errors import InvalidInput
from explib_server.clients.jsonc import Child, Node, scan
from explib_server.clients.values import Json, Key, Keys, Remove, Step, nested

INDENT = "  "
SURROGATE = re.compile("[\ud800-\udfff]")
ENDS_LINE = re.compile(r"[ \t]*\r?\n")
LEADING_SPACE = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """`comments`: whether the client reads JSON with comments and trailing commas."""

    comments: bool

    def plain(self, text: str) -> Json:
        """The document as values."""
        if not text.strip():
            return {}
        try:
            document: Json = json.loads(text)
        except ValueError as error:
            if not self.comments:
                raise InvalidInput(str(error)) from error
            return scan(text).plain()
        except RecursionError as error:
            raise InvalidInput("it is nested too deeply") from error
        return document

    def changed(self, text: str, step: Step) -> str:
        """The text after one step."""
        if not text.strip():
            text = "{}\n"
        root = scan(text)
        if isinstance(step, Remove):
            return _removed(text, root, step.keys)
        return _written(text, root, step.keys, step.value)

    def is_bare(self, text: str, keys: Keys) -> bool:
        """True for an object or array that holds nothing, not even a comment."""
        node: Node | None = scan(text) if text.strip() else None
        for key in keys:
            child = None if node is None else node.child(key)
            node = None if child is None else child.value
        return node is not None and bool(node.opening) and not text[node.start + 1 : node.end - 1].strip()

    def fragment(self, value: Mapping[str, Json]) -> str:
        """A document of its own with only this."""
        return _dumped(dict(value), INDENT)


def _written(text: str, root: Node, keys: Keys, value: Json) -> str:
    node = root
    for depth, key in enumerate(keys):
        if node.opening != ("[" if isinstance(key, int) else "{"):
            kind = "an array" if isinstance(key, int) else "an object"
            raise InvalidInput(f"{'.'.join(map(str, keys[:depth])) or 'its top level'} is not {kind}")
        child = node.child(key)
        if child is None:
            return _inserted(text, root, node, key, nested(keys[depth + 1 :], value))
        node = child.value
    new = _laid_out(text, root, value, _indent_of_line(text, node.start))
    return text[: node.start] + new + text[node.end :]


def _inserted(text: str, root: Node, node: Node, key: Key, value: Json) -> str:
    """A new last child, before the closing bracket, in the layout and with the trailing comma of its siblings."""
    indent = _indent_of_children(text, root, node)
    name = f"{json.dumps(key)}: " if isinstance(key, str) else ""
    new = f"{_newline(text)}{indent}{name}{_laid_out(text, root, value, indent)}"
    closing = node.end - 1
    at = len(text[:closing].rstrip())
    space = text[at:closing] if "\n" in text[at:closing] else _newline(text) + _indent_of_line(text, node.start)
    last = node.children[-1] if node.children else None
    if last is not None and last.comma is None:
        return f"{text[: last.value.end]},{text[last.value.end : at]}{new}{space}{text[closing:]}"
    comma = "" if last is None else ","
    return f"{text[:at]}{new}{comma}{space}{text[closing:]}"


def _removed(text: str, root: Node, keys: Keys) -> str:
    node = root
    for key in keys[:-1]:
        child = node.child(key)
        if child is None:
            return text
        node = child.value
    gone = node.child(keys[-1])
    if gone is None:
        return text
    left = _without(text, node, gone)
    twice = isinstance(keys[-1], str) and sum(child.key == keys[-1] for child in node.children) > 1
    return _removed(left, scan(left), keys) if twice else left


def _without(text: str, node: Node, gone: Child) -> str:
    """The text without one child and its comma, or the comma before it; comments around it stay."""
    end = gone.value.end if gone.comma is None else gone.comma + 1
    ends_line = ENDS_LINE.match(text, end) is not None
    start = len(text[: gone.start].rstrip()) if ends_line else gone.start
    if len(node.children) == 1 and not f"{text[node.start + 1 : gone.start]}{text[end : node.end - 1]}".strip():
        return text[: node.start + 1] + text[node.end - 1 :]
    place = node.children.index(gone)
    comma = node.children[place - 1].comma if place and gone.comma is None else None
    if comma is not None:
        return text[:comma] + text[comma + 1 : start] + text[end:]
    return text[:start] + text[end:]


def _laid_out(text: str, root: Node, value: Json, indent: str) -> str:
    return _dumped(value, _unit(text, root)).replace("\n", _newline(text) + indent)


def _dumped(value: Json, indent: str) -> str:
    dumped = json.dumps(value, indent=indent, ensure_ascii=False)
    return json.dumps(value, indent=indent) if SURROGATE.search(dumped) else dumped


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _unit(text: str, root: Node) -> str:
    """One level of indentation, as the document's first child has it."""
    if root.children and _starts_line(text, root.children[0].start):
        return _indent_of_line(text, root.children[0].start) or INDENT
    return INDENT


def _indent_of_children(text: str, root: Node, node: Node) -> str:
    for child in node.children:
        if _starts_line(text, child.start):
            return _indent_of_line(text, child.start)
    return _indent_of_line(text, node.start) + _unit(text, root)


def _indent_of_line(text: str, at: int) -> str:
    matched = LEADING_SPACE.match(text, text.rfind("\n", 0, at) + 1)
    return matched.group() if matched else ""


def _starts_line(text: str, at: int) -> bool:
    start = text.rfind("\n", 0, at) + 1
    return not text[start:at].strip()
