"""What was served to whom with which chances, and revisions that are tried by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from explib.models.experiences import Lesson

TrialState: TypeAlias = Literal["running", "accepted", "rolled back", "superseded"]


class Serving(NamedTuple):
    """One shortlisted experience of a retrieval: whether it was served, and with what probability.

    A tuple, since every call makes and stores dozens: it takes a fifth of the time.
    """

    experience_id: str
    version: int
    relevance: float
    probability: float
    served: bool


@dataclass(frozen=True, slots=True)
class Retrieval:
    """One answer of `get_experiences`: what was drawn, with which chances, and what is fixed before any reward."""

    id: str
    task: str
    revision: int
    servings: tuple[Serving, ...]
    """The whole shortlist, also where nothing was served because the retrieval was held out."""
    created_at: float
    holdout: float = 0.0
    """The share of retrievals that are held out, as of this one."""
    held_out: bool = False
    arms: dict[str, bool] = field(default_factory=dict)
    """Number of a revision on trial, where it matters here → whether this retrieval follows it or the one before."""
    baseline: float = 0.5
    """The reward to expect (0 to 1 of the library's range), from what was known when it was recorded."""
    reporting: float = 0.5
    """The share of retrievals whose reward is reported, as it was then."""
    reward: float | None = None
    """What counts so far: the mean reward of the attempts under it, 0 to 1 of the library's range."""
    layers: tuple[int, ...] = ()
    """Ids of the other libraries that the answer was drawn from: each has a retrieval of this id, for the rewards."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A revision that is tried against the library as it was before it."""

    revision: int
    state: TrialState
    replaces: dict[str, tuple[Lesson, ...]]
    """Id of a changed experience → what is served instead of it where a retrieval follows the revision before.

    Empty where the revision only added: then each added experience's own draws try it."""
    adds: tuple[str, ...]
    against: int = 0
    """The revision that it is tried against: what was last accepted of what it changed."""
    reason: str = ""
    started_at: float = 0.0
    ended_at: float | None = None
