"""Where each value of a JSON text stands. Comments and trailing commas are read over."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from explib.errors import InvalidInput
from explib_server.clients.values import Json, Key

MAX_DEPTH = 200
"""Levels of nesting; no client's configuration comes near it."""
TRIVIA = re.compile(r"(?:[ \t\r\n]++|//[^\r\n]*+|/\*.*?\*/)*+", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
ATOM = re.compile(r"-?\d[\d.eE+-]*|true|false|null")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its span; `children` of an object or array."""

    start: int
    end: int
    opening: str
    """`{`, `[`, or nothing for a scalar."""
    children: tuple[Child, ...] = ()
    scalar: bool | int | float | str | None = None

    def child(self, key: Key) -> Child | None:
        """The child that counts: the last one, where a key stands twice."""
        return next((child for child in reversed(self.children) if child.key == key), None)

    def plain(self) -> Json:
        """The value without its place."""
        if self.opening == "{":
            return {str(child.key): child.value.plain() for child in self.children}
        return [child.value.plain() for child in self.children] if self.opening else self.scalar


@dataclass(frozen=True, slots=True)
class Child:
    """A member of an object, from its key on, or an element of an array."""

    key: Key
    start: int
    value: Node
    comma: int | None
    """Where the comma behind it stands, if there is one."""


def scan(text: str) -> Node:
    """The one value of the text. Raises InvalidInput with line and column where it is wrong."""
    reader = Scanner(text)
    root = reader.value(reader.skip(0), 0)
    if reader.skip(root.end) != len(text):
        raise reader.wrong("something follows the end of the document", reader.skip(root.end))
    return root


@dataclass(frozen=True, slots=True)
class Scanner:
    """Reads one text; every method takes a position and gives what starts there."""

    text: str

    def skip(self, at: int) -> int:
        """The position behind spaces and comments."""
        matched = TRIVIA.match(self.text, at)
        return matched.end() if matched else at

    def value(self, at: int, depth: int) -> Node:
        """The value that starts at `at`."""
        if depth > MAX_DEPTH:
            raise self.wrong("it is nested too deeply", at)
        opening = self.text[at : at + 1]
        if opening in ("{", "["):
            return self._container(at, opening, depth)
        return self._scalar(at)

    def wrong(self, what: str, at: int) -> InvalidInput:
        """The error at a position."""
        line = self.text.count("\n", 0, at) + 1
        return InvalidInput(f"line {line}, column {at - self.text.rfind(chr(10), 0, at)}: {what}")

    def _scalar(self, at: int) -> Node:
        matched = STRING.match(self.text, at) or ATOM.match(self.text, at)
        if matched is None:
            raise self.wrong("a value is expected here", at)
        try:
            return Node(at, matched.end(), "", scalar=json.loads(matched.group()))
        except ValueError as error:
            raise self.wrong("this value is not valid JSON", at) from error

    def _container(self, start: int, opening: str, depth: int) -> Node:
        closing = "}" if opening == "{" else "]"
        children: list[Child] = []
        at = self.skip(start + 1)
        while self.text[at : at + 1] != closing:
            if children and children[-1].comma is None:
                raise self.wrong(f"',' or '{closing}' is expected here", at)
            child = self._child(at, len(children) if opening == "[" else None, depth + 1)
            children.append(child)
            at = self.skip(child.value.end if child.comma is None else child.comma + 1)
        return Node(start, at + 1, opening, tuple(children))

    def _child(self, start: int, index: int | None, depth: int) -> Child:
        key: Key
        if index is None:
            key, at = self._key(start)
        else:
            key, at = index, start
        value = self.value(at, depth)
        behind = self.skip(value.end)
        return Child(key, start, value, behind if self.text[behind : behind + 1] == "," else None)

    def _key(self, at: int) -> tuple[str, int]:
        if self.text[at : at + 1] != '"':
            raise self.wrong("a key in double quotes is expected here", at)
        key = self._scalar(at)
        colon = self.skip(key.end)
        if self.text[colon : colon + 1] != ":":
            raise self.wrong("':' is expected here", colon)
        return str(key.scalar), self.skip(colon + 1)
