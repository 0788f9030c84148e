"""A call that one session repeats before it has submitted anything is the same retrieval, with the same draws."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 1000
"""Retrievals that are remembered in a process."""


class Repeats(Generic[T]):
    """Answers by what was asked, until something is submitted under them; the least recently used are forgotten."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[object, ...], tuple[str, T]] = OrderedDict()
        self._asked: dict[str, tuple[object, ...]] = {}

    def get(self, asked: tuple[object, ...]) -> T | None:
        """The answer that was given."""
        known = self._answers.get(asked)
        if known is None:
            return None
        self._answers.move_to_end(asked)
        return known[1]

    def put(self, asked: tuple[object, ...], retrieval_id: str, answer: T) -> None:
        """Remember an answer."""
        replaced = self._answers.pop(asked, None)
        if replaced is not None:
            self._asked.pop(replaced[0], None)
        self._answers[asked] = (retrieval_id, answer)
        self._asked[retrieval_id] = asked
        if len(self._answers) > MOST:
            _, (oldest, _) = self._answers.popitem(last=False)
            self._asked.pop(oldest, None)

    def forget(self, retrieval_id: str) -> None:
        """Something was submitted under it: the next call is a new retrieval."""
        asked = self._asked.pop(retrieval_id, None)
        if asked is not None:
            self._answers.pop(asked, None)
