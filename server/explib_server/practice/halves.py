"""Halves of the library and their complements: which lessons harm, found by rollouts that are planned for it.

Each pair of rollouts is of one task; every lesson that fits it goes by a coin to the one or to the other. So each pair
tells something of every lesson, and the task's difficulty is gone from the difference. The pairs are entered in the
library's evidence, and what follows from them follows as from any evidence under a fair coin: a lesson that harms is
retired, one that is in doubt is served less. A proof of one lesson by pairs is entered in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from explib.evidence.ledger import CounterKey, Counters, Delta, add, entries_of_reward
from explib.evidence.verdicts import LiftSummary, lift_summary
from explib.models.libraries import Library, LibrarySettings
from explib.retrieval.shortlist import uniforms
from explib.storage.evidence.pairs import COIN, Pair
from explib_server.application import Application
from explib_server.practice.journal import Journal
from explib_server.practice.lessons import all_that_fit, block_of
from explib_server.practice.loop import Rollouts
from explib_server.practice.plan import HALVES, Plan
from explib_server.practice.protocol import Rollout
from explib_server.practice.sides import Sides
from explib_server.practice.tasks import PracticeTask

HARMS = frozenset({"likely harms", "proven to harm"})
"""Labels of a lesson that is under suspicion."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """One lesson that fits a task."""

    id: str
    version: int
    line: str


@dataclass(frozen=True, slots=True)
class Halves:
    """The lessons that are drawn from, as they stood when the halves began."""

    revision: int
    fitting: dict[str, list[Fitting]]
    """By task; those that none fits are left out."""

    def line(self) -> dict[str, object]:
        """As the journal keeps them."""
        lessons = {task: [(each.id, each.version, each.line) for each in found] for task, found in self.fitting.items()}
        return {"revision": self.revision, "lessons": lessons}

    @classmethod
    def read(cls, line: Mapping[str, object]) -> Halves | None:
        """As the journal kept them; None where no halves have begun."""
        match line:
            case {"revision": int(revision), "lessons": dict(lessons)}:
                return cls(revision, {task: [Fitting(*each) for each in found] for task, found in lessons.items()})
        return None

    def pairs(self, plan: Plan) -> list[HalfPair]:
        """Every planned pair: over the tasks, again and again."""
        tasks = [task for task in plan.held_out if task.id in self.fitting]
        planned = plan.options.halves // len(HALVES) if tasks else 0
        return [
            HalfPair(plan, tasks[at % len(tasks)], at // len(tasks) + 1, tuple(self.fitting[tasks[at % len(tasks)].id]))
            for at in range(planned)
        ]


@dataclass(frozen=True, slots=True)
class HalfPair:
    """Two rollouts of one task, between which its lessons are divided."""

    plan: Plan
    task: PracticeTask
    number: int
    fitting: tuple[Fitting, ...]

    @property
    def keys(self) -> tuple[str, str]:
        """The names of its rollouts."""
        one, other = (self.plan.proof_key(self.task.id, half, self.number) for half in HALVES)
        return one, other

    @property
    def told(self) -> list[bool]:
        """Of each lesson, whether the coin gives it to the first."""
        return [drawn < COIN for drawn in uniforms(self.keys[0], "halves", len(self.fitting))]

    def rollouts(self) -> list[Rollout]:
        """Both of them."""
        sides = [(key, side == 0) for side, key in enumerate(self.keys)]
        return [
            Rollout(
                key,
                self.task,
                block_of(each.line for each, told in zip(self.fitting, self.told, strict=True) if told is first),
            )
            for key, first in sides
        ]

    def pair(self, journal: Journal, settings: LibrarySettings, revision: int) -> Pair | None:
        """As the evidence takes it; None where one of them has no reward."""
        rewards = journal.rewards(self.keys, settings)
        drawn = tuple((each.id, each.version, told) for each, told in zip(self.fitting, self.told, strict=True))
        return None if rewards is None else Pair(self.keys[0], self.task.input, revision, drawn, rewards)


@dataclass(frozen=True, slots=True)
class Found:
    """What the halves say of each lesson."""

    planned: int
    pairs: int
    lessons: dict[str, LiftSummary]
    """By id; the lowest lift first."""

    @property
    def suspects(self) -> dict[str, LiftSummary]:
        """Those that harm, as far as is known."""
        return {known: found for known, found in self.lessons.items() if found.label in HARMS}


async def make_halves(application: Application, rollouts: Rollouts, name: str) -> None:
    """Make every pair of halves that is not made yet, enter them in the evidence, and act on it."""
    plan, journal = rollouts.plan, rollouts.journal
    library = await application.store.libraries.get(name)
    halves = Halves.read(journal.halves)
    if halves is None:
        fitting = {task.id: await all_that_fit(application, library, task) for task in plan.held_out}
        drawn = {task: [Fitting(each.id, each.version, each.line) for each in found] for task, found in fitting.items()}
        halves = Halves(library.revision, {task: found for task, found in drawn.items() if found})
        journal.begin_halves(halves.line())
    pairs = halves.pairs(plan)
    for start in range(0, len(pairs), plan.options.batch):
        batch = pairs[start : start + plan.options.batch]
        wanted = [(made, halves.revision) for pair in batch for made in pair.rollouts()]
        try:
            await rollouts.make([each for each in wanted if each[0].key not in journal.finished])
        finally:
            await _enter(
                application, library, [pair.pair(journal, library.settings, halves.revision) for pair in batch]
            )
    await application.lifecycle.look(library)


async def enter_lesson(application: Application, rollouts: Rollouts, name: str) -> None:
    """Enter the pairs of a proof of one lesson in its evidence, and act on it."""
    plan, journal = rollouts.plan, rollouts.journal
    library, sides = await application.store.libraries.get(name), Sides.read(journal.proof)
    if sides is None or sides.tried is None:
        return
    drawn = ((*sides.tried, True),)
    texts = {task.id: task.input for task in plan.held_out}
    found = [
        (keys[0], texts[task], journal.rewards(keys, library.settings))
        for task in sides.lessons
        for keys in plan.proof_keys(task)
    ]
    pairs = [Pair(key, task, sides.revision, drawn, rewards) for key, task, rewards in found if rewards is not None]
    await _enter(application, library, pairs)
    await application.lifecycle.look(library)


async def _enter(application: Application, library: Library, pairs: Iterable[Pair | None]) -> None:
    clean = [replace(pair, task=application.clean(pair.task)) for pair in pairs if pair is not None]
    await application.store.retrievals.enter_pairs(library, clean)


def found_of(plan: Plan, journal: Journal, settings: LibrarySettings) -> Found | None:
    """What the finished pairs of halves say; None before they began."""
    halves = Halves.read(journal.halves)
    if halves is None:
        return None
    planned = halves.pairs(plan)
    pairs = [made for each in planned if (made := each.pair(journal, settings, halves.revision)) is not None]
    accounts: dict[CounterKey, Delta] = {}
    for pair in pairs:
        add(accounts, entries_of_reward(pair.retrieval, None, pair.rewards[0], counted=False))
    sums = {
        subject: Counters.of(account).sums for (kind, subject, _), account in accounts.items() if kind == "experience"
    }
    return Found(
        len(planned),
        len(pairs),
        {known: lift_summary(sums[known]) for known in sorted(sums, key=lambda each: sums[each].lift)},
    )
