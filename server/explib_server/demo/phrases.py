"""The phrases by which advice speaks of tools: "X before Y", "never X", "Y instead of X", "end with X" and their like.

They are tried in their order, the most telling first; what one has understood is taken out of the sentence before the
next is tried. They know tools and words of order and refusal, but no convention of the desk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TypeAlias

from explib_server.demo.mentions import ARGUMENT, TOOL, tools_in
from explib_server.demo.rules import Kind, Rule
from explib_server.demo.tools import TOOLS

Build: TypeAlias = Callable[[re.Match[str]], Iterator[Rule]]

_WORD = rf"(?!{TOOL}|{ARGUMENT})[\w'%-]+"
_GAP = rf"(?:,? {_WORD}){{0,5}}?,? "
"""Up to five other words between two mentions, with the space before the next."""
WORDS = rf"(?:{_WORD} ){{0,5}}?"
"""Up to five other words before a mention."""
NOT = (
    r"\b(?:do not|don't|does not|never|avoid|skip|without|refrain from|stop|"
    r"must not|should not|shouldn't|cannot|not|no need to)\b"
)
_INSTEAD = r"(?:instead of|rather than|over|in place of)"
_CALL = r"(?:step|call|action|tool call|thing|tool)"
_LIST = rf"{TOOL}(?:(?:,| and|, and| or| plus) {WORDS}{TOOL})*"
_A, _B, _X = rf"(?P<a>{_LIST})", rf"(?P<b>{_LIST})", rf"(?P<x>{ARGUMENT})"
_THEN = r"(?:,? (?:and )?then|,? followed by|,? (?:which )?must precede|,? and only then)"


def _pairs(kind: Kind) -> Build:
    def build(found: re.Match[str]) -> Iterator[Rule]:
        for tool in tools_in(found["a"]):
            yield from (Rule(kind, tool, other) for other in tools_in(found["b"]) if other != tool)

    return build


def _each(kind: Kind) -> Build:
    def build(found: re.Match[str]) -> Iterator[Rule]:
        yield from (Rule(kind, tool) for tool in tools_in(found["a"]))

    return build


def _chain(found: re.Match[str]) -> Iterator[Rule]:
    for earlier, later in pairwise(tools_in(found[0])):
        yield Rule("before", earlier, later)


def _argument(kind: Kind) -> Build:
    def build(found: re.Match[str]) -> Iterator[Rule]:
        takers = [tool for tool in tools_in(found.string) if found["x"] in TOOLS[tool].optional]
        yield Rule(kind, takers[-1] if takers else "", argument=found["x"])

    return build


_PHRASES: tuple[tuple[str, Build], ...] = (
    # Arguments.
    (rf"\b(?:convert\w*|from) {WORDS}{ARGUMENT} (?:in)?to {WORDS}{_X}", _argument("pass")),
    (rf"{_X}(?:{_GAP}{TOOL})?{_GAP}(?:{_INSTEAD}|not|never) {WORDS}{ARGUMENT}", _argument("pass")),
    (rf"\b(?:{_INSTEAD}|not) {WORDS}{ARGUMENT}{_GAP}{_X}", _argument("pass")),
    (rf"(?:{NOT}|\b(?:leave out|leaving out|omit\w*|drop)) {WORDS}{_X}", _argument("leave_out")),
    (_X, _argument("pass")),
    # One tool in the place of another.
    (rf"{_A}{_GAP}{_INSTEAD} {WORDS}{_B}", _pairs("instead")),
    (rf"{_A},? (?:and )?not {_B}", _pairs("instead")),
    (rf"\b{_INSTEAD} {WORDS}{_B},? {WORDS}{_A}", _pairs("instead")),
    (rf"\bnot {WORDS}{_B},? but {WORDS}{_A}", _pairs("instead")),
    (rf"\breplac\w+ {WORDS}{_B}{_GAP}(?:with|by) {WORDS}{_A}", _pairs("instead")),
    # Refusals.
    (rf"{NOT} {WORDS}{_B}{_GAP}(?:until|unless|without)\b{_GAP}{_A}", _pairs("before")),
    (rf"{NOT} {WORDS}{_A}{_GAP}before\b{_GAP}{_B}", _pairs("not_before")),
    (rf"{NOT} {WORDS}{_A}{_GAP}(?:after|between)\b{_GAP}{_B}(?: and {WORDS}{TOOL})?", _pairs("not_after")),
    (rf"{NOT} {WORDS}{_A}{_GAP}(?:again|twice|more than once)\b", _each("once")),
    (rf"{NOT} (?:make {WORDS}{_A}{_GAP}(?:last|final)\b)", _each("not_last")),
    (rf"{NOT} (?:end|finish|ending|finishing) (?:with|by) {WORDS}{_A}", _each("not_last")),
    (rf"{NOT} {WORDS}{_A}{_GAP}first\b", _each("not_first")),
    (rf"{NOT} {WORDS}{_A}", _each("avoid")),
    # Order.
    (rf"\bbefore {WORDS}{_B},? {WORDS}{_A}", _pairs("before")),
    (rf"{_B}{_GAP}only (?:after|once|when)\b{_GAP}{_A}", _pairs("before")),
    (rf"\bonly {WORDS}{_B}{_GAP}(?:after|once)\b{_GAP}{_A}", _pairs("before")),
    (rf"{_A}{_GAP}before\b{_GAP}{_B}", _pairs("before")),
    (rf"{TOOL}(?:{_GAP}?{_THEN} {WORDS}{TOOL})+", _chain),
    (rf"{_A}{_GAP}after\b{_GAP}{_B}", _pairs("after")),
    # Ends.
    (rf"\b(?:end|finish|conclude)\w* (?:with|by|on) {WORDS}{_A}", _each("last")),
    (rf"(?:^|[;,] )(?:finally|lastly),? {WORDS}{_A}", _each("last")),
    (rf"{_A}{_GAP}(?:last|final|at the (?:very )?end)\b(?: {_CALL})?", _each("last")),
    (rf"\b(?:last|final) {_CALL}{_GAP}{_A}", _each("last")),
    (rf"\b(?:start|begin|open)\w* (?:with|by) {WORDS}{_A}", _each("first")),
    (rf"(?:^|[;,] )first,? {WORDS}{_A}", _each("first")),
    (rf"\bfirst {_CALL}{_GAP}{_A}", _each("first")),
    (rf"{_A}{_GAP}first\b", _each("first")),
    # Repetition.
    (rf"{_A}{_GAP}only once\b", _each("once")),
    (rf"{_A}{_GAP}(?:again|twice|more than once)\b", _each("repeat")),
)

PHRASES: tuple[tuple[re.Pattern[str], Build], ...] = tuple((re.compile(text), build) for text, build in _PHRASES)
"""Each phrase with what makes rules of it."""
