"""What a model names, told by code where its predicate holds what its words say, else in words, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from explib.models.decisions import Decision, DecisionSource
from explib.models.trajectories import Attempt
from explib.text.words import number_of
from explib_learner.analyst import NamedDecision
from explib_learner.grammar.coding import letter
from explib_learner.grammar.keys import Names, predicate_of
from explib_learner.grammar.reading import Reading
from explib_learner.grammar.trace import trace_of
from explib_learner.model.forms import DecisionAnswer
from explib_learner.model.predicates import decision_in_code

MOST_READ = 200
"""Attempts, the newest, among which a predicate must vary."""
_SHOWN_REASONS = 3
_AS_SAID = {"a": "a", "b": "b"}
_TURNED = {"a": "b", "b": "a"}


class PredicateNamer:
    """Reads written predicates against a library's newest attempts."""

    def __init__(self, source: DecisionSource, how: str, attempts: Sequence[Attempt]) -> None:
        self.how = how
        """How a predicate is written, for a model."""
        self.source: DecisionSource = source
        self.reasons: dict[str, None] = {}
        """Why what has a predicate is told in words all the same, each once."""
        newest = attempts[-MOST_READ:]
        self._readings = {each.trajectory.id: Reading(trace_of(each)) for each in newest}

    @property
    def remark(self) -> str:
        """What is said of predicates that nothing became of."""
        shown = "; ".join(list(self.reasons)[:_SHOWN_REASONS])
        return f"{number_of(len(self.reasons), 'predicate')} told in words: {shown}." if shown else ""

    def named_blind(self, text: str) -> Decision | None:
        """The decision of a predicate that was named without rewards; None where words have to do."""
        try:
            return self._decision(text) if text else None
        except ValueError as error:
            self.reasons[str(error)] = None
            return None

    def named(self, answer: DecisionAnswer, labelled: Mapping[str, Attempt], named_from: Names) -> NamedDecision | None:
        """The decision with its letters and the better option by code, without letters where its bound is open.

        None where words have to do, as where code tells the cited attempts apart in another way than the answer does.
        """
        decision = self.named_blind(answer.predicate)
        if decision is None:
            return None
        decision = replace(decision, named_from=named_from)
        predicate = predicate_of(decision.key)
        if predicate.is_open:
            return NamedDecision(decision)
        said = answer.letters(labelled)
        read = {attempt.trajectory.id: attempt for attempt in labelled.values()}
        told = {each: code for each in said if (code := letter(predicate, self._reading(read[each]))) is not None}
        pairs = {(said[each], code) for each, code in told.items()}
        letters = next((turn for turn in (_AS_SAID, _TURNED) if pairs == set(turn.items())), None)
        if letters is None or len(answer.options) != len(letters):
            self.reasons[f"`{answer.predicate}` tells the attempts apart in another way than the options do"] = None
            return None
        return NamedDecision(decision, told, better=letters.get(answer.better or ""), reason=answer.reason)

    def _decision(self, text: str) -> Decision:
        return decision_in_code(text, self.source, tuple(self._readings.values()))

    def _reading(self, attempt: Attempt) -> Reading:
        return self._readings.get(attempt.trajectory.id) or Reading(trace_of(attempt))
