"""The seam between the pipeline and what names decisions, codes attempts and writes lessons.

An `Analyst` is put together from parts: the `grammar` (code, always there) and, where one is configured, a language
model or the attached agent in its place. The judge between them is the same for all: `judging`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from explib.models.decisions import Code, CodebookEntry, Decision, Verdict
from explib.models.experiences import Experience
from explib.models.groups import GroupAttempts
from explib.models.learning import Cost
from explib.models.libraries import Library
from explib.models.revisions import Refusal
from explib.models.trajectories import Attempt


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that one learning run looks at."""

    library: Library
    experiences: tuple[Experience, ...]
    """The library's experiences that are not retired."""
    groups: tuple[GroupAttempts, ...]
    """The groups that this run must learn, each with all its attempts, graded or not."""
    history: tuple[Attempt, ...]
    """The library's newest attempts, those of `groups` included, oldest first."""
    codebook: tuple[CodebookEntry, ...] = ()
    codes: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A group that could not be analysed in this run, and why. It is tried again later, or is dead."""

    group_id: str
    reason: str
    retry: bool = True
    """False where another try cannot help (it counts as the last one)."""
    counts: bool = True
    """False where the group is not to blame (endpoint down, budget spent): the try is not counted."""


@dataclass(frozen=True, slots=True)
class NamedDecision:
    """A decision as a namer found it. Its id is the namer's own; the codebook knows it again by its key."""

    decision: Decision
    letters: Mapping[str, str] = field(default_factory=dict)
    """Trajectory id → option, where naming it told that already."""
    lesson: str | None = None
    """A candidate's text for the option `better`, served before the fit has a word on it."""
    better: str | None = None
    reason: str = ""
    said: str = ""
    """What the person said in an attempt that asks for the better option, word for word."""
    verdict: Verdict | None = None
    """Where its evidence is its own, e.g. a failure and its cure inside one attempt: the fit then has no word on it."""


@dataclass(frozen=True, slots=True)
class Naming:
    """New decisions, with what naming them cost."""

    decisions: tuple[NamedDecision, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    failures: tuple[Failure, ...] = ()
    cost: Cost = Cost()
    note: str = ""
    """One sentence for the revision's cause."""


@dataclass(frozen=True, slots=True)
class Coding:
    """New codes, with what they cost."""

    codes: tuple[Code, ...] = ()
    failures: tuple[Failure, ...] = ()
    cost: Cost = Cost()


@dataclass(frozen=True, slots=True)
class Wording:
    """A lesson that is to be written: the better option of a decision, by its verdict."""

    decision: Decision
    letter: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Writing:
    """Texts by decision id, with what they cost. A decision without a text keeps the lesson that it has."""

    texts: Mapping[str, str] = field(default_factory=dict)
    cost: Cost = Cost()


class Namer(Protocol):
    """Finds situations in which attempts act in different ways."""

    async def name(self, batch: Batch) -> Naming:
        """New decisions from the batch, and those that are known already, which are recognised by their keys."""
        ...


class Coder(Protocol):
    """Says which option an attempt took, blind to its reward."""

    def codes(self, decision: Decision) -> bool:
        """Whether this coder can code the decision."""
        ...

    async def code(self, batch: Batch, missing: Mapping[str, Sequence[Decision]]) -> Coding:
        """The attempts' codes; `missing`: trajectory id → its decisions without a code. A situation that an attempt
        did not meet has none."""
        ...


class Rereader(Coder, Protocol):
    """A coder that errs, and may look twice."""

    async def reread(self, batch: Batch, doubtful: Mapping[str, Sequence[Decision]]) -> Coding:
        """Other codes of these attempts, told blind once more; none where a second look is not due."""
        ...


class Writer(Protocol):
    """Puts the better option of a decision into a sentence."""

    async def write(self, batch: Batch, wordings: Sequence[Wording]) -> Writing:
        """A text for each that can be said: "When <condition>, <strategy>"."""
        ...


@dataclass(frozen=True, slots=True)
class Analyst:
    """The parts that turn attempts into lessons; the first coder that can code a decision does."""

    name: str
    """`contrast`, `model` or `agent`."""
    namers: tuple[Namer, ...]
    coders: tuple[Coder, ...]
    writer: Writer
    batch_groups: int
    """Most groups of one batch."""
    model: str | Callable[[], str | None] | None = None
    """Which model speaks, or how to find out who answered in its place; None where none does."""
    rereader: Rereader | None = None
    """Who looks at doubtful codes a second time."""

    @property
    def speaker(self) -> str | None:
        """Which model spoke, or who answered in its place."""
        return self.model() if callable(self.model) else self.model
