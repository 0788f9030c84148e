"""What is believed of each experience's lift, held in memory for serving and updated by what changed."""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import product
from typing import get_args

from explib.evidence.alarm import SURPRISES_READ, faded, is_alarmed
from explib.evidence.interval import Interval, interval
from explib.evidence.ledger import HOLDOUT, SHORTLIST, CounterKey, Counters, experience_key
from explib.evidence.policy import (
    CEILING,
    DOUBTED_CEILING,
    FLOOR,
    NO_SHIFT,
    ClassTotals,
    Shift,
    first_means,
    library_shift,
    serving_probability,
    within_budget,
)
from explib.evidence.posterior import Posterior, posterior
from explib.evidence.sums import NOTHING, ScoreSums
from explib.evidence.verdicts import FEWEST_REWARDS, reporting_is_biased
from explib.models.experiences import LessonClass
from explib.models.libraries import Library
from explib.models.retrievals import Trial
from explib.retrieval.entry import DIGITS, Entry, entry_of
from explib.storage.store import Store

TRIAL_FLOOR = 0.3
"""The least probability of serving an experience whose addition is on trial: below it the trial would take too long."""
_SPARE = 1.25
KINDS: list[tuple[LessonClass, bool] | None] = [None, *product(get_args(LessonClass), (False, True))]
"""Class, and whether it was met again."""


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

    About 55 bytes each: a large library has as many as it has lessons.
    """

    def __init__(self) -> None:
        self.totals: dict[LessonClass, ClassTotals] = {name: ClassTotals() for name in get_args(LessonClass)}
        self.learned: Counter[tuple[LessonClass, bool] | None] = Counter()
        """Lessons that were noted, by their class and whether they were met again."""
        self._versions = array("i")
        self._columns = tuple(array("d") for _ in (*fields(ScoreSums), "served"))
        self._older: dict[CounterKey, ScoreSums] = {}
        self._noted = bytearray()
        """By number the place in KINDS; 0 for lessons that were not noted."""

    def put(self, key: CounterKey, sums: ScoreSums, served: int = 0) -> None:
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
        self._count(number, -1)
        self._versions[number] = version
        values = (sums.s, sums.w, sums.v, sums.n, sums.slack, served)
        for column, value in zip(self._columns, values, strict=True):
            column[number] = value
        self._count(number, 1)

    def note(self, entry: Entry) -> bool:
        """Take in how a lesson was learned, by which its rewards speak for the library as a whole; True if it's new."""
        kind, number = (entry.learned, entry.met_again), entry.number
        if number >= len(self._noted):
            self._noted.extend(bytes(int(number * _SPARE) + 1 - len(self._noted)))
        before = KINDS[self._noted[number]]
        if before == kind:
            return False
        self._count(number, -1)
        self._noted[number] = KINDS.index(kind)
        self._count(number, 1)
        self.learned[before] -= 1
        self.learned[kind] += 1
        return True

    def _count(self, number: int, sign: int) -> None:
        kind = KINDS[self._noted[number]] if number < len(self._noted) else None
        if kind is not None and number < len(self._versions):
            self.totals[kind[0]].add(self._at(number), self._columns[-1][number], sign)

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
        s, w, v, n, slack, _ = (column[number] for column in self._columns)
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
    means: Mapping[LessonClass, float] = field(default_factory=lambda: first_means(0, 0))
    """The mean of each class's lifts, before the library's shift."""
    shift: Shift = NO_SHIFT
    suspects: frozenset[str] = frozenset()
    """Experiences that voters doubt."""
    alarmed: bool = False
    """Whether rewards have fallen lately: then every lesson is in doubt."""
    _holdout: ScoreSums = NOTHING
    counted: float = 0.0
    """Retrievals that were entered and not held out."""
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
                alarmed = is_alarmed(await store.evidence.newest_surprises(library, SURPRISES_READ))
                self.take(changed)
                self.alarmed, self._tick = alarmed, totals.tick
                self.counted = totals.counted * (1 - library.settings.holdout)
            tallies = await store.votes.tallies(library)
            suspects = frozenset(name for name, tally in tallies.items() if tally.down > tally.up)
            if suspects != self.suspects:
                self.suspects = suspects
                self._beliefs.clear()
            trials = await store.trials.running(library)
            if trials != self._trials:
                self._try(trials)

    def take(self, changed: Mapping[CounterKey, Counters]) -> None:
        """Take in accounts that have changed."""
        self._beliefs.clear()
        for key, account in changed.items():
            if key[0] == "experience":
                self.lifts.put(key, account.believed, account.served)
                if reporting_is_biased(account.missing) is None:
                    self._unclaimed.discard(key)
                else:
                    self._unclaimed.add(key)
            elif key == HOLDOUT:
                self._holdout = account.believed
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

    def note(self, entries: Iterable[Entry]) -> None:
        """Take in how lessons were learned, and what the library's lessons have shown together."""
        changed = [entry for entry in entries if self.lifts.note(entry)]
        learned = self.lifts.learned
        means = first_means(learned["A", False] + learned["A", True], learned["B", True])
        shift = library_shift(self.lifts.totals, means, self._holdout, self.counted)
        if changed or (means, shift) != (self.means, self.shift):
            self.means, self.shift = means, shift
            self._beliefs.clear()

    def belief(self, entry: Entry) -> Posterior:
        """What serving believes of the lift of an experience's version: how it was learned, and its rewards."""
        key = (entry.id, entry.version)
        belief = self._beliefs.get(key)
        if belief is None:
            sums = self.lifts.of(*key)
            belief = posterior(faded(sums) if self.alarmed else sums, prior=self._prior(entry))
            self._beliefs[key] = belief
        return belief

    def _prior(self, entry: Entry) -> float:
        return 0.0 if self.doubts(entry) else self.means[entry.learned] + self.shift.mean

    def doubts(self, entry: Entry) -> bool:
        """Whether an experience is under suspicion: served at most every other time, whatever its rewards say."""
        return self.alarmed or entry.learned == "D" or entry.id in self.suspects

    def probabilities(self, entries: Sequence[Entry]) -> list[float]:
        """The chance of each of a shortlist to be served; at least the trial's floor where its addition is tried."""
        beliefs = [self.belief(entry) for entry in entries]
        single = [
            serving_probability(
                belief,
                TRIAL_FLOOR if entry.id in self.added else FLOOR,
                DOUBTED_CEILING if self.doubts(entry) else CEILING,
            )
            for entry, belief in zip(entries, beliefs, strict=True)
        ]
        first_mean = sum(self.means[entry.learned] for entry in entries) / max(1, len(entries))
        return [round(p, DIGITS) for p in within_budget(single, beliefs, first_mean, self.shift)]

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
