"""A language model, or the attached agent, as namer, coder and writer beside the grammar."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from explib.errors import (
    BudgetExceeded,
    ModelAnswerInvalid,
    ModelError,
    ModelMisconfigured,
    ModelUnavailable,
    PromptTooLong,
)
from explib.models.decisions import Code, Decision, DecisionSource
from explib.models.groups import GroupAttempts
from explib.models.revisions import Refusal
from explib.models.trajectories import Attempt
from explib.text.words import number_of
from explib_learner.analyst import Analyst, Batch, Coding, Failure, NamedDecision, Naming, Wording, Writing
from explib_learner.grammar.coding import predicate_in
from explib_learner.grammar.namer import GrammarParts
from explib_learner.model import selection
from explib_learner.model.asker import REPAIR_PLACEHOLDERS, Asker, Chat, ModelSettings, together
from explib_learner.model.cuts import cut_decisions
from explib_learner.model.forms import (
    CodesAnswer,
    ContrastAnswer,
    PointsAnswer,
    SentencesAnswer,
    SessionsAnswer,
)
from explib_learner.model.in_code import PredicateNamer
from explib_learner.model.known import KnownDecisions
from explib_learner.model.stages import codes as coding
from explib_learner.model.stages import contrast, points, sessions, wording
from explib_learner.prompting.acts import SESSION_TOKENS
from explib_learner.prompting.files import FOLDER, PromptFile, load_prompt
from explib_learner.writing.templates import lesson_of

BATCH_GROUPS = 16
WAVE = 4
"""Groups that are contrasted at once: the next ones see what these have named."""
SESSIONS_AT_ONCE = 10
FORMS: Mapping[str, type[BaseModel]] = {
    "contrast": ContrastAnswer,
    "points": PointsAnswer,
    "codes": CodesAnswer,
    "wording": SentencesAnswer,
    "sessions": SessionsAnswer,
}
"""What is answered to each step."""
_SQUEEZED = 2
"""A prompt that the endpoint finds too long is asked once more in a budget divided by this."""
_INSTRUCTION_TOKENS = 2_500
"""Room for the instructions and the codebook of a step that reads many attempts."""
_OUTAGES = (ModelUnavailable, ModelMisconfigured, BudgetExceeded)


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of the steps."""

    contrast: PromptFile
    points: PromptFile
    codes: PromptFile
    wording: PromptFile
    sessions: PromptFile
    repair: PromptFile
    predicates: PromptFile
    """Part of those that name."""

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Prompts:
        """Load and check all of them. Raises PromptFileError."""
        return cls(
            load_prompt("contrast", contrast.PLACEHOLDERS, folder),
            load_prompt("points", points.PLACEHOLDERS, folder),
            load_prompt("codes", coding.PLACEHOLDERS, folder),
            load_prompt("wording", wording.PLACEHOLDERS, folder),
            load_prompt("sessions", sessions.PLACEHOLDERS, folder),
            load_prompt("repair", REPAIR_PLACEHOLDERS, folder),
            load_prompt("predicates", frozenset(), folder),
        )


@dataclass(slots=True)
class _Names:
    """What one naming has found so far."""

    known: KnownDecisions
    namer: PredicateNamer
    decisions: list[NamedDecision] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def take(self, found: Naming) -> None:
        """Take decisions in; one that says nearly the same as an earlier one is that."""
        for named in found.decisions:
            recognised = self.known.recognised(named)
            self.known.add(recognised.decision)
            self.decisions.append(recognised)
        self.refusals += found.refusals


