"""Finding the desk's tools and arguments in free wording, and writing them as their plain names.

"look up the customer", "`get_customer()`" and "get_customer" all become `get_customer`; "kilograms" becomes `kg`.
"""

from __future__ import annotations

import re
from functools import cache

from explib_server.demo.tools import OPTIONAL_ARGUMENTS, TOOLS

_VERBS = {
    "get": r"get(?:ting)?|fetch\w*|read(?:ing)?|retriev\w*|look(?:ing)?[ -]up|open(?:ing)?|view\w*",
    "check": r"check\w*",
    "update": r"updat\w*|chang(?:e|ing)",
    "cancel": r"cancel\w*",
    "unlock": r"unlock\w*|releas\w*",
    "refund": r"refund\w*",
    "reserve": r"reserv\w*",
    "ship": r"ship(?:ping)?|dispatch\w*",
    "apply": r"apply(?:ing)?",
    "quote": r"quot(?:e|ing)",
    "notify": r"notify(?:ing)?|inform\w*|tell(?:ing)?",
    "close": r"clos(?:e|ing)",
}
_FILLERS = r"(?:the|a|an|that|its|their|any|customer'?s|order'?s)"
_ARGUMENT_WORDS = {"grams": r"grams?", "kg": r"kgs?|kilograms?|kilos?", "ticket_id": r"ticket[ _](?:id|number)"}
_TOPIC_STEMS = ("address", "cancel", "refund", "ship", "discount", "ticket", "quot", "reserv", "stock")


def canonical(text: str) -> str:
    """The text in lower case, without markup and bracketed asides, with tools and arguments by their plain names."""
    plain = re.sub(r"\(\)|[`*\"“”‘]", "", text.lower()).replace("’", "'")
    plain = re.sub(r"\([^()]*\)", " ", plain)
    for tool, spelled in _spelled_tools().items():
        plain = spelled.sub(tool, plain)
    for argument, words in _ARGUMENT_WORDS.items():
        plain = re.sub(rf"\b(?:{words})\b", argument, plain)
    return re.sub(r"\s+", " ", plain).strip()


def one_of(names: frozenset[str] | dict[str, object]) -> str:
    """A regular expression for any of the names, the longest first."""
    return rf"\b(?:{'|'.join(sorted(names, key=lambda name: (-len(name), name)))})\b"


TOOL = one_of(frozenset(TOOLS))
"""A regular expression for the plain name of a tool."""
ARGUMENT = one_of(OPTIONAL_ARGUMENTS)
"""A regular expression for the plain name of an argument that a call may carry or leave out."""


def tools_in(text: str) -> tuple[str, ...]:
    """The tools named in a canonical text, in order."""
    return tuple(re.findall(TOOL, text))


def topics_in(text: str) -> frozenset[str]:
    """The kinds of work that a text speaks of."""
    lowered = text.lower()
    return frozenset(stem for stem in _TOPIC_STEMS if re.search(rf"(?:\b|_){stem}", lowered))


@cache
def _spelled_tools() -> dict[str, re.Pattern[str]]:
    patterns: dict[str, re.Pattern[str]] = {}
    for tool in TOOLS:
        verb, noun = tool.split("_")
        if verb in _VERBS:
            patterns[tool] = re.compile(rf"\b(?:{_VERBS[verb]}) (?:{_FILLERS} ){{0,2}}{noun}s?\b(?!_)")
        else:
            patterns[tool] = re.compile(rf"\b{verb} {noun}s?\b")
    return patterns
