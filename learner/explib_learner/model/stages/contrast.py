"""The semantic advantage of one group: which decisions made its attempts differ, with the rewards in view.

The attempts are read in one call, each cut to its share where they do not fit together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from explib.models.decisions import Decision
from explib.models.groups import GroupAttempts
from explib.models.libraries import LibrarySettings
from explib.models.revisions import Citation, Operation, Refusal
from explib.models.trajectories import Attempt
from explib_learner.analyst import NamedDecision, Naming
from explib_learner.checks.operations import OperationCheck
from explib_learner.model.asker import Asker, Checked
from explib_learner.model.chat import ChatRequest
from explib_learner.model.forms import LETTERS, ContrastAnswer, DecisionAnswer
from explib_learner.model.in_code import PredicateNamer
from explib_learner.model.known import KnownDecisions, decision_in_words
from explib_learner.prompting.fences import fenced
from explib_learner.prompting.files import PromptFile
from explib_learner.prompting.library_text import learning_objective_text, objective_text
from explib_learner.prompting.transcripts import number, read_together, standing, transcribe
from explib_learner.prompting.truncation import clipped_to_tokens

PLACEHOLDERS = frozenset(
    {
        "objective",
        "learning_objective",
        "max_words",
        "predicates",
        "known",
        "task",
        "truth",
        "mean",
        "results",
        "attempts",
    }
)
_GROUP_SIZES_READ = 2
"""At most so many times the library's group size of attempts are read at once."""
_TASK_SHARE = 6
"""The task, and the ground truth, get at most one part in so many of the prompt."""
ATTEMPT_TOKENS = 500
"""Of one attempt, and of all that attempts share: most attempts are shorter, of longer ones tools' results are cut."""
FLOOR = 120
"""Characters that a text keeps: every call shall be seen."""
_LEAST_TOKENS = 200
"""The same where a prompt is squeezed."""
_FENCE_TOKENS = 60


@dataclass(frozen=True, slots=True)
class Contrast:
    """One group to be contrasted, with what is known so far."""

    group: GroupAttempts
    library: LibrarySettings
    known: Mapping[str, Decision]
    """By the labels that are shown."""
    namer: PredicateNamer

    def labelled(self, most: int) -> dict[str, Attempt]:
        """At most so many attempts, by the labels that the model cites."""
        return {f"A{at + 1}": attempt for at, attempt in enumerate(read_together(self.group.graded, most))}


async def contrast(asker: Asker, prompt: PromptFile, known: KnownDecisions, task: Contrast, budget: int) -> Naming:
    """The group's decisions; a prompt has at most `budget` tokens. Raises what `Asker.settle` raises."""
    question, labelled = await asyncio.to_thread(_question, asker, prompt, known, task, budget)
    return await asker.settle(
        question, ContrastAnswer, lambda answer: checked(answer.decisions, labelled, task), task.group.group.tries
    )


