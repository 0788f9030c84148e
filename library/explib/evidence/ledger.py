"""Which accounts a retrieval and its reward are entered in, and with what. Entries are added; a correction is one too.

Accounts are of one version of an experience, of one revision on trial (its arm against the one before), and of the
library: `holdout` (served against held out) and `shortlist` (all that was drawn, together).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from explib.evidence.sums import NOTHING, Sums
from explib.models.retrievals import Retrieval

Key: TypeAlias = tuple[str, str, int]
"""Kind (`experience`, `revision`, `library`), subject and version."""
HOLDOUT: Key = ("library", "holdout", 0)
SHORTLIST: Key = ("library", "shortlist", 0)
ARM = 0.5
"""The chance with which a retrieval follows a revision on trial instead of the one before it."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is held, or what is entered: sums of rewards, sums of "was a reward reported?", and plain counts."""

    sums: Sums = NOTHING
    missing: Sums = NOTHING
    served: int = 0
    rewarded: int = 0
    """Rewards of retrievals in which it was served."""

    def __add__(self, other: Account) -> Account:
        return Account(
            self.sums + other.sums,
            self.missing + other.missing,
            self.served + other.served,
            self.rewarded + other.rewarded,
        )


EMPTY = Account()


@dataclass(frozen=True, slots=True)
class Draw:
    """One thing that chance decided."""

    key: Key
    served: bool
    probability: float


def experience_key(identity: str, version: int) -> Key:
    """The account of one version of an experience."""
    return ("experience", identity, version)


def revision_key(number: int | str) -> Key:
    """The account of a revision on trial."""
    return ("revision", str(number), 0)


def entries_of_retrievals(batch: Iterable[Retrieval]) -> dict[Key, Account]:
    """What is entered when retrievals are recorded: each counts as not reported, until its reward comes.

    Added up as numbers, since every call of `get_experiences` comes through here.
    """
    added: dict[Key, list[float]] = {}
    for retrieval in batch:
        together, scored = [0.0, 0.0], False
        for draw in _draws(retrieval):
            weight = draw.probability * (1 - draw.probability)
            x = (draw.probability - draw.served) * retrieval.reporting if weight > 0 else 0.0
            sums = added.setdefault(draw.key, [0.0, 0.0, 0.0, 0, 0])
            sums[4] += draw.served
            if weight > 0:
                _add(sums, x, weight)
                if draw.key[0] == "experience":
                    scored = True
                    together[0] += x
                    together[1] += weight
        if scored:
            _add(added.setdefault(SHORTLIST, [0.0, 0.0, 0.0, 0, 0]), *together)
    return {
        key: Account(missing=Sums(s, w, v, int(n)), served=int(served)) for key, (s, w, v, n, served) in added.items()
    }


def _add(sums: list[float], x: float, weight: float) -> None:
    sums[0] += x
    sums[1] += weight
    sums[2] += x * x
    sums[3] += 1


def entries_of_reward(retrieval: Retrieval, before: float | None, after: float) -> dict[Key, Account]:
    """What is entered when a retrieval's reward becomes known (`before` is None) or is another one than `before`."""
    entries: dict[Key, Account] = {}
    together, weights, scored = 0.0, 0.0, False
    for draw in _draws(retrieval):
        weight = draw.probability * (1 - draw.probability)
        side = draw.served - draw.probability if weight > 0 else 0.0
        entries[draw.key] = _entry(retrieval, before, after, side, weight, served=draw.served)
        if weight > 0 and draw.key[0] == "experience":
            together, weights, scored = together + side, weights + weight, True
    if scored:
        entries[SHORTLIST] = _entry(retrieval, before, after, together, weights, served=False)
    return entries


def _entry(
    retrieval: Retrieval, before: float | None, after: float, side: float, weight: float, *, served: bool
) -> Account:
    """The same as differences of `sums.score`, as numbers; `side` is z − p, or a sum of them."""
    x = side * (after - retrieval.baseline)
    if before is not None:
        old = side * (before - retrieval.baseline)
        return Account(Sums(x - old, 0.0, x * x - old * old, 0))
    absent, present = -side * retrieval.reporting, side * (1 - retrieval.reporting)
    reported = Sums(present - absent, 0.0, present * present - absent * absent, 0)
    return Account(Sums(x, weight, x * x, int(weight > 0)), reported, rewarded=int(served))


def _draws(retrieval: Retrieval) -> Iterator[Draw]:
    if not retrieval.servings:
        return
    if retrieval.holdout > 0:
        yield Draw(HOLDOUT, not retrieval.held_out, 1 - retrieval.holdout)
    if retrieval.held_out:
        return
    for each in retrieval.servings:
        yield Draw(experience_key(each.experience_id, each.version), each.served, each.probability)
    for number, follows in retrieval.arms.items():
        yield Draw(revision_key(number), follows, ARM)
