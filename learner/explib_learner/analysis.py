"""From a batch to operations: name → code → judge → write. Claims and commits are the pipeline's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from explib.models.decisions import CURED, NO_NEWS, Code, CodebookUpdate, GradedAttempt, Verdict
from explib.models.learning import Cost
from explib.models.revisions import Operation, Refusal
from explib.text.words import number_of
from explib.tracing import span
from explib_learner.analyst import Analyst, Batch, Coder, Coding, Failure, NamedDecision, Naming, Writing
from explib_learner.codebook import RunCodebook
from explib_learner.graded import graded_attempts
from explib_learner.judging.judge import Judge, Judgement, State
from explib_learner.lessons import Evidence, additions, first_words, plan
from explib_learner.model.asker import together
from explib_learner.repair import doubtful


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a batch comes to: operations, what was refused, what failed, what the codebook gains."""

    operations: tuple[Operation, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    failures: tuple[Failure, ...] = ()
    codebook: CodebookUpdate = NO_NEWS
    cost: Cost = Cost()
    note: str = ""
    """One or two sentences for the revision's cause."""


class Analyser:
    """Orders the parts of one analyst around the judge."""

    def __init__(self, analyst: Analyst) -> None:
        self._analyst = analyst
        self._judge = Judge()
        self._states: dict[tuple[int, float], State] = {}
        """Where the last fit of each library ended: the next one starts there."""

    async def analyse(self, batch: Batch) -> Analysis:
        """Name, code, judge, write. The operations are not checked yet."""
        book = RunCodebook(batch.codebook, batch.codes)
        with span("learn.name", analyst=self._analyst.name, groups=len(batch.groups)):
            namings = await together([namer.name(batch) for namer in self._analyst.namers])
        named = {book.enter(decision): decision for naming in namings for decision in naming.decisions}
        with span("learn.code", decisions=len(book.decisions)):
            codings = [await self._coded(batch, book, coder) for coder in self._analyst.coders]
        with span("learn.judge", decisions=len(book.decisions), attempts=len(batch.history)):
            graded = graded_attempts(batch.history, batch.library.settings)
            note = await asyncio.to_thread(self._judged, batch, book, graded)
        reread = await self._reread(batch, book, graded)
        if reread.codes:
            note = await asyncio.to_thread(self._judged, batch, book, graded)
        with span("learn.write", analyst=self._analyst.name):
            evidence = Evidence(book.entries, book.codes, graded)
            operations, written = await self._written(batch, book, named, evidence)
        return Analysis(
            operations=operations,
            refusals=tuple(refusal for naming in namings for refusal in naming.refusals),
            failures=_by_group((*namings, *codings, reread)),
            codebook=book.update(),
            cost=sum((cost for cost in _costs(namings, (*codings, reread), written)), Cost()),
            note=" ".join(filter(None, (*(naming.note for naming in namings), note))),
        )

    async def _coded(self, batch: Batch, book: RunCodebook, coder: Coder) -> Coding:
        """The codes that one coder can add."""
        claimed = {attempt.trajectory.id for each in batch.groups for attempt in each.attempts}
        earlier = (attempt.trajectory.id for attempt in batch.history if attempt.trajectory.id not in claimed)
        missing = book.missing(batch.history, coder, earlier)
        coding = await coder.code(batch, missing) if missing else Coding()
        book.coded(coding.codes)
        return coding

    async def _reread(self, batch: Batch, book: RunCodebook, graded: Sequence[GradedAttempt]) -> Coding:
        """A second look at the few attempts that decide the verdicts on decisions in words."""
        reader = self._analyst.rereader
        doubted = doubtful(reader, book.entries, book.codes, graded) if reader is not None else {}
        if reader is None or not doubted:
            return Coding()
        with span("learn.reread", attempts=len(doubted)):
            coding = await reader.reread(batch, doubted)
        book.coded(coding.codes)
        return coding

    def _judged(self, batch: Batch, book: RunCodebook, graded: Sequence[GradedAttempt]) -> str:
        """Judge all decisions together, and drop what the grammar named but nothing speaks for; a sentence on it."""
        cures = [each for each in book.decisions if each.speaks_for_itself and each.source == "grammar"]
        decisions = [*cures, *(each for each in book.decisions if not each.speaks_for_itself)]
        judgement = self._judge.judge(
            decisions, _first_taken(book.codes), graded, self._states.get(batch.library.identity)
        )
        self._states[batch.library.identity] = judgement.state
        own = {cure.id: book.verdict(cure.id) for cure in cures}
        for decision_id, verdict in judgement.verdicts.items():
            book.judged(_with_own(own.get(decision_id), verdict))
        kept = {each.decision_id for each in batch.experiences} | {entry.decision.id for entry in batch.codebook}
        book.forget(
            decision.id
            for decision in decisions
            if decision.source == "grammar" and decision.id not in {*kept, *own} and _says_nothing(book, decision.id)
        )
        return _note_of(judgement, len(decisions))

    async def _written(
        self, batch: Batch, book: RunCodebook, named: Mapping[str, NamedDecision], evidence: Evidence
    ) -> tuple[tuple[Operation, ...], Writing]:
        """The operations that the verdicts ask for, with the words of new lessons."""
        planned = plan(book.entries, batch.experiences, evidence)
        for decision_id, runs in planned.weak_runs.items():
            book.weakened(decision_id, runs)
        writing = await self._analyst.writer.write(batch, planned.wordings) if planned.wordings else Writing()
        taken = [each.decision_id for each in batch.experiences]
        taken += [wording.decision.id for wording in planned.wordings if wording.decision.id in writing.texts]
        added = additions(planned.wordings, writing.texts, evidence, named, book.entries)
        return (*planned.operations, *added, *first_words(named, taken, evidence)), writing


def _costs(namings: Sequence[Naming], codings: Sequence[Coding], writing: Writing) -> list[Cost]:
    return [*(naming.cost for naming in namings), *(coding.cost for coding in codings), writing.cost]


def _first_taken(codes: Sequence[Code]) -> list[Code]:
    """Codes as the fit compares them: who failed first had not taken the option that works."""
    return [replace(code, letter="b") if code.letter == CURED else code for code in codes]


def _with_own(own: Verdict | None, fitted: Verdict) -> Verdict:
    """The verdict on a cure, which stands without rewards: with the effect on them where the fit finds one."""
    if own is None:
        return fitted
    if fitted.state == "unknown" or fitted.merged_into is not None:
        return own
    if fitted.better == own.better:
        return replace(fitted, state="believed" if "believed" in (own.state, fitted.state) else "candidate", rivals=())
    return replace(own, state="candidate") if fitted.state == "believed" else own


def _says_nothing(book: RunCodebook, decision_id: str) -> bool:
    verdict = book.verdict(decision_id)
    return verdict is None or verdict.state == "unknown"


def _note_of(judgement: Judgement, decisions: int) -> str:
    """What a run may say of itself, e.g. `3 of 41 decisions believed; chance would give 0.02`."""
    if not decisions:
        return ""
    belief = judgement.gate.belief
    believed = sum(verdict.state == "believed" for verdict in judgement.verdicts.values())
    return f"{believed} of {number_of(decisions, 'decision')} believed; chance would give {belief.chance:.2g}."


def _by_group(parts: Sequence[Naming | Coding]) -> tuple[Failure, ...]:
    """One failure a group: the first that was met."""
    failures: dict[str, Failure] = {}
    for part in parts:
        for failure in part.failures:
            failures.setdefault(failure.group_id, failure)
    return tuple(failures.values())
