"""The `model` analyst: a language model says why some attempts of a group went better than others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from explib.errors import BudgetExceeded, ModelAnswerInvalid, ModelMisconfigured, ModelUnavailable, PromptTooLong
from explib.models.groups import GradedGroup
from explib.models.revisions import Operation, Refusal
from explib.models.trajectories import Attempt
from explib.text.words import number_of
from explib_learner.analyst import Analysis, Batch, Failure
from explib_learner.model.asker import REPAIR_PLACEHOLDERS, Asker, Chat, ModelSettings, together
from explib_learner.model.stages import advantage, consolidate, summarise
from explib_learner.prompting.files import FOLDER, PromptFile, load_prompt

BATCH_GROUPS = 16
FORMS: Mapping[str, type[BaseModel]] = {
    "summarise": summarise.SummaryAnswer,
    "advantage": advantage.AdvantageAnswer,
    "consolidate": consolidate.ConsolidationAnswer,
}
"""What is answered to each step."""
_SQUEEZED = 2
"""A prompt that the endpoint finds too long is asked once more in a budget divided by this."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of the steps."""

    summarise: PromptFile
    advantage: PromptFile
    consolidate: PromptFile
    repair: PromptFile

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Prompts:
        """Load and check all of them. Raises PromptFileError."""
        return cls(
            load_prompt("summarise", summarise.PLACEHOLDERS, folder),
            load_prompt("advantage", advantage.PLACEHOLDERS, folder),
            load_prompt("consolidate", consolidate.PLACEHOLDERS, folder),
            load_prompt("repair", REPAIR_PLACEHOLDERS, folder),
        )


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one group gave."""

    operations: tuple[Operation, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    failure: Failure | None = None


class ModelAnalyst:
    """Contrasts each group's attempts with a model and consolidates what it proposes; implements `Analyst`."""

    def __init__(
        self,
        chat: Chat,
        settings: ModelSettings,
        prompts: Prompts | None = None,
        name: str = "model",
        batch_groups: int = BATCH_GROUPS,
    ) -> None:
        self._chat = chat
        self._batch_groups = batch_groups
        self._settings = settings
        self._prompts = prompts or Prompts.load()
        self._name = name

    @property
    def name(self) -> str:
        """`model`, or another name where another than an endpoint answers the requests."""
        return self._name

    @property
    def model(self) -> str:
        """Which model speaks, or who answered in its place."""
        return self._chat.speaker or self._settings.model

    @property
    def batch_groups(self) -> int:
        """What one consolidation can read."""
        return self._batch_groups

    @property
    def reads_history(self) -> bool:
        """A model looks at each group by itself."""
        return False

    async def advantages(self, batch: Batch) -> Analysis:
        """Every group's semantic advantage, the groups side by side; one group's failure leaves the others alone."""
        asker = self._asker()
        outcomes = await together([self._contrasted(asker, batch, group) for group in batch.groups])
        operations = tuple(operation for outcome in outcomes for operation in outcome.operations)
        lessons = sum(operation.kind != "KEEP" for operation in operations)
        contrasted = sum(outcome.failure is None for outcome in outcomes)
        return Analysis(
            operations=operations,
            refusals=tuple(refusal for outcome in outcomes for refusal in outcome.refusals),
            failures=tuple(outcome.failure for outcome in outcomes if outcome.failure is not None),
            cost=asker.cost,
            note=f"{number_of(lessons, 'proposal')} from {number_of(contrasted, 'contrasted group')}.",
        )

    async def consolidate(self, batch: Batch, operations: tuple[Operation, ...]) -> Analysis:
        """The operations fitted into the library; where that fails, the whole batch is tried again later."""
        asker = self._asker()
        task = consolidate.Consolidation(
            library=batch.library.settings,
            experiences=batch.experiences,
            attempts=_attempts(batch),
            operations=operations,
            tries=max((group.group.tries for group in batch.groups), default=0),
        )
        try:
            kept, refused = await consolidate.consolidate(asker, self._prompts.consolidate, task)
        except (ModelAnswerInvalid, PromptTooLong) as error:
            failures = tuple(Failure(group.group.id, str(error)) for group in batch.groups)
            return Analysis(failures=failures, cost=asker.cost)
        except (ModelUnavailable, ModelMisconfigured, BudgetExceeded) as error:
            failures = tuple(Failure(group.group.id, str(error), counts=False) for group in batch.groups)
            return Analysis(failures=failures, cost=asker.cost)
        return Analysis(operations=kept, refusals=refused, cost=asker.cost)

    def _asker(self) -> Asker:
        return Asker(self._chat, self._settings, self._prompts.repair)

    async def _contrasted(self, asker: Asker, batch: Batch, group: GradedGroup) -> _Outcome:
        """One group, in half the room where the endpoint finds the prompt too long."""
        name = group.group.id
        try:
            try:
                checked = await self._advantage(asker, batch, group, self._settings.prompt_tokens)
            except PromptTooLong:
                checked = await self._advantage(asker, batch, group, self._settings.prompt_tokens // _SQUEEZED)
        except PromptTooLong as error:
            return _Outcome(failure=Failure(name, str(error), retry=False))
        except ModelAnswerInvalid as error:
            return _Outcome(failure=Failure(name, str(error)))
        except (ModelUnavailable, ModelMisconfigured, BudgetExceeded) as error:
            return _Outcome(failure=Failure(name, str(error), counts=False))
        return _Outcome(*checked)

    async def _advantage(self, asker: Asker, batch: Batch, group: GradedGroup, budget: int) -> advantage.Checked:
        library = batch.library.settings

        async def summary(attempt: Attempt) -> str:
            prompt = self._prompts.summarise
            return await summarise.summarise(asker, prompt, attempt, library, group.group.tries, budget)

        contrast = advantage.Contrast(group, library, batch.experiences)
        return await advantage.semantic_advantage(asker, self._prompts.advantage, contrast, summary, budget)


def _attempts(batch: Batch) -> dict[str, Attempt]:
    groups = (*batch.history, *batch.groups)
    return {attempt.trajectory.id: attempt for group in groups for attempt in group.attempts}
