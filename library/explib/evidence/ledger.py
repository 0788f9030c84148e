"""Which accounts a retrieval and its reward are entered in, and with what. Entries are added; a correction is one too.

Accounts are of one version of an experience, of one revision on trial (its arm against the one before), and of the
library: `holdout` (served against held out) and `shortlist` (all that was drawn, together).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from explib.evidence.sums import NOTHING, Sums, score
from explib.models import Retrieval

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
    new = _scores(retrieval, after, retrieval.baseline)
    old = {} if before is None else _scores(retrieval, before, retrieval.baseline)
    reported: dict[Key, Sums] = {}
    if before is None:
        absent, present = (_scores(retrieval, outcome, retrieval.reporting) for outcome in (0.0, 1.0))
        reported = {key: present[key] - absent[key] for key in present}
    served = {draw.key for draw in _draws(retrieval) if draw.served} if before is None else set[Key]()
    return {
        key: Account(scored - old.get(key, NOTHING), reported.get(key, NOTHING), rewarded=int(key in served))
        for key, scored in new.items()
    }


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


def _scores(retrieval: Retrieval, outcome: float, baseline: float) -> Mapping[Key, Sums]:
    scores = {
        draw.key: score(served=draw.served, probability=draw.probability, outcome=outcome, baseline=baseline)
        for draw in _draws(retrieval)
    }
    together = [each for key, each in scores.items() if key[0] == "experience" and each.n]
    if together:
        x = sum(each.s for each in together)
        scores[SHORTLIST] = Sums(x, sum(each.w for each in together), x * x, 1)
    return scores
