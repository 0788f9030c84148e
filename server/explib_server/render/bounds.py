"""Limits on the length of tool results: an agent pays for every word of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Protocol, TypeVar

from explib.errors import InvalidInput
from explib.text.words import estimate_tokens

RESULT_TOKENS = 4_000
"""Of one page's items in JSON."""
MAX_ITEMS = 200


class Shown(Protocol):
    """An item of a page."""

    def model_dump_json(self) -> str:
        """The item as agents read it."""
        ...


Item = TypeVar("Item", bound=Shown)
REASON_CHARACTERS = 200
SHOWN_REASONS = 10


def page(items: Iterable[Item], limit: int) -> list[Item]:
    """The items of one page: at most `limit` and as many as fit, but one at least, if there is one.

    Raises InvalidInput for a limit that is no number of items.
    """
    check_limit(limit)
    shown, left = list[Item](), RESULT_TOKENS
    for item in islice(items, limit):
        left -= estimate_tokens(item.model_dump_json())
        if left < 0 and shown:
            break
        shown.append(item)
    return shown


def check_limit(limit: int) -> None:
    """Raises InvalidInput for a limit that is no number of items."""
    if not 1 <= limit <= MAX_ITEMS:
        raise InvalidInput(f"limit is {limit}: pass a number from 1 to {MAX_ITEMS}, and page on from the last item.")


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
