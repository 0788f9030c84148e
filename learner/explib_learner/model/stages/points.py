"""Naming decision points blind: from attempts without their rewards, generous, only what is new."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from explib.models.decisions import Decision
from explib.models.libraries import LibrarySettings
from explib.models.trajectories import Attempt
from explib_learner.model.asker import Asker, Checked
from explib_learner.model.forms import LETTERS, PointsAnswer
from explib_learner.model.in_code import PredicateNamer
from explib_learner.model.known import KnownDecisions, decision_in_words
from explib_learner.prompting.acts import blind_texts
from explib_learner.prompting.files import PromptFile
from explib_learner.prompting.library_text import objective_text

PLACEHOLDERS = frozenset({"objective", "predicates", "known", "attempts"})
POINT_TOKENS = 320
"""Of one attempt."""


async def named_points(
    asker: Asker,
    prompt: PromptFile,
    library: LibrarySettings,
    attempts: Sequence[Attempt],
    known: KnownDecisions,
    namer: PredicateNamer,
) -> tuple[Decision, ...]:
    """The points that these attempts show and `known` does not have. Raises what `Asker.settle` raises."""
    labelled = [(f"A{at + 1}", attempt) for at, attempt in enumerate(attempts)]
    values = {
        "objective": objective_text(library.objective),
        "predicates": namer.how,
        "known": known.text(),
        "attempts": await asyncio.to_thread(blind_texts, labelled, POINT_TOKENS),
    }
    question = asker.question("points", prompt, PointsAnswer, values)

    def check(answer: PointsAnswer) -> Checked[tuple[Decision, ...]]:
        return Checked(
            tuple(
                namer.named_blind(point.predicate)
                or decision_in_words(namer.source, point.situation, point.options[: len(LETTERS)], (), attempts)
                for point in answer.points
                if point.situation.strip() and len(set(point.options)) >= 2
            )
        )

    return await asker.settle(question, PointsAnswer, check, tries=0)