class ModelParts:
    """Names by contrast and blind, codes blind, writes; what cannot be had now is a failure of its groups."""

    def __init__(
        self, chat: Chat, settings: ModelSettings, prompts: Prompts | None = None, source: DecisionSource = "model"
    ) -> None:
        self._chat = chat
        self._settings = settings
        self._prompts = prompts or Prompts.load()
        self._source = source

    @property
    def speaker(self) -> str:
        """Which model speaks, or who answered in its place."""
        return self._chat.speaker or self._settings.model

    async def name(self, batch: Batch) -> Naming:
        """Decisions named blind, those of contrasted groups, and those of sessions that nobody graded."""
        asker = self._asker()
        namer = await asyncio.to_thread(
            PredicateNamer, self._source, self._prompts.predicates.text.strip(), selection.read_so_far(batch)
        )
        names = _Names(KnownDecisions.of(batch.codebook), namer)
        await self._name_points(asker, batch, names)
        groups = selection.contrasted(batch)
        for start in range(0, len(groups), WAVE):
            await self._contrast(asker, batch, groups[start : start + WAVE], names)
        await self._read_sessions(asker, batch, names)
        new = sum(named.decision.id == named.decision.key for named in names.decisions)
        note = f"{number_of(new, 'decision')} named; {number_of(len(groups), 'group')} contrasted."
        return Naming(
            decisions=(*names.decisions, *await asyncio.to_thread(cut_decisions, batch, names.decisions)),
            refusals=tuple(names.refusals),
            failures=tuple(names.failures),
            cost=asker.cost,
            note=" ".join(filter(None, (note, *names.remarks, namer.remark))),
        )

    def codes(self, decision: Decision) -> bool:
        """Whether the decision is in words."""
        return predicate_in(decision.key) is None and not decision.speaks_for_itself

    async def code(self, batch: Batch, missing: Mapping[str, Sequence[Decision]]) -> Coding:
        """The letters of the claimed attempts, and of the newest earlier ones at decisions that are new."""
        asker = self._asker()
        settled = {entry.decision.id for entry in batch.codebook if selection.is_settled(entry)}
        open_ones = {each: [one for one in some if one.id not in settled] for each, some in missing.items()}

        before = filter(selection.is_graded, selection.earlier(batch))
        older = [each for each in before if selection.may_meet(each, open_ones.get(each.trajectory.id, ()))]
        own = filter(selection.is_graded, selection.claimed(batch))
        read = [*older[-selection.BACKFILLED :], *own][-selection.CODED_AT_ONCE :]
        told = await self._sheets(asker, batch, coding.sheets(asker, read, open_ones))
        wanted = {(decision.id, each) for each, decisions in open_ones.items() for decision in decisions}
        letters = (code for code in told.codes if (code.decision_id, code.trajectory_id) in wanted)
        return Coding(tuple(letters), told.failures, asker.cost)

    async def reread(self, batch: Batch, doubtful: Mapping[str, Sequence[Decision]]) -> Coding:
        """The letters of these attempts once more, now and then; what cannot be had now stays as it was told."""
        if not selection.is_reread(batch):
            return Coding()
        asker = self._asker()
        attempts = [each for each in selection.read_so_far(batch) if each.trajectory.id in doubtful]
        told = await self._sheets(asker, batch, coding.sheets(asker, attempts, doubtful))
        return Coding(told.codes, cost=asker.cost)

    async def write(self, batch: Batch, wordings: Sequence[Wording]) -> Writing:
        """The model's sentence for each, and a template's where it has none that can be taken."""
        asker = self._asker()
        texts = {each.decision.id: lesson_of(each.decision, each.letter) for each in wordings}
        try:
            written = await wording.sentences(asker, self._prompts.wording, batch.library.settings, wordings)
        except (ModelError, BudgetExceeded):
            return Writing(texts, asker.cost)  # the templates' words do until a later run
        return Writing(texts | written, asker.cost)

    def _asker(self) -> Asker:
        return Asker(self._chat, self._settings, self._prompts.repair)

    async def _name_points(self, asker: Asker, batch: Batch, names: _Names) -> None:
        """Blind calls, one after the other, until two add nothing. One that fails is said, and harms no group."""
        silent = 0
        for call in selection.blind_calls(batch):
            attempts = call[-self._at_once(points.POINT_TOKENS, len(call)) :]
            try:
                found = await points.named_points(
                    asker, self._prompts.points, batch.library.settings, attempts, names.known, names.namer
                )
            except (ModelError, BudgetExceeded) as error:
                names.remarks.append(f"Points were not named: {error}")
                return
            shown = len(names.known.labelled)
            names.take(Naming(tuple(map(NamedDecision, found))))
            silent = silent + 1 if len(names.known.labelled) == shown else 0
            if silent == 2:
                return

    async def _contrast(self, asker: Asker, batch: Batch, groups: Sequence[GroupAttempts], names: _Names) -> None:
        """Some groups side by side; one group's failure leaves the others alone."""
        shown = names.known.labelled

        def asked(group: GroupAttempts) -> Callable[[int], Awaitable[Naming]]:
            task = contrast.Contrast(group, batch.library.settings, shown, names.namer)
            return lambda budget: contrast.contrast(asker, self._prompts.contrast, names.known, task, budget)

        outcomes = await together([self._squeezed(group, asked(group)) for group in groups])
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                names.failures.append(outcome)
            else:
                names.take(outcome)

    async def _squeezed(self, group: GroupAttempts, ask: Callable[[int], Awaitable[Naming]]) -> Naming | Failure:
        """One group, in half the room where the endpoint finds the prompt too long."""
        name = group.group.id
        try:
            try:
                return await ask(self._settings.prompt_tokens)
            except PromptTooLong:
                return await ask(self._settings.prompt_tokens // _SQUEEZED)
        except PromptTooLong as error:
            return Failure(name, str(error), retry=False)
        except ModelAnswerInvalid as error:
            return Failure(name, str(error))
        except _OUTAGES as error:
            return Failure(name, str(error), counts=False)

    async def _read_sessions(self, asker: Asker, batch: Batch, names: _Names) -> None:
        """Sessions in batches, one after the other, so that each sees what the earlier ones taught."""
        unread = selection.unread_sessions(batch)
        size = self._at_once(SESSION_TOKENS, SESSIONS_AT_ONCE)
        for start in range(0, len(unread), size):
            read = unread[start : start + size]
            try:
                found = await sessions.read_sessions(
                    asker, self._prompts.sessions, batch.library.settings, read, names.known, names.namer
                )
            except (ModelError, BudgetExceeded) as error:
                names.failures += _failures(batch, read, error)
            else:
                names.take(found)

    def _at_once(self, tokens: int, most: int) -> int:
        """How many attempts of so many tokens a prompt has room for, at most `most`."""
        return max(1, min(most, (self._settings.prompt_tokens - _INSTRUCTION_TOKENS) // tokens))

    async def _sheets(self, asker: Asker, batch: Batch, sheets: Sequence[coding.Sheet]) -> _Coded:
        """All sheets side by side; one that fails is a failure of the claimed groups on it."""
        tries = max((group.group.tries for group in batch.groups), default=0)

        async def one(sheet: coding.Sheet) -> _Coded:
            try:
                return _Coded(await coding.coded(asker, self._prompts.codes, sheet, tries))
            except (ModelError, BudgetExceeded) as error:
                return _Coded(failures=_failures(batch, sheet.attempts.values(), error))

        outcomes = await together([one(sheet) for sheet in sheets])
        return _Coded(
            tuple(code for outcome in outcomes for code in outcome.codes),
            tuple(failure for outcome in outcomes for failure in outcome.failures),
        )


@dataclass(frozen=True, slots=True)
class _Coded:
    """What coding gave."""

    codes: tuple[Code, ...] = ()
    failures: tuple[Failure, ...] = ()


def model_analyst(chat: Chat, settings: ModelSettings, prompts: Prompts | None = None) -> Analyst:
    """The analyst with a language model: the grammar beside it, and for what the model cannot say."""
    grammar, model = GrammarParts(), ModelParts(chat, settings, prompts)
    parts = (grammar, model)
    return Analyst("model", parts, parts, model, BATCH_GROUPS, model=lambda: model.speaker, rereader=model)


def agent_analyst(chat: Chat, settings: ModelSettings, prompts: Prompts, batch_groups: int) -> Analyst:
    """The analyst with attached agents in the model's place; templates write, so that no request waits for the fit."""
    grammar, agent = GrammarParts(), ModelParts(chat, settings, prompts, source="agent")
    return Analyst("agent", (grammar, agent), (grammar, agent), grammar, batch_groups, model=lambda: agent.speaker)


def _failures(batch: Batch, attempts: Iterable[Attempt], error: ModelError | BudgetExceeded) -> tuple[Failure, ...]:
    """A failure of each claimed group of these attempts; of all of them where the endpoint or the budget is gone."""
    outage = isinstance(error, _OUTAGES)
    asked = {attempt.trajectory.group_id for attempt in attempts}
    groups = [group.group.id for group in batch.groups if outage or group.group.id in asked]
    return tuple(Failure(group_id, str(error), counts=not outage) for group_id in groups)
