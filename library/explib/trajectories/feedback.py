"""How a person's next words stand in the feedback of the attempt that they correct."""

from __future__ import annotations

import re

CORRECTED = "The person's next words corrected it"
_QUOTED = re.compile(rf"{CORRECTED}: “(.*)”", re.DOTALL)


def quoted(reason: str, words: str) -> str:
    """A sentence of feedback that quotes a person."""
    return f"{reason}: “{words}”"


def correction_in(feedback: str | None) -> str | None:
    """The words by which a person corrected an attempt, as its feedback quotes them."""
    found = _QUOTED.search(feedback or "")
    return found[1] if found else None
