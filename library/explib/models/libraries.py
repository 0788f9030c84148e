"""A library, what it decides for itself, and the counts that are shown of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from explib.models.trajectories import REWARD_WEIGHTS, RewardSource

MAX_OBJECTIVE_CHARACTERS = 2_000
"""Of each of the two objectives: they are in every prompt of the learner."""
MAX_REWARD = 1e12
Enforcement: TypeAlias = Literal["ask", "deny"]
"""What a hook does about a tool call against an enforced lesson: ask the person, or deny it."""


def read_weights(given: object) -> object:
    """Weights by source as JSON, as `agent=0.3,judge=0`, or as an object; sources that are left out have the usual one.

    Raises ValueError saying what is allowed.
    """
    if isinstance(given, str):
        given = _written(given)
    if not isinstance(given, Mapping) or not given.keys() <= REWARD_WEIGHTS.keys():
        raise ValueError(f"must be weights of {', '.join(REWARD_WEIGHTS)}, e.g. agent=0.3,judge=0")
    try:
        weights = {source: float(weight) for source, weight in given.items()}
    except (TypeError, ValueError) as error:
        raise ValueError("must be numbers from 0 to 1, e.g. agent=0.3") from error
    if not all(0 <= weight <= 1 for weight in weights.values()):
        raise ValueError("must be numbers from 0 to 1, e.g. agent=0.3")
    return {**REWARD_WEIGHTS, **weights}


def read_enforced(given: object) -> object:
    """Experience ids with `ask` or `deny`, as JSON, as `e3=ask,e7=deny`, or as an object. Raises ValueError."""
    if isinstance(given, str):
        given = _written(given)
    if not isinstance(given, Mapping) or not all(re.fullmatch(r"e\d{1,12}", str(name)) for name in given):
        raise ValueError("must be ids of experiences with ask or deny, e.g. e3=ask,e7=deny")
    if not all(verdict in ("ask", "deny") for verdict in given.values()):
        raise ValueError("must say ask or deny of each experience, e.g. e3=ask,e7=deny")
    return dict(given)


def _written(text: str) -> object:
    """Pairs as JSON or as `name=value,…`; empty without any."""
    if text.lstrip().startswith("{"):
        return json.loads(text)  # a JSONDecodeError is a ValueError
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


class LibrarySettings(BaseModel):
    """What a library decides for itself: the one declaration of each setting, with its range, default and words.

    The same names in the environment (`EXPLIB_…`) are the defaults of libraries created from now on.
    """

    model_config = ConfigDict(frozen=True)

    objective: Annotated[
        str, Field(max_length=MAX_OBJECTIVE_CHARACTERS, description="What its agents do, e.g. 'rebook flights'.")
    ] = ""
    learning_objective: Annotated[
        str,
        Field(
            max_length=MAX_OBJECTIVE_CHARACTERS,
            description="What to learn and what to ignore, e.g. 'order of checks; not prices'.",
        ),
    ] = ""
    reward_min: Annotated[float, Field(ge=-MAX_REWARD, le=MAX_REWARD, description="Lowest reward.")] = 0.0
    reward_max: Annotated[float, Field(ge=-MAX_REWARD, le=MAX_REWARD, description="Highest reward.")] = 1.0
    group_size: Annotated[int, Field(ge=2, le=1_000, description="Attempts meant for one task.")] = 5
    max_experiences: Annotated[
        int, Field(ge=1, le=1_000_000, description="Most experiences; in SQLite at most 250,000.")
    ] = 100
    max_words: Annotated[int, Field(ge=8, le=500, description="Most words of one experience.")] = 48
    serve_tokens: Annotated[int, Field(ge=100, le=200_000, description="Most tokens that get_experiences answers.")] = (
        600
    )
    answer_share: Annotated[
        float,
        Field(
            ge=0.01,
            le=1,
            description="Share of the library that one answer of the learner may change, but always 2 lessons.",
        ),
    ] = 0.2
    review: Annotated[
        bool, Field(description="on: what the learner proposes waits for a person (review_experience).")
    ] = False
    exploration: Annotated[
        bool, Field(description="on: what is served is drawn by chance, which shows what helps.")
    ] = True
    holdout: Annotated[
        float, Field(ge=0, le=0.5, description="Share of retrievals that get nothing, to measure the whole library.")
    ] = 0.0
    source_weights: Annotated[
        dict[RewardSource, float],
        NoDecode,
        BeforeValidator(read_weights),
        Field(
            validate_default=True,
            json_schema_extra={"type": "object"},
            description="Trust in rewards by who says them, 0 to 1, e.g. agent=0.3,judge=0; 0: not learned from.",
        ),
    ] = {}
    label_free: Annotated[
        bool,
        Field(description="on: where no attempt of a group has a reward, agreeing with most answers counts as one."),
    ] = False
    past_success: Annotated[
        bool,
        Field(description="on: where no lesson fits, get_experiences answers with the most similar attempt that won."),
    ] = False
    enforce: Annotated[
        dict[str, Enforcement],
        NoDecode,
        BeforeValidator(read_enforced),
        Field(
            json_schema_extra={"type": "object"},
            description="Lessons that hold a tool call where a hook can, e.g. e3=ask,e7=deny; empty: none.",
        ),
    ] = {}
    signed_rewards_only: Annotated[
        bool, Field(description="on: only rewards signed by the environment are evidence; the others still teach.")
    ] = False

    @property
    def reward_width(self) -> float:
        """From the lowest reward to the highest."""
        return self.reward_max - self.reward_min

    def share(self, reward: float) -> float:
        """A reward as a share of the range: 0 the lowest, 1 the highest."""
        return (reward - self.reward_min) / self.reward_width


@dataclass(frozen=True, slots=True)
class Library:
    """A named collection with its own objective, settings, revisions and access."""

    id: int
    name: str
    settings: LibrarySettings
    revision: int
    created_at: float

    @property
    def identity(self) -> tuple[int, float]:
        """What tells it from every library that there was: the id of one that was deleted may come again."""
        return self.id, self.created_at


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
