"""Which accounts a retrieval and its reward are entered in, and with what. Entries are added; a correction is one too.

Accounts are of one version of an experience, of one revision on trial (its arm against the one before), and of the
library: `holdout` (served against held out) and `shortlist` (all that was drawn, together).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from explib.evidence.belief import believed_sums
from explib.evidence.sums import NOTHING, ScoreSums
from explib.models.retrievals import Retrieval

CounterKey: TypeAlias = tuple[str, str, int]
"""Kind (`experience`, `revision`, `library`), subject and version."""
Delta: TypeAlias = list[float]
"""What is added to an account, as plain numbers in the order of `PARTS`: every reward makes dozens of them."""
PARTS = ("s", "w", "v", "n", "served", "rewarded", "missing_s", "missing_w", "missing_v", "missing_n")
_SERVED, _MISSING = PARTS.index("served"), PARTS.index("missing_s")
HOLDOUT: CounterKey = ("library", "holdout", 0)
SHORTLIST: CounterKey = ("library", "shortlist", 0)
ARM = 0.5
"""The chance with which a retrieval follows a revision on trial instead of the one before it."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Sums of rewards, sums of "was a reward reported?", and plain counts."""

    sums: ScoreSums = NOTHING
    """Of all rewards together. Nothing is decided or told by them: see `believed`."""
    missing: ScoreSums = NOTHING
    served: int = 0
    rewarded: int = 0
    """Rewards of retrievals in which it was served."""
    believed: ScoreSums = NOTHING
    """The sums that every decision and every number that is told rests on: see `belief.believed_sums`."""

    @classmethod
    def of(cls, numbers: Sequence[float], by_submitter: Iterable[ScoreSums] = (), submitters: int = 1) -> Counters:
        """From numbers in the order of `PARTS`, each submitter's own sums, and how many submitters there are."""
        s, w, v, n, served, rewarded, missing_s, missing_w, missing_v, missing_n = numbers
        missing = ScoreSums(missing_s, missing_w, missing_v, int(missing_n))
        sums = ScoreSums(s, w, v, int(n))
        return cls(sums, missing, int(served), int(rewarded), believed_sums(sums, by_submitter, submitters))


EMPTY = Counters()


def experience_key(identity: str, version: int) -> CounterKey:
    """The account of one version of an experience."""
    return ("experience", identity, version)


def revision_key(number: int | str) -> CounterKey:
    """The account of a revision on trial."""
    return ("revision", str(number), 0)


def add(total: dict[CounterKey, Delta], entries: Mapping[CounterKey, Delta]) -> None:
    """Add entries up."""
    for key, entry in entries.items():
        held = total.get(key)
        total[key] = entry if held is None else [mine + more for mine, more in zip(held, entry, strict=True)]


def negated(entries: Mapping[CounterKey, Delta]) -> dict[CounterKey, Delta]:
    """The entries that take these back."""
    return {key: [-part for part in entry] for key, entry in entries.items()}


def entries_of_retrievals(
    batch: Iterable[Retrieval], added: dict[CounterKey, Delta] | None = None
) -> dict[CounterKey, Delta]:
    """What is entered when retrievals are counted: what each served, and whether its reward was reported by then.

    Added to what is in `added` already.
    """
    added = {} if added is None else added
    for retrieval in batch:
        surprise = (retrieval.reward is not None) - retrieval.reporting
        for key, served, side, weight in _draws(retrieval):
            entry = added.get(key)
            if entry is None:
                entry = added[key] = [0] * len(PARTS)
            entry[_SERVED] += served
            if weight > 0:
                x = side * surprise
                entry[_MISSING] += x
                entry[_MISSING + 1] += weight
                entry[_MISSING + 2] += x * x
                entry[_MISSING + 3] += 1
    return added


def entries_of_reward(
    retrieval: Retrieval, before: float | None, after: float, *, counted: bool = True
) -> dict[CounterKey, Delta]:
    """What is entered when a retrieval's reward becomes known (`before` is None) or is another one than `before`.

    `counted`: whether the retrieval was entered already, as not reported, which is corrected here.
    """
    change = _Change(retrieval, before, after, counted=counted)
    return {key: change.entry(side, weight, served) for key, served, side, weight in _draws(retrieval)}


def keys_of(retrieval: Retrieval) -> set[CounterKey]:
    """The accounts that its reward is entered in."""
    return {key for key, *_ in _draws(retrieval)}


class _Change:
    """The differences of `sums.score` that a reward makes, as factors of z − p (or a sum of them) and of its square."""

    __slots__ = ("_first", "_missing", "_missing_square", "_square", "_x")

    def __init__(self, retrieval: Retrieval, before: float | None, after: float, *, counted: bool) -> None:
        new, old = after - retrieval.baseline, 0.0 if before is None else before - retrieval.baseline
        self._first = int(before is None)
        self._x, self._square = new - old, new * new - old * old
        corrects = self._first and counted
        self._missing, self._missing_square = (1.0, 1 - 2 * retrieval.reporting) if corrects else (0.0, 0.0)

    def entry(self, side: float, weight: float, served: int) -> Delta:
        first, square = self._first, side * side
        return [
            side * self._x,
            weight * first,
            square * self._square,
            first if weight > 0 else 0,
            0,
            served * first,
            side * self._missing,
            0.0,
            square * self._missing_square,
            0,
        ]


def entries_of_reports(batch: Iterable[Retrieval]) -> dict[CounterKey, Delta]:
    """What corrects retrievals that were counted as not reported, and are now."""
    total: dict[CounterKey, Delta] = {}
    for retrieval in batch:
        corrections = entries_of_reward(retrieval, None, 0.0)
        add(total, {key: [0] * _MISSING + entry[_MISSING:] for key, entry in corrections.items()})
    return total


def _draws(retrieval: Retrieval) -> Iterator[tuple[CounterKey, int, float, float]]:
    """What chance decided: its account, whether it was served, z − p and p(1 − p), both 0 where it had no say."""
    if not retrieval.servings:
        return
    if retrieval.holdout > 0:
        yield _draw(HOLDOUT, not retrieval.held_out, 1 - retrieval.holdout)
    if retrieval.held_out:
        return
    together, weights = 0.0, 0.0
    for identity, version, _, probability, served in retrieval.servings:
        weight = probability * (1 - probability)
        side = served - probability if weight > 0 else 0.0
        together, weights = together + side, weights + weight
        yield ("experience", identity, version), served, side, weight
    if weights > 0:
        yield SHORTLIST, 0, together, weights
    for number, follows in retrieval.arms.items():
        yield _draw(revision_key(number), follows, ARM)


def _draw(key: CounterKey, served: bool, probability: float) -> tuple[CounterKey, int, float, float]:
    return key, served, served - probability, probability * (1 - probability)