def _question(
    asker: Asker, prompt: PromptFile, known: KnownDecisions, task: Contrast, budget: int
) -> tuple[ChatRequest, dict[str, Attempt]]:
    most = _GROUP_SIZES_READ * task.library.group_size
    values = _values(known, task, task.labelled(most), budget)
    room = budget - asker.question("contrast", prompt, ContrastAnswer, values).prompt_tokens
    labelled = task.labelled(min(most, max(2, room // (_LEAST_TOKENS + _FENCE_TOKENS))))
    most_each = ATTEMPT_TOKENS * budget // asker.settings.prompt_tokens  # a squeezed prompt cuts each attempt shorter
    values |= {"results": _results(labelled, task), "attempts": _attempts_text(labelled, task, room, most_each)}
    return asker.question("contrast", prompt, ContrastAnswer, values), labelled


def _attempts_text(labelled: Mapping[str, Attempt], task: Contrast, room: int, most_each: int) -> str:
    """The attempts side by side, what they share stated once; each, and all that is shared, has at most `most_each`."""
    read = transcribe(tuple(labelled.items()), task.group.group.task)
    parts = len(labelled) + bool(read.shared)
    fences = _FENCE_TOKENS * (1 + len(labelled) + len(read.shared))
    share = max(_LEAST_TOKENS, min(most_each, (room - fences) // parts))
    shared = ["Stated once, referred to in the attempts:", read.shared_text(share)] if read.shared else []
    return "\n".join([*shared, "The attempts:", *(attempt.text(share, FLOOR) for attempt in read.attempts)])


def _results(labelled: Mapping[str, Attempt], task: Contrast) -> str:
    stands = standing(task.group.graded)
    return "\n".join(f"{label}: {stands.line(each.reward)}" for label, each in labelled.items())


def _values(known: KnownDecisions, task: Contrast, labelled: Mapping[str, Attempt], budget: int) -> dict[str, str]:
    truths = dict.fromkeys(each.trajectory.ground_truth or "" for each in task.group.graded)
    truth = "\n".join(filter(None, truths))
    return {
        "objective": objective_text(task.library.objective),
        "learning_objective": learning_objective_text(task.library.learning_objective),
        "max_words": str(task.library.max_words),
        "predicates": task.namer.how,
        "known": known.text(),
        "task": fenced("task", clipped_to_tokens(task.group.group.task, budget // _TASK_SHARE)),
        "truth": fenced("ground-truth", clipped_to_tokens(truth, budget // _TASK_SHARE)) if truth else "(not known)",
        "mean": number(standing(task.group.graded).mean),
        "results": _results(labelled, task),
        "attempts": "",
    }


def checked(answers: Sequence[DecisionAnswer], labelled: Mapping[str, Attempt], task: Contrast) -> Checked[Naming]:
    """The decisions that can be taken, and the others with what is wrong with each."""
    attempts = {attempt.trajectory.id: attempt for attempt in task.group.attempts}
    check = OperationCheck((), attempts, task.library)
    decisions: list[NamedDecision] = []
    refusals: list[Refusal] = []
    for answer in answers:
        operation = _operation(answer, labelled)
        wrong = _misshapen(answer, labelled, task.known)
        if wrong is None:
            against = _misplaced(answer, labelled) or check.worth_repairing(operation) if answer.lesson else None
            decisions += _named(answer, labelled, task, lesson=against is None)
            wrong = against
        if wrong is not None:
            refusals.append(Refusal(operation, wrong))
    problems = tuple(f"{_shown(refusal)}: {refusal.reason}" for refusal in refusals)
    return Checked(Naming(tuple(decisions), tuple(refusals)), problems)


def _shown(refusal: Refusal) -> str:
    return f"“{(refusal.operation.content or '(no lesson)')[:80]}”"


def _named(
    answer: DecisionAnswer, labelled: Mapping[str, Attempt], task: Contrast, *, lesson: bool
) -> list[NamedDecision]:
    """The decision: a known one (its attempts are told blind), by its predicate, else in words.

    One whose bound is open waits for its cut, and is told in words meanwhile.
    """
    text, better = (answer.lesson, answer.better) if lesson and answer.lesson else (None, None)
    known = task.known.get(answer.known or "")
    if known is not None:
        return [NamedDecision(known, {}, text, better, answer.reason)]
    named_from = (task.group.group.id,)
    told = task.namer.named(answer, labelled, named_from)
    if told is not None and told.letters:
        return [replace(told, lesson=text, better=told.better if text else None)]
    options = [option.does for option in answer.options]
    decision = decision_in_words(task.namer.source, answer.situation, options, named_from, labelled.values())
    in_words = NamedDecision(decision, answer.letters(labelled), text, better, answer.reason)
    return [in_words] if told is None else [told, in_words]


def _operation(answer: DecisionAnswer, labelled: Mapping[str, Attempt]) -> Operation:
    """The lesson as it would be added, with every attempt that met the situation cited."""
    cited = [label for label in dict.fromkeys(answer.cited) if label in labelled]
    citations = tuple(Citation(labelled[label].trajectory.id, "for") for label in cited)
    content = answer.lesson.strip() or None
    return Operation("ADD", answer.reason.strip(), content=content, citations=citations)


def _misshapen(answer: DecisionAnswer, labelled: Mapping[str, Attempt], known: Mapping[str, Decision]) -> str | None:
    """Why this is no decision, or None."""
    cited = answer.cited
    unknown = [label for label in cited if label not in labelled]
    if unknown:
        return f"it cites {unknown[0]}, which is none of the attempts"
    twice = [label for label in cited if cited.count(label) > 1]
    if twice:
        return f"it has {twice[0]} under two options"
    if answer.known in known:
        return None
    texts = {option.does.strip() for option in answer.options} - {""}
    if not answer.situation.strip() or not 2 <= len(texts) == len(answer.options) <= len(LETTERS):
        return "it needs a situation and two to four different options"
    return None


def _misplaced(answer: DecisionAnswer, labelled: Mapping[str, Attempt]) -> str | None:
    """Why the rewards do not speak for the better option, or None."""
    options = dict(zip(LETTERS, answer.options, strict=False))
    if answer.better not in options:
        return "`better` names none of its options"
    better = options[answer.better].attempts
    others = [label for letter, option in options.items() if letter != answer.better for label in option.attempts]
    if not better:
        return "it cites no attempt that took its better option: nothing shows that it helps"
    if not others:
        return "it cites no attempt that did otherwise: nothing shows that it matters"
    means = [fmean(labelled[label].reward for label in side) for side in (better, others)]
    if means[0] <= means[1]:
        return (
            f"{', '.join(better)} took its better option and have no more reward ({number(means[0])}) than those that "
            f"did otherwise ({number(means[1])})"
        )
    return None
