"""What each session was last served for a task: a repeated call is the same retrieval, a submission belongs to it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
MOST = 1000
"""Retrievals that are remembered in a process."""
Purpose: TypeAlias = tuple[Hashable, Hashable, str]
"""Session, library and task (its group key)."""


@dataclass(frozen=True, slots=True)
class _Open(Generic[T]):
    conditions: Hashable
    retrieval_id: str
    answer: T


class SessionRetrievals(Generic[T]):
    """The newest answer for each purpose, until something is submitted under it; the least recently used go."""

    def __init__(self) -> None:
        self._open: OrderedDict[Purpose, _Open[T]] = OrderedDict()
        self._purposes: dict[str, Purpose] = {}

    def get(self, purpose: Purpose, conditions: Hashable) -> T | None:
        """The answer that was given for this purpose, if it was under the same conditions."""
        known = self._open.get(purpose)
        if known is None or known.conditions != conditions:
            return None
        self._open.move_to_end(purpose)
        return known.answer

    def retrieval_for(self, purpose: Purpose) -> str | None:
        """The id of the newest retrieval for this purpose that nothing was submitted under."""
        known = self._open.get(purpose)
        return None if known is None else known.retrieval_id

    def put(self, purpose: Purpose, conditions: Hashable, retrieval_id: str, answer: T) -> None:
        """Remember an answer, in place of an earlier one."""
        replaced = self._open.pop(purpose, None)
        if replaced is not None:
            self._purposes.pop(replaced.retrieval_id, None)
        self._open[purpose] = _Open(conditions, retrieval_id, answer)
        self._purposes[retrieval_id] = purpose
        if len(self._open) > MOST:
            _, oldest = self._open.popitem(last=False)
            self._purposes.pop(oldest.retrieval_id, None)

    def forget(self, retrieval_id: str) -> None:
        """Something was submitted under it: the next call is a new retrieval."""
        purpose = self._purposes.pop(retrieval_id, None)
        if purpose is not None:
            self._open.pop(purpose, None)
