"""What is known of each experience's lift, held in memory for serving: about 50 bytes each, updated by what changed."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from explib.evidence.interval import Interval, interval
from explib.evidence.ledger import SHORTLIST, CounterKey, Counters
from explib.evidence.missing import reporting_is_biased
from explib.evidence.posterior import posterior
from explib.evidence.sums import NOTHING, ScoreSums
from explib.evidence.verdicts import FEWEST_REWARDS
from explib.models.libraries import Library
from explib.models.retrievals import Trial
from explib.retrieval.entry import DIGITS, Entry, entry_of
from explib.storage.store import Store

TRIAL_FLOOR = 0.3
"""The least probability of serving an experience whose addition is on trial: below it the trial would take too long."""
_SPARE = 1.25


@dataclass(frozen=True, slots=True)
class Lift:
    """What serving needs to know of one version of an experience."""

    inclination: float
    priority: float
    sums: ScoreSums = NOTHING


def rating_of(sums: ScoreSums) -> Lift:
    """By the posterior of its lift; the inclination with as many digits as are written down with each draw."""
    belief = posterior(sums)
    return Lift(round(belief.inclination, DIGITS), belief.priority, sums)


UNKNOWN = rating_of(NOTHING)


@dataclass(frozen=True, slots=True)
class TrialArm:
    """A revision on trial by a coin: what is served instead of what where the coin says so."""

    revision: int
    replaces: dict[str, tuple[Entry, ...]]
    adds: frozenset[str]

    def touches(self, identity: str) -> bool:
        """Whether the two arms differ in this experience."""
        return identity in self.replaces or identity in self.adds


class Lifts:
    """Columns by the number in an experience's id, for its newest version that has rewards; older ones beside them."""

    def __init__(self) -> None:
        self._versions = array("i")
        self._columns = {name: array("d") for name in ("s", "w", "v", "n", "inclination", "priority")}
        self._others: dict[CounterKey, Lift] = {}

    def __bool__(self) -> bool:
        return bool(self._versions)

    def put(self, key: CounterKey, sums: ScoreSums) -> None:
        """Hold what is now known of one version."""
        _, identity, version = key
        number, rating = int(identity[1:]), rating_of(sums)
        self._grow(number)
        held = self._versions[number]
        if version < held:
            self._others[key] = rating
            return
        if 0 < held < version:
            self._others[key[0], identity, held] = self._at(number)
        self._versions[number] = version
        values = (sums.s, sums.w, sums.v, sums.n, rating.inclination, rating.priority)
        for column, value in zip(self._columns.values(), values, strict=True):
            column[number] = value

    def _grow(self, number: int) -> None:
        missing = number + 1 - len(self._versions)
        if missing > 0:
            missing += int(number * (_SPARE - 1))
            self._versions.extend([0] * missing)
            for column in self._columns.values():
                column.extend([0.0] * missing)

    def of(self, identity: str, version: int) -> Lift:
        """What is known of one version, perhaps nothing."""
        number = int(identity[1:])
        if number < len(self._versions) and self._versions[number] == version:
            return self._at(number)
        return self._other(identity, version)

    def priorities(self, entries: Sequence[Entry]) -> list[float]:
        """The priority of each, for every candidate of every call."""
        return self._all("priority", entries)

    def inclinations(self, entries: Sequence[Entry]) -> list[float]:
        """The inclination of each."""
        return self._all("inclination", entries)

    def _all(self, name: Literal["priority", "inclination"], entries: Sequence[Entry]) -> list[float]:
        versions, column, known = self._versions, self._columns[name], len(self._versions)
        if not known:
            return [getattr(UNKNOWN, name)] * len(entries)
        return [
            column[entry.number]
            if entry.number < known and versions[entry.number] == entry.version
            else getattr(self._other(entry.id, entry.version), name)
            for entry in entries
        ]

    def _other(self, identity: str, version: int) -> Lift:
        return self._others.get(("experience", identity, version), UNKNOWN) if self._others else UNKNOWN

    def _at(self, number: int) -> Lift:
        s, w, v, n, inclination, priority = (column[number] for column in self._columns.values())
        return Lift(inclination, priority, ScoreSums(s, w, v, int(n)))


@dataclass(slots=True)
class LiftCache:
    """One library's ratings and running trials, as far as they were followed."""

    ratings: Lifts = field(default_factory=Lifts)
    arms: tuple[TrialArm, ...] = ()
    added: frozenset[str] = frozenset()
    """Experiences whose addition is on trial by their own draws."""
    claims: bool = True
    """Whether lifts may be shown: not where rewards are missing in a way that depends on serving."""
    _unclaimed: set[CounterKey] = field(default_factory=set)
    _tick: int = -1
    _trials: list[Trial] = field(default_factory=list)
    _following: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def loaded(self) -> bool:
        """Whether it was followed once."""
        return self._tick >= 0

    async def follow(self, store: Store, library: Library) -> None:
        """Take in what rewards and trials have changed since the last time."""
        async with self._following:
            totals = await store.evidence.totals(library)
            if totals.tick > self._tick:
                changed = await store.evidence.since(library, self._tick, totals.tick)
                self._take(changed)
                self._tick = totals.tick
            trials = await store.trials.running(library)
            if trials != self._trials:
                self._try(trials)

    def _take(self, changed: dict[CounterKey, Counters]) -> None:
        for key, account in changed.items():
            if key[0] == "experience":
                self.ratings.put(key, account.sums)
                if reporting_is_biased(account.missing) is None:
                    self._unclaimed.discard(key)
                else:
                    self._unclaimed.add(key)
            elif key == SHORTLIST:
                self.claims = reporting_is_biased(account.missing) is None

    def _try(self, trials: list[Trial]) -> None:
        self._trials = trials
        self.arms = tuple(
            TrialArm(
                each.revision,
                {known: tuple(map(entry_of, lessons)) for known, lessons in each.replaces.items()},
                frozenset(each.adds),
            )
            for each in trials
            if each.replaces
        )
        self.added = frozenset(known for each in trials if not each.replaces for known in each.adds)

    def lifts(self, entries: Iterable[Entry]) -> dict[str, Interval]:
        """By id the lifts of what is served, with their intervals; none where the number would mean nothing."""
        if not self.claims or not self.ratings:
            return {}
        rated = [(entry, self.ratings.of(entry.id, entry.version)) for entry in entries]
        return {
            entry.id: interval(rating.sums)
            for entry, rating in rated
            if rating.sums.n >= FEWEST_REWARDS and ("experience", entry.id, entry.version) not in self._unclaimed
        }
