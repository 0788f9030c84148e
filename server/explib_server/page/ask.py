"""A question of the page, as every view takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from explib.errors import InvalidInput

Fields: TypeAlias = dict[str, object]
"""What a view answers, ready to be sent as JSON."""
MOST_ITEMS = 200
MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Ask:
    """The arguments of `page_read` beside view and library; each view says which it reads."""

    id: str = ""
    after: str = ""
    limit: int = 100
    query: str = ""
    show: str = ""
    sort: str = ""

    def number(self, name: str, otherwise: int) -> int:
        """`id` or `after` as a number; `otherwise` where it is empty. Raises InvalidInput."""
        text = self.id if name == "id" else self.after
        if not text:
            return otherwise
        if not (text.isdecimal() and len(text) <= MAX_DIGITS):
            raise InvalidInput(f"{name} is {text[:40]!r}: pass a number.")
        return int(text)

    def checked(self) -> Ask:
        """The same. Raises InvalidInput for a limit that is no size of a page."""
        if not 1 <= self.limit <= MOST_ITEMS:
            raise InvalidInput(f"limit is {self.limit}: pass a number from 1 to {MOST_ITEMS}.")
        return self
