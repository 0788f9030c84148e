"""Limits on the length of tool results: an agent pays for every word of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from explib.errors import InvalidInput
from explib.text.words import estimate_tokens

RESULT_TOKENS = 2_000
"""Of one page's text; the structured content says the same in about as many again."""
MAX_ITEMS = 200
REASON_CHARACTERS = 200
SHOWN_REASONS = 10


def page(lines: Sequence[str], limit: int) -> int:
    """The number of lines on one page: at most `limit` and as many as fit, but one at least, if there is one.

    Raises InvalidInput for a limit that is no number of lines.
    """
    if not 1 <= limit <= MAX_ITEMS:
        raise InvalidInput(f"limit is {limit}: pass a number from 1 to {MAX_ITEMS}, and page on from the last item.")
    left = RESULT_TOKENS
    for count, line in enumerate(lines[:limit]):
        left -= estimate_tokens(line) + 1
        if left < 0:
            return max(1, count)
    return min(limit, len(lines))


def clipped(text: str, characters: int = REASON_CHARACTERS) -> str:
    """The text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= characters else line[: characters - 1] + "…"


def commonest(reasons: Mapping[str, int]) -> dict[str, int]:
    """The commonest reasons with their counts, each cut to a line."""
    counted: Counter[str] = Counter()
    for reason, count in reasons.items():
        counted[clipped(reason)] += count
    return dict(counted.most_common(SHOWN_REASONS))
