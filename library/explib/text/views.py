"""A text as its author meant it: without colour codes, written-out escapes and line wraps, and with the way back.

Programs print a token inside JSON, inside JSON in JSON, in colour, in a table, or broken over lines. Rules are run on
the view, where it stands in one piece; what they find is cut out of the original.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

_Change: TypeAlias = tuple[int, int, str]
"""Where a piece begins and ends, and what stands for it."""

_WRITTEN_OUT = re.compile(
    r"(?:\x1b|\\{1,8}(?:u00[19][bB]|x1[bB]|033|e))(?:\[[0-9;:?]{0,40}[A-Za-z]|\][^\x07\x1b\\]{0,200}(?:\x07|\x1b\\))"
    r"|[\0\b\u00ad\u200b-\u200f\u2060\ufeff\ufffd]+"
    r"|\\{1,8}(?P<blank>[nrtvf])|\\{1,8}u(?P<code>00[2-7][0-9a-fA-F])"
    r"|&(?P<entity>quot|apos|amp|lt|gt|\#3[49]|\#x2[27]|\#10);"
)
_NEEDS_CLEARING = re.compile(r"[\x1b\\&\0\b\u00ad\u200b-\u200f\u2060\ufeff\ufffd]")
_ENTITIES = {
    "quot": '"',
    "#34": '"',
    "#x22": '"',
    "apos": "'",
    "#39": "'",
    "#x27": "'",
    "amp": "&",
    "lt": "<",
    "gt": ">",
}
_MARGIN = " \t\r|│┃>*#+"
_LINE_END = re.compile(rf"\n[{_MARGIN}]{{0,40}}(?=[A-Za-z0-9_+/=.-])")
_STRING_END = re.compile(
    r"""(?<=[A-Za-z0-9_+/=.-])(?P<quote>["'])[ \t]{0,8}[+.]?[ \t]{0,8}\\?\n?[ \t]{0,40}(?P=quote)(?="""
    r"""[A-Za-z0-9_+/=.-])"""
)
_ADJACENT = re.compile(r"""[A-Za-z0-9]["'] ?[+.]? ?["'][A-Za-z0-9]""")
_LEFT = 200
_RIGHT = re.compile(r"[A-Za-z0-9_+/=.-]{1,200}+(?!\s{0,4}[:=]|[(])")
_TOKEN_TAIL = re.compile(r"[A-Za-z0-9_+/.~-]{12,}\Z")
_LEAST_REST = 4
_AFTER_REST = ("", "\n", "\r", '"', "'", "`")


@dataclass(frozen=True, slots=True)
class _Layer:
    """One rewriting of a text: pieces that are kept as they are or stand for something longer."""

    starts: list[int]
    """Where each piece begins in the rewritten text."""
    origins: list[tuple[int, int, bool]]
    """Where it begins and ends in the text before, and whether it is kept as it is."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The range in the text before that a range of the rewritten one stands for."""
        return self._place(start)[0], self._place(end - 1)[1]

    def _place(self, at: int) -> tuple[int, int]:
        piece = bisect_right(self.starts, at) - 1
        start, end, kept = self.origins[piece]
        return (start + at - self.starts[piece], start + at - self.starts[piece] + 1) if kept else (start, end)


@dataclass(frozen=True, slots=True)
class View:
    """A rewritten text and the layers that lead back to the original, the last one first."""

    text: str
    layers: tuple[_Layer, ...] = ()

    def seams(self) -> Iterator[int]:
        """The places of the view where its last rewriting took something out."""
        for number, start in enumerate(self.layers[0].starts if self.layers else ()):
            origins = self.layers[0].origins
            if number and origins[number][0] != origins[number - 1][1]:
                yield start

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original that a range of the view (not an empty one) stands for."""
        for layer in self.layers:
            start, end = layer.span(start, end)
        return start, end


def clear_view(text: str) -> View:
    """The text without colour codes, invisible characters and written-out white space."""
    if not _NEEDS_CLEARING.search(text):
        return View(text)
    return _rewritten(View(text), ((*match.span(), _clear(match)) for match in _WRITTEN_OUT.finditer(text)))


def joined_view(view: View) -> View:
    """The view with those ends of lines and strings removed that break a made-up looking word in two."""
    text = view.text
    ends = chain(_LINE_END.finditer(text), _STRING_END.finditer(text) if _ADJACENT.search(text) else ())
    return _rewritten(view, sorted(filter(None, map(_joined, ends))))


def looks_random(word: str) -> bool:
    """Whether a word looks drawn rather than written: letters with digits, or capitals where no word begins."""
    digits = sum(char.isdigit() for char in word)
    if digits and digits < len(word) and any(char.isalpha() for char in word):
        return True
    return re.search("[a-z][A-Z]{2}|[A-Z][a-z][A-Z]", word) is not None


def _clear(match: re.Match[str]) -> str:
    if match["blank"]:
        return "\t" if match["blank"] == "t" else "\n"
    if match["code"]:
        return chr(int(match["code"], 16))
    if match["entity"]:
        return _ENTITIES.get(match["entity"], "\n")
    return ""


def _joined(end: re.Match[str]) -> _Change | None:
    text, start = end.string, end.start()
    rest = _RIGHT.match(text, end.end())
    if rest is None or len(rest[0]) < _LEAST_REST:
        return None
    alone = text[rest.end() : rest.end() + 1] in _AFTER_REST
    if not looks_random(rest[0]) and not (alone and rest[0] != rest[0].lower()):
        return None
    line = text[max(0, start - _LEFT) : start].rstrip(_MARGIN)
    line = line[:-1] if line.endswith(("=", "\\")) and end[0][0] == "\n" else line
    begun = _TOKEN_TAIL.search(line)
    if begun is None or not looks_random(begun[0]):
        return None
    return max(0, start - _LEFT) + len(line), end.end(), ""


def _rewritten(view: View, changes: Iterable[_Change]) -> View:
    text, pieces, layer = view.text, [], _Layer([], [])
    done = length = 0

    def add(start: int, end: int, said: str, kept: bool) -> None:
        nonlocal length
        if said:
            layer.starts.append(length)
            layer.origins.append((start, end, kept))
            pieces.append(said)
            length += len(said)

    for start, end, said in changes:
        if start < done:
            continue
        add(done, start, text[done:start], True)
        add(start, end, said, False)
        done = end
    if not done:
        return view
    add(done, len(text), text[done:], True)
    return View("".join(pieces), (layer, *view.layers))
