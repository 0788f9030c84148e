"""The grammar as the analyst's namer, coder and writer: no model, no cost, the same answer to the same data."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from explib.models.decisions import Code, Decision, Verdict
from explib.models.trajectories import Attempt
from explib_learner.analyst import Analyst, Batch, Coding, NamedDecision, Naming, Wording, Writing
from explib_learner.graded import graded_attempts
from explib_learner.grammar.coding import is_coded
from explib_learner.grammar.corrections import Correction, corrections
from explib_learner.grammar.cures import Cure, Strength, cures, told_by
from explib_learner.grammar.grammar import Grammar
from explib_learner.grammar.reading import Reading
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
        graded = graded_attempts(batch.history, batch.library.settings)
        ids = {attempt.trajectory_id for attempt in graded}
        traces = self._traces.of([attempt for attempt in batch.history if attempt.trajectory.id in ids])
        known = cures(self._traces.of(batch.history))
        readings = [Reading(trace) for trace in traces] if any(cure.is_sure for cure in known) else []
        found = [each for each in self._grammar.name(traces, graded) if not self._cured(each, known, readings)]
        corrected = map(_named_correction, corrections(batch.history))
        return Naming((*map(NamedDecision, found), *map(_named_cure, known), *corrected))

    def _cured(self, decision: Decision, known: Sequence[Cure], readings: Sequence[Reading]) -> bool:
        """Whether a sure cure says it already, and knows the situation better: it saw the failure."""
        coded = [(self._grammar.code_reading(decision, reading), reading.trace) for reading in readings]
        met = [(letter, trace) for letter, trace in coded if letter is not None]
        return any(cure.is_sure and told_by(cure, decision, met) for cure in known)

    def codes(self, decision: Decision) -> bool:
        """Whether the decision is a predicate of the grammar, also one that a model wrote."""
        return is_coded(decision.key) and not decision.speaks_for_itself

    async def code(self, batch: Batch, missing: Mapping[str, Sequence[Decision]]) -> Coding:
        """The option of each attempt, by code."""
        return await asyncio.to_thread(self._code, batch, missing)

    def _code(self, batch: Batch, missing: Mapping[str, Sequence[Decision]]) -> Coding:
        attempts = [attempt for attempt in batch.history if attempt.trajectory.id in missing]
        codes = (
            Code(decision.id, reading.trace.trajectory_id, letter)
            for reading in map(Reading, self._traces.of(attempts))
            for decision in missing[reading.trace.trajectory_id]
            if (letter := self._grammar.code_reading(decision, reading)) is not None
        )
        return Coding(tuple(codes))

    async def write(self, batch: Batch, wordings: Sequence[Wording]) -> Writing:
        """A template filled in for each."""
        return Writing({wording.decision.id: lesson_of(wording.decision, wording.letter) for wording in wordings})


def _named_cure(cure: Cure) -> NamedDecision:
    """A failure and its cure: both options in one attempt, of which the cure is the better."""
    return NamedDecision(
        decision=replace(cure.decision, speaks_for_itself=True),
        letters=cure.letters,
        reason=f"It failed otherwise: “{cure.refusal}”.",
        verdict=_own_verdict(cure.decision, cure.strength, len(cure.shown_by), len(cure.against)),
    )


def _named_correction(correction: Correction) -> NamedDecision:
    """A person's own words: a candidate at once, whatever the rewards say."""
    return NamedDecision(
        decision=replace(correction.decision, speaks_for_itself=True),
        letters=dict.fromkeys(correction.said_in, "b"),
        reason=f"A person said: “{correction.quote}”",
        said=correction.quote,
        verdict=_own_verdict(correction.decision, "candidate", len(correction.said_in), 0),
    )


def _own_verdict(decision: Decision, state: Strength, shown_by: int, against: int) -> Verdict:
    return Verdict(
        decision_id=decision.id,
        state=state,
        inclusion=1.0 if state == "believed" else 0.5,
        better="a",
        effect=0.0,
        low=0.0,
        high=0.0,
        sign_probability=1.0,
        followed=shown_by,
        others=against,
        groups=0,
        lone=shown_by,
        witnesses=shown_by,
    )


def contrast_analyst() -> Analyst:
    """The analyst without a model: grammar, judge, templates."""
    parts = GrammarParts()
    return Analyst("contrast", (parts,), (parts,), parts, BATCH_GROUPS)
