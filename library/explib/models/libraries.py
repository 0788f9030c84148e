"""A library, what it decides for itself, and the counts that are shown of it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LibrarySettings:
    """What a library decides for itself; defaults come from the program's settings at creation."""

    objective: str = ""
    """What the agents do whose attempts are kept here."""
    learning_objective: str = ""
    """What lessons should be about, and what they should leave alone."""
    reward_min: float = 0.0
    reward_max: float = 1.0
    group_size: int = 5
    max_experiences: int = 100
    max_words: int = 32
    serve_tokens: int = 1500
    review: bool = False
    """Whether what the learner proposes waits for a person's decision."""
    exploration: bool = True
    """Whether what is served is drawn by chance, which is how rewards tell what helps; off: all that fits is served."""
    holdout: float = 0.0
    """The share of retrievals that get nothing, so that the whole library's effect is measured."""
    probability_floor: float = 0.1
    probability_ceiling: float = 0.9
    """The least and the highest probability with which a shortlisted experience is served."""
    signed_rewards_only: bool = False
    """Only rewards that the environment signed are evidence; the others still teach."""


@dataclass(frozen=True, slots=True)
class Library:
    """A named collection with its own objective, settings, revisions and access."""

    id: int
    name: str
    settings: LibrarySettings
    revision: int
    created_at: float


@dataclass(frozen=True, slots=True)
class LibraryOverview:
    """The counts that `status` shows."""

    library: Library
    experiences: dict[str, int]
    trajectories: int
    graded: int
    groups: dict[str, int]
    reasons: dict[str, int] = field(default_factory=dict)
    """Reasons of groups that are not learned → how many have that reason."""
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Measures:
    """Counts over a whole database. Keys are a library's name, and a state or status where there are two."""

    revisions: dict[str, int]
    groups: dict[tuple[str, str], int]
    experiences: dict[tuple[str, str], int]
    model_calls: int
    prompt_tokens: int
    completion_tokens: int
