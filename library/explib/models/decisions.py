"""Decisions: situations in which attempts act in different ways, what each attempt did, and what the fit says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

DecisionSource: TypeAlias = Literal["grammar", "model", "agent", "person"]
VerdictState: TypeAlias = Literal["believed", "candidate", "one of", "unknown"]

UNCLEAR = "?"
"""The letter of a code whose situation was met, but whose option cannot be told."""
CURED = "c"
"""The letter of an attempt that did otherwise, failed, and then took the option that works."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way to act in a decision's situation. The letter is stable inside its decision."""

    letter: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A situation with its options, an entry of a library's codebook. The id is never reused."""

    id: str
    key: str
    """Unique in the library: two decisions with one key are the same decision, e.g. a predicate in canonical form."""
    source: DecisionSource
    situation: str
    options: tuple[Option, ...]
    parent: tuple[str, str] | None = None
    """Id and letter of the option that an attempt must have taken to meet this situation."""
    named_from: tuple[str, ...] = ()
    """Ids of groups whose rewards were in view when it was named: they do not count towards belief in it."""
    tools: tuple[str, ...] = ()
    """Names of the tools that its situation and options speak of."""
    speaks_for_itself: bool = False
    """Its evidence lies inside single attempts, e.g. a failure and its cure: the joint fit has no word on it."""


@dataclass(frozen=True, slots=True)
class Code:
    """The option that an attempt took at a decision whose situation it met, judged blind to its reward."""

    decision_id: str
    trajectory_id: str
    letter: str


@dataclass(frozen=True, slots=True)
class GradedAttempt:
    """As much of a graded attempt as the fit reads. `reward` is scaled to 0..1 of the library's range."""

    trajectory_id: str
    reward: float
    group_id: str | None = None
    """None for a lone attempt: those form one stratum."""
    source: str = "environment"
    """Who says so (a reward source of design.md): noise is estimated for each."""
    weight: float = 1.0
    """Trust in the source, above 0 and at most 1."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The joint fit's newest word on a decision. Effects are shares of the reward's range."""

    decision_id: str
    state: VerdictState
    inclusion: float
    """Probability that the decision matters, 0 to 1."""
    better: str | None
    """Letter of the option with the highest effect, None where nothing can be said."""
    effect: float
    """Effect of the better option minus the use-weighted mean of the others."""
    low: float
    high: float
    """95 % interval of `effect`."""
    sign_probability: float
    """P(effect > 0) where the decision matters."""
    followed: int
    """Attempts that took the better option, in strata where the options vary."""
    others: int
    """Attempts that took another one there."""
    groups: int
    """Groups in which the options vary."""
    lone: int
    """Lone attempts that met the situation."""
    witnesses: int
    """Attempts of the less used side in strata where the options vary."""
    rivals: tuple[str, ...] = ()
    """Ids of decisions that can't be told apart from this one."""
    merged_into: str | None = None
    """Id of an earlier decision that splits the attempts in the same way and speaks for both: one lesson, not two."""


@dataclass(frozen=True, slots=True)
class CodebookEntry:
    """A decision of a library with its newest verdict; None before the first."""

    decision: Decision
    verdict: Verdict | None = None
    weak_runs: int = 0
    """Learning runs in a row that no longer bear out what a lesson recommends."""


@dataclass(frozen=True, slots=True)
class CodebookUpdate:
    """Everything that one learning run brings to a codebook."""

    entries: tuple[CodebookEntry, ...] = ()
    """New decisions, and those with a new verdict."""
    codes: tuple[Code, ...] = ()
    """New codes; a code of the same attempt and decision is replaced."""


NO_NEWS = CodebookUpdate()
"""The update of a run that learned nothing about decisions."""
