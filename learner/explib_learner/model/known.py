"""The decisions that a model is shown, under labels, and recognising one that says nearly the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from explib.models.decisions import CodebookEntry, Decision, DecisionSource, Option
from explib.models.trajectories import Attempt
from explib.text.words import normalise_task, terms
from explib_learner.analyst import NamedDecision
from explib_learner.checks.operations import similarity
from explib_learner.grammar.coding import predicate_in
from explib_learner.model.forms import LETTERS
from explib_learner.prompting.fences import fenced

NEARLY_THE_SAME = 0.9
"""Share of common terms (Jaccard) of situation and options from which two decisions are the same: one other noun makes
another decision. What is the same in other words, the model says."""
MOST_SHOWN = 120
"""Decisions in one prompt, the newest."""


def key_of(situation: str, options: Sequence[str]) -> str:
    """The canonical form of a decision in words: case, punctuation and order of options are made the same."""
    words = [" ".join(terms(text)) or normalise_task(text) for text in (situation, *options)]
    return f"{words[0]}: " + " | ".join(sorted(words[1:]))


def decision_in_words(
    source: DecisionSource,
    situation: str,
    options: Sequence[str],
    named_from: Sequence[str],
    attempts: Iterable[Attempt],
) -> Decision:
    """A new decision, of the attempts' tools that its words name. Its id is its key until the codebook gives it one."""
    situation = _bare(situation).removeprefix("When ").removeprefix("when ")
    texts = [_bare(option) for option in options]
    said = " ".join((situation, *texts))
    key = key_of(situation, texts)
    used = {call.name for attempt in attempts for step in attempt.steps for call in step.calls}
    return Decision(
        id=key,
        key=key,
        source=source,
        situation=situation,
        options=tuple(Option(letter, text) for letter, text in zip(LETTERS, texts, strict=False)),
        named_from=tuple(named_from),
        tools=tuple(sorted(name for name in used if name in said)),
    )


class KnownDecisions:
    """Decisions under the labels D1, D2, …; the order is that in which they were named, so labels don't move."""

    def __init__(self, decisions: Iterable[Decision] = ()) -> None:
        self._decisions = list(decisions)

    @classmethod
    def of(cls, codebook: Iterable[CodebookEntry]) -> KnownDecisions:
        """Those of a library that were named in words, and those of the grammar that the attempts speak for."""
        return cls(
            entry.decision
            for entry in codebook
            if entry.decision.source != "grammar" or (entry.verdict is not None and entry.verdict.state != "unknown")
        )

    def add(self, decision: Decision) -> None:
        """Show one more from now on."""
        if decision.key not in {each.key for each in self._decisions}:
            self._decisions.append(decision)

    @property
    def labelled(self) -> Mapping[str, Decision]:
        """The decisions that are shown, by label."""
        labelled = {f"D{at + 1}": decision for at, decision in enumerate(self._decisions)}
        return dict(list(labelled.items())[-MOST_SHOWN:])

    def text(self) -> str:
        """The decisions a line each, fenced, or `(none)`."""
        return codebook_text(self.labelled)

    def recognised(self, named: NamedDecision) -> NamedDecision:
        """The decision, or the earlier one that says the same: in this run with both one's letters, else without."""
        decision = named.decision
        if decision.id != decision.key or predicate_in(decision.key) is not None:
            return named
        near = self.nearest(decision.situation, [option.text for option in decision.options])
        if near is None:
            return named
        earlier, letters = near
        better = letters.get(named.better or "")
        if earlier.id != earlier.key:  # the library's own: its letters are told blind
            return replace(named, decision=earlier, letters={}, better=better)
        told = {attempt: letters[letter] for attempt, letter in named.letters.items()}
        return replace(named, decision=replace(earlier, named_from=decision.named_from), letters=told, better=better)

    def nearest(self, situation: str, options: Sequence[str]) -> tuple[Decision, dict[str, str]] | None:
        """The decision that says the same, with its letter for each of these options' letters; None for a new one."""
        said = set(terms(" ".join((situation, *options))))
        for decision in reversed(self._decisions):
            if predicate_in(decision.key) is not None:
                continue
            texts = [option.text for option in decision.options]
            own = set(terms(" ".join((decision.situation, *texts))))
            if said and len(said & own) >= NEARLY_THE_SAME * len(said | own):
                letters = _matched(options, decision)
                if letters is not None:
                    return decision, letters
        return None


def codebook_text(labelled: Mapping[str, Decision]) -> str:
    """Decisions a line each: `D1 when …: a) … b) …`."""
    lines = [
        f"{label} when {decision.situation}: "
        + " ".join(f"{option.letter}) {option.text};" for option in decision.options).rstrip(";")
        for label, decision in labelled.items()
    ]
    return fenced("decisions", "\n".join(lines)) if lines else "(none)"


def _matched(options: Sequence[str], decision: Decision) -> dict[str, str] | None:
    """Letter by letter the options that share most terms; None where two want the same."""
    letters = {letter: _likest(text, decision.options) for letter, text in zip(LETTERS, options, strict=False)}
    return letters if len(set(letters.values())) == len(letters) else None


def _likest(text: str, options: Sequence[Option]) -> str:
    return max(options, key=lambda option: similarity(text, option.text)).letter


def _bare(text: str) -> str:
    return " ".join(text.split()).rstrip(".;,")
