"""What became of the records of an import, and the sentences that say it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from explib.models.submissions import Receipt
from explib.text.words import number_of
from explib_server.importers.records import BadRecord, Record

MAX_KINDS = 50
"""Kinds of problems that are told one by one."""
_PARTICULARS = re.compile(r"""'[^']*'|"[^"]*"|\(.*\)|\d+""")
"""What differs between two problems of one kind."""


@dataclass(slots=True)
class Problems:
    """What could not be read or stored, each kind once with its first place and its number."""

    first: dict[str, BadRecord] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, problem: BadRecord) -> None:
        """Count one."""
        kind = _PARTICULARS.sub("…", problem.reason)
        if kind not in self.first and len(self.first) >= MAX_KINDS:
            kind = "others"
        self.first.setdefault(kind, problem)
        self.counts[kind] += 1

    def lines(self) -> Iterator[str]:
        """One line for each kind."""
        for kind, problem in self.first.items():
            number = self.counts[kind]
            more = "" if number == 1 else f" ({number:,} like this one)"
            yield f"{problem.position}: {problem.reason}{more}"


@dataclass(slots=True)
class Tally:
    """Counts of an import."""

    stored: int = 0
    graded: int = 0
    known: int = 0
    corrected: Counter[str] = field(default_factory=Counter)
    corrected_attempts: int = 0
    redactions: int = 0
    problems: Problems = field(default_factory=Problems)

    @property
    def read(self) -> int:
        """Records that were stored now or before."""
        return self.stored + self.known + self.corrected_attempts

    @property
    def bad(self) -> int:
        """Things that could not be read or stored."""
        return self.problems.counts.total()

    def take(self, record: Record, receipt: Receipt) -> None:
        """Count what was stored, corrected or known."""
        if not receipt.duplicate:
            self.stored += 1
            self.graded += record.reward is not None
            self.redactions += receipt.redactions
        elif receipt.corrected:
            self.corrected_attempts += 1
            self.corrected.update(receipt.corrected)
        else:
            self.known += 1

    def __str__(self) -> str:
        names = ", ".join(f"{name} {number:,}" for name, number in sorted(self.corrected.items()))
        corrected = f"{self.corrected_attempts:,} corrected ({names}), " if self.corrected_attempts else ""
        return (
            f"{number_of(self.stored, 'trajectory', 'trajectories')} stored ({self.graded:,} graded), {corrected}"
            f"{self.known:,} equal to stored ones, {self.bad:,} bad, {number_of(self.redactions, 'secret')} redacted"
        )
