"""Reading sessions that nobody graded: what the person said, what failed and was cured, what a check refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from explib.models.decisions import Decision
from explib.models.libraries import LibrarySettings
from explib.models.revisions import Operation, Refusal
from explib.models.trajectories import Attempt
from explib.text.words import limit_problem, normalise_task
from explib_learner.analyst import NamedDecision, Naming
from explib_learner.checks.injection import injection_in
from explib_learner.model.asker import Asker, Checked
from explib_learner.model.forms import LETTERS, SessionLessonAnswer, SessionsAnswer
from explib_learner.model.in_code import PredicateNamer
from explib_learner.model.known import KnownDecisions, decision_in_words
from explib_learner.prompting.acts import session_texts
from explib_learner.prompting.files import PromptFile
from explib_learner.prompting.library_text import learning_objective_text, objective_text

PLACEHOLDERS = frozenset({"objective", "learning_objective", "max_words", "predicates", "known", "attempts"})


async def read_sessions(
    asker: Asker,
    prompt: PromptFile,
    library: LibrarySettings,
    sessions: Sequence[Attempt],
    known: KnownDecisions,
    namer: PredicateNamer,
) -> Naming:
    """The lessons of these sessions as decisions; all are candidates. Raises what `Asker.settle` raises."""
    labelled = {f"A{at + 1}": session for at, session in enumerate(sessions)}
    values = {
        "objective": objective_text(library.objective),
        "learning_objective": learning_objective_text(library.learning_objective),
        "max_words": str(library.max_words),
        "predicates": namer.how,
        "known": known.text(),
        "attempts": await asyncio.to_thread(session_texts, tuple(labelled.items())),
    }
    question = asker.question("sessions", prompt, SessionsAnswer, values)
    shown = known.labelled

    def check(answer: SessionsAnswer) -> Checked[Naming]:
        decisions: list[NamedDecision] = []
        refusals: list[Refusal] = []
        for lesson in answer.lessons:
            problem = _problem(lesson, labelled, shown, library)
            if problem is None:
                decisions.append(_named(lesson, labelled, shown.get(lesson.known or ""), namer))
            else:
                refusals.append(Refusal(Operation("ADD", lesson.reason, content=lesson.lesson or None), problem))
        problems = tuple(f"“{each.operation.content or ''}”: {each.reason}" for each in refusals)
        return Checked(Naming(tuple(decisions), tuple(refusals)), problems)

    return await asker.settle(question, SessionsAnswer, check, tries=0)


def _problem(
    lesson: SessionLessonAnswer,
    labelled: Mapping[str, Attempt],
    known: Mapping[str, Decision],
    library: LibrarySettings,
) -> str | None:
    """Why the lesson cannot be taken, or None."""
    cited = lesson.cited
    unknown = [label for label in cited if label not in labelled]
    if unknown or not cited:
        return f"it cites {unknown[0]}, which is none of the sessions" if unknown else "it cites no session"
    decision = known.get(lesson.known or "")
    letters = [option.letter for option in decision.options] if decision else LETTERS[: len(lesson.options)]
    if decision is None and not (lesson.situation.strip() and len({option.does for option in lesson.options}) >= 2):
        return "it needs a situation and two to four different options"
    if lesson.better is None or lesson.better not in letters or not lesson.lesson.strip():
        return "it needs a lesson, and the letter of its better option"
    if lesson.kind == "said" and not _was_said(lesson.quote, [labelled[label] for label in cited]):
        return "its quote is not what the person said in the sessions that it cites: quote word for word"
    return limit_problem(lesson.lesson, library.max_words) or injection_in(lesson.lesson)


def _was_said(quote: str, sessions: Sequence[Attempt]) -> bool:
    """Whether the person said so in one of the sessions: words of tools and of the agent don't count."""
    wanted = normalise_task(quote.strip(" \"'“”…."))
    turns = (normalise_task(step.text) for each in sessions for step in each.steps if step.role == "user")
    return bool(wanted) and any(wanted in turn for turn in turns)


def _named(
    lesson: SessionLessonAnswer, labelled: Mapping[str, Attempt], known: Decision | None, namer: PredicateNamer
) -> NamedDecision:
    """The decision: a known one, by its predicate, else in words."""
    said = lesson.quote if lesson.kind == "said" else ""
    named = namer.named(lesson, labelled, ()) if known is None else None
    if named is None or not named.letters:
        options = [option.does for option in lesson.options[: len(LETTERS)]]
        decision = known or decision_in_words(namer.source, lesson.situation, options, (), labelled.values())
        named = NamedDecision(decision, lesson.letters(labelled), better=lesson.better)
    reason = f"The person said: “{said}”" if said else lesson.reason
    return replace(named, lesson=lesson.lesson, reason=reason, said=said)
