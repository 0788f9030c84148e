"""Votes on experiences: what counts, and what follows from it. Votes are opinions; rewards are measured apart.

A vote is about the words that were voted on, so it counts for one version. Each voter has one vote on each version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

VOTERS = 3
"""Different voters that it takes to decide."""
REASON_CHARACTERS = 500
"""Longest reason of a vote."""

Verdict: TypeAlias = Literal["rejected", "backed", "open"]


@dataclass(frozen=True, slots=True)
class Vote:
    """One voter's opinion of one version of an experience."""

    voter: str
    up: bool
    version: int
    reason: str | None = None
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Tally:
    """How many voters are for and against one version of an experience."""

    up: int = 0
    down: int = 0

    @classmethod
    def of(cls, votes: Iterable[Vote]) -> Tally:
        """Counted; the votes are of different voters and on the same version."""
        listed = list(votes)
        up = sum(vote.up for vote in listed)
        return cls(up, len(listed) - up)

    @property
    def verdict(self) -> Verdict:
        """`rejected`: three voters down and none up. `backed`: three up and fewer down. Else `open`."""
        if self.down >= VOTERS and not self.up:
            return "rejected"
        return "backed" if self.up >= VOTERS and self.up > self.down else "open"

    def __str__(self) -> str:
        return f"{self.up} up, {self.down} down"


@dataclass(frozen=True, slots=True)
class VoteCount:
    """A text that voters have decided on, and one of their reasons."""

    experience_id: str
    content: str
    verdict: Verdict
    reason: str | None = None
