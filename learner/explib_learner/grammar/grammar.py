"""The grammar as namer and coder: decisions from attempts and rewards, and the option that an attempt took."""

from __future__ import annotations

from collections.abc import Sequence

from explib.models.decisions import Decision, GradedAttempt, Option
from explib_learner.grammar.catalogue import FAMILIES
from explib_learner.grammar.coding import Letter, letter
from explib_learner.grammar.keys import Names, Predicate, id_of, predicate_of
from explib_learner.grammar.reading import Reading
from explib_learner.grammar.search import Search
from explib_learner.grammar.trace import AttemptTrace
from explib_learner.writing.templates import condition_words

MOST_DECISIONS = 60
FEWEST_ATTEMPTS = 12
"""Below, no split can be told from chance."""


class Grammar:
    """Names decisions without a model and codes attempts by them."""

    def name(self, traces: Sequence[AttemptTrace], attempts: Sequence[GradedAttempt]) -> list[Decision]:
        """Name the decisions that stand out from chance, the surest first; none from fewer than 12 attempts.

        `traces` and `attempts` speak of the same attempts in the same order; ValueError where they don't.
        """
        if [trace.trajectory_id for trace in traces] != [attempt.trajectory_id for attempt in attempts]:
            raise ValueError("traces and attempts differ: pass both for the same trajectories in the same order")
        if len(traces) < FEWEST_ATTEMPTS:
            return []
        found = Search([Reading(trace) for trace in traces]).run(attempts, MOST_DECISIONS)
        return [decision_of(each.predicate) for each in found]

    def code(self, decision: Decision, trace: AttemptTrace) -> Letter | None:
        """Tell the option of an attempt, None where it did not meet the situation. ValueError for a foreign key."""
        return self.code_reading(decision, Reading(trace))

    def code_reading(self, decision: Decision, reading: Reading) -> Letter | None:
        """The same of a reading, which keeps for the next decision what one was coded from."""
        return letter(predicate_of(decision.key), reading)


def decision_of(predicate: Predicate) -> Decision:
    """A predicate as a decision, with the words of its family."""
    phrase = FAMILIES[predicate.family].phrase(predicate.names, predicate.test)
    situation = phrase.situation
    if predicate.condition is not None:
        situation = f"{situation} and {condition_words(predicate.condition)}"
    return Decision(
        id=id_of(predicate.key),
        key=predicate.key,
        source="grammar",
        situation=situation,
        options=(Option("a", phrase.yes), Option("b", phrase.no)),
        tools=_tools(predicate),
    )


def _tools(predicate: Predicate) -> tuple[str, ...]:
    """Names of the tools of the situation: where a family's names begin with tools."""
    pairs: dict[str, Names] = {
        "used": predicate.names, "before": predicate.names, "after": predicate.names, "precedes": predicate.names,
        "instead": predicate.names, "beside": predicate.names[1:], "concerning": predicate.names[1:],
        "told": predicate.names[1:2], "around change": predicate.names[2:],
        "ends": (), "answer form": (), "changed": (),
    }  # fmt: skip
    return tuple(name for name in pairs.get(predicate.family, predicate.names[:1]) if name)
