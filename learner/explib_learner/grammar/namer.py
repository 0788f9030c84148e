"""The grammar as the analyst's namer, coder and writer: no model, no cost, the same answer to the same data."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from explib.models.decisions import Code, Decision
from explib.models.trajectories import Attempt
from explib_learner.analyst import Analyst, Batch, Coding, NamedDecision, Naming, Wording, Writing
from explib_learner.graded import graded_attempts
from explib_learner.grammar.grammar import Grammar
from explib_learner.grammar.trace import AttemptTrace, trace_of
from explib_learner.writing.templates import lesson_of

BATCH_GROUPS = 500
"""All that is ready: one search draws on every attempt anyway."""
KEPT_TRACES = 5_000


class Traces:
    """Attempts as the grammar reads them, each read once."""

    def __init__(self) -> None:
        self._traces: dict[str, AttemptTrace] = {}

    def of(self, attempts: Sequence[Attempt]) -> list[AttemptTrace]:
        """The traces of the attempts, in their order."""
        if len(self._traces) > KEPT_TRACES:
            self._traces.clear()
        for attempt in attempts:
            if attempt.trajectory.id not in self._traces:
                self._traces[attempt.trajectory.id] = trace_of(attempt)
        return [self._traces[attempt.trajectory.id] for attempt in attempts]


class GrammarParts:
    """Names decisions by predicates over calls, arguments and answers; codes them exactly; writes from templates."""

    def __init__(self) -> None:
        self._grammar = Grammar()
        self._traces = Traces()

    async def name(self, batch: Batch) -> Naming:
        """The decisions that stand out from chance over the library's graded attempts."""
        return await asyncio.to_thread(self._name, batch)

    def _name(self, batch: Batch) -> Naming:
        graded = [attempt for attempt in batch.history if attempt.trajectory.reward is not None]
        found = self._grammar.name(self._traces.of(graded), graded_attempts(graded, batch.library.settings))
        return Naming(tuple(NamedDecision(decision) for decision in found))

    def codes(self, decision: Decision) -> bool:
        """Whether the decision is a predicate of the grammar."""
        return decision.source == "grammar"

    async def code(self, batch: Batch, missing: Mapping[str, Sequence[Decision]]) -> Coding:
        """The option of each attempt, by code."""
        return await asyncio.to_thread(self._code, batch, missing)

    def _code(self, batch: Batch, missing: Mapping[str, Sequence[Decision]]) -> Coding:
        attempts = [attempt for attempt in batch.history if attempt.trajectory.id in missing]
        codes = (
            Code(decision.id, trace.trajectory_id, letter)
            for trace in self._traces.of(attempts)
            for decision in missing[trace.trajectory_id]
            if (letter := self._grammar.code(decision, trace)) is not None
        )
        return Coding(tuple(codes))

    async def write(self, batch: Batch, wordings: Sequence[Wording]) -> Writing:
        """A template filled in for each."""
        return Writing({wording.decision.id: lesson_of(wording.decision, wording.letter) for wording in wordings})


def contrast_analyst() -> Analyst:
    """The analyst without a model: grammar, judge, templates."""
    parts = GrammarParts()
    return Analyst("contrast", (parts,), (parts,), parts, BATCH_GROUPS)
