"""What is believed of each experience's lift, held in memory for serving and updated by what changed."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from explib.evidence.interval import Interval, interval
from explib.evidence.ledger import SHORTLIST, CounterKey, Counters, experience_key
from explib.evidence.posterior import Posterior, posterior
from explib.evidence.sums import NOTHING, ScoreSums
from explib.evidence.verdicts import FEWEST_REWARDS, reporting_is_biased
from explib.models.libraries import Library
from explib.models.retrievals import Trial
from explib.retrieval.entry import Entry, entry_of
from explib.storage.store import Store

TRIAL_FLOOR = 0.3
"""The least probability of serving an experience whose addition is on trial: below it the trial would take too long."""
_SPARE = 1.25


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
    """What is believed of each version: columns by the number in an experience's id for the newest, older ones beside.

    About 45 bytes each: a large library has as many as it has lessons.
    """

    def __init__(self) -> None:
        self._versions = array("i")
        self._columns = tuple(array("d") for _ in fields(ScoreSums))
        self._older: dict[CounterKey, ScoreSums] = {}

    def put(self, key: CounterKey, sums: ScoreSums) -> None:
        """Hold what is now believed of one version."""
        _, experience_id, version = key
        number = int(experience_id[1:])
        self._grow(number)
        newest = self._versions[number]
        if version < newest:
            self._older[key] = sums
            return
        if 0 < newest < version:
            self._older[experience_key(experience_id, newest)] = self._at(number)
        self._versions[number] = version
        for column, value in zip(self._columns, (sums.s, sums.w, sums.v, sums.n, sums.slack), strict=True):
            column[number] = value

    def _grow(self, number: int) -> None:
        missing = number + 1 - len(self._versions)
        if missing > 0:
            missing += int(number * (_SPARE - 1))
            self._versions.extend([0] * missing)
            for column in self._columns:
                column.extend([0.0] * missing)

    def of(self, experience_id: str, version: int) -> ScoreSums:
        """What is believed of one version, perhaps nothing."""
        number = int(experience_id[1:])
        if number < len(self._versions) and self._versions[number] == version:
            return self._at(number)
        return self._older.get(experience_key(experience_id, version), NOTHING)

    def _at(self, number: int) -> ScoreSums:
        s, w, v, n, slack = (column[number] for column in self._columns)
        return ScoreSums(s, w, v, int(n), slack)


@dataclass(slots=True)
class LiftCache:
    """One library's lifts and running trials, as far as they were followed."""

    lifts: Lifts = field(default_factory=Lifts)
    arms: tuple[TrialArm, ...] = ()
    added: frozenset[str] = frozenset()
    """Experiences whose addition is on trial by their own draws."""
    claims: bool = True
    """Whether lifts may be shown: not where rewards are missing in a way that depends on serving."""
    _unclaimed: set[CounterKey] = field(default_factory=set)
    _beliefs: dict[tuple[str, int], Posterior] = field(default_factory=dict)
    """Of the versions that were asked for since evidence was last followed."""
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
        self._beliefs.clear()
        for key, account in changed.items():
            if key[0] == "experience":
                self.lifts.put(key, account.believed)
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

    def belief(self, entry: Entry) -> Posterior:
        """What is believed of the lift of an experience's version."""
        key = (entry.id, entry.version)
        belief = self._beliefs.get(key)
        if belief is None:
            belief = self._beliefs[key] = posterior(self.lifts.of(*key))
        return belief

    def claimed(self, entries: Iterable[Entry]) -> dict[str, Interval]:
        """By id the lifts of what is served, with their intervals; none where the number would mean nothing."""
        if not self.claims:
            return {}
        sums = {entry.id: (entry.version, self.lifts.of(entry.id, entry.version)) for entry in entries}
        return {
            experience_id: interval(believed)
            for experience_id, (version, believed) in sums.items()
            if believed.n >= FEWEST_REWARDS and experience_key(experience_id, version) not in self._unclaimed
        }
