"""The seam between the worlds and a learner, and today's learner behind it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Literal, Protocol

from explib.models.decisions import Decision
from explib.models.groups import Group, GroupAttempts
from explib.models.libraries import Library, LibrarySettings
from explib.models.submissions import RawSubmission
from explib.models.trajectories import Attempt
from explib.settings.program import Settings
from explib.trajectories import as_messages
from explib_learner.analysis import Analyser
from explib_learner.analyst import Batch
from explib_learner.grammar.grammar import Grammar
from explib_learner.grammar.namer import contrast_analyst
from explib_learner.grammar.trace import trace_of
from explib_server.compose import open_application

_WAVE = 20
"""Attempts that come in before the product learns again."""


@dataclass(frozen=True, slots=True)
class Learned:
    """One lesson, with the decision behind it where there is one."""

    id: str
    text: str
    active: bool = True
    """False for a candidate."""
    code: Callable[[Attempt], bool | None] | None = None
    """The side that an attempt took, None where it did not meet the situation. Without it the text is judged."""
    better: bool = True
    """The side that the lesson advises."""


class Learner(Protocol):
    """Learns lessons from attempts: their rewards are in them, and None where nobody graded."""

    @property
    def name(self) -> str:
        """The name in tables."""

    def learn(self, attempts: Sequence[Attempt]) -> Sequence[Learned]:
        """The lessons that these attempts teach."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """The learner without a model: grammar, judge and templates, as `explib learn` runs them on an empty library."""

    name: str = "contrast"

    def learn(self, attempts: Sequence[Attempt]) -> list[Learned]:
        """The lessons that it would add, each with the decision behind it."""
        history = tuple(sorted(attempts, key=lambda attempt: attempt.trajectory.id))
        library = Library(1, "measured", LibrarySettings(), 0, 0.0)
        batch = Batch(library, (), _groups(history), history)
        analysis = asyncio.run(Analyser(contrast_analyst()).analyse(batch))
        decisions = {entry.decision.id: entry.decision for entry in analysis.codebook.entries}
        return [
            Learned(
                id=operation.decision_id or "",
                text=operation.content or "",
                active=operation.status == "active",
                code=_coder(decisions[operation.decision_id or ""]),
                better=operation.option == "a",
            )
            for operation in analysis.operations
            if operation.kind == "ADD"
        ]


@dataclass(frozen=True, slots=True)
class Product:
    """The whole product on an empty library, wave by wave: also its checks, which hold lessons back for a person."""

    name: str
    analyst: Literal["contrast", "model"]
    """model: the one that EXPLIB_MODEL… names."""

    def learn(self, attempts: Sequence[Attempt]) -> list[Learned]:
        """Its live lessons: judged by codes where the grammar has them."""
        return asyncio.run(self._learn(attempts))

    async def _learn(self, attempts: Sequence[Attempt]) -> list[Learned]:
        with TemporaryDirectory() as folder:
            settings = Settings(
                database_url=f"sqlite+aiosqlite:///{folder}/library.db", analyst=self.analyst, token_budget_per_day=None
            )
            async with open_application(settings) as application:
                library = await application.library()
                for start in range(0, len(attempts), _WAVE):
                    for attempt in attempts[start : start + _WAVE]:
                        await application.submit(library, _submission(attempt))
                    await (await application.learning.worker()).learn_ready()
                entries = await application.store.codebooks.entries(library)
                decisions = {entry.decision.id: entry.decision for entry in entries}
                return [
                    Learned(
                        id=each.id,
                        text=each.content,
                        active=each.status == "active",
                        code=_coder(decisions.get(each.decision_id or "")),
                        better=each.option == "a",
                    )
                    for each in await application.store.revisions.experiences(library)
                    if each.status != "retired"
                ]


LEARNERS: dict[str, Learner] = {
    "contrast": Contrast(),
    "product": Product("product", "contrast"),
    "model": Product("model", "model"),
}
"""Name on the command line → learner."""


def _submission(attempt: Attempt) -> RawSubmission:
    told = attempt.trajectory
    return RawSubmission(
        told.task,
        as_messages(attempt.steps),
        told.reward,
        feedback=told.feedback,
        group=told.group_id,
        idempotency_key=told.id,
        reward_source="environment",
    )


def _coder(decision: Decision | None) -> Callable[[Attempt], bool | None] | None:
    if decision is None or decision.source != "grammar" or decision.speaks_for_itself:
        return None
    grammar = Grammar()

    def took_first(attempt: Attempt) -> bool | None:
        letter = grammar.code(decision, trace_of(attempt))
        return None if letter is None else letter == "a"

    return took_first


def _groups(attempts: Sequence[Attempt]) -> tuple[GroupAttempts, ...]:
    by_id: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_id[attempt.trajectory.group_id].append(attempt)
    return tuple(
        GroupAttempts(Group(key, key, one[0].trajectory.task, "ready", "", len(one), len(one), 1), tuple(one))
        for key, one in by_id.items()
    )
