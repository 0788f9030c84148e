"""What a tool said when it refused: the line that tells why, and what it asks for."""

from __future__ import annotations

import re

_LONGEST = 120
_VALUE = re.compile(r"'[^'\n]{1,80}'|\"[^\"\n]{1,80}\"|`[^`\n]{1,80}`|\S*\d\S*")
_PLAIN = str.maketrans("`“”", "'''")
"""Signs that a quoted refusal may not have, as plain ones."""
_TELLING = re.compile(r"error|fail|denied|refus|invalid|must|requir|not |unknown|missing|expected|use ", re.IGNORECASE)
_ASKING = re.compile(
    r"\b(?:must|requir\w*|should|needs?|expect\w*|ha(?:s|ve) to|missing|there is no|only|at (?:least|most)|use)\b",
    re.IGNORECASE,
)
"""What a refusal says that tells what is wanted."""


def masked(line: str) -> str:
    """A line with quoted texts and whatever has a digit replaced by an ellipsis."""
    return " ".join(_VALUE.sub("…", line).split())[:_LONGEST]


def refusal_line(text: str) -> str:
    """The line of a failing result that says why, masked."""
    return masked(_telling_line(text))


def _telling_line(text: str) -> str:
    """The first line with a telling word, else the last one."""
    lines = [line.strip() for line in text[:4000].splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or lines[-1:] or [""])[0]


def asked_in(text: str) -> str:
    """The line that says why, as a lesson may quote it; empty where it asks for nothing."""
    line = " ".join(_telling_line(text).split())[:_LONGEST].translate(_PLAIN)
    return line if _ASKING.search(line) else ""
