"""What may be said of a library's settings, when it is created and later: each with its range and its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from explib.errors import InvalidSetting
from explib.models.libraries import LibrarySettings

MAX_OBJECTIVE_CHARACTERS = 2_000
"""Of each of the two objectives: they are in every prompt of the learner."""
MAX_REWARD = 1e12
_SETTINGS = TypeAdapter(LibrarySettings)

Objective = Annotated[str | None, Field(max_length=MAX_OBJECTIVE_CHARACTERS)]
Reward = Annotated[float | None, Field(ge=-MAX_REWARD, le=MAX_REWARD, allow_inf_nan=False)]


class LibraryChanges(BaseModel):
    """Settings of a library by name, each optional: what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    objective: Annotated[Objective, Field(description="What its agents do, e.g. 'rebook flights for customers'.")] = (
        None
    )
    learning_objective: Annotated[
        Objective, Field(description="What to learn and what to ignore, e.g. 'order of checks; not prices'.")
    ] = None
    reward_min: Annotated[Reward, Field(description="Lowest reward.")] = None
    reward_max: Annotated[Reward, Field(description="Highest reward.")] = None
    group_size: Annotated[int | None, Field(ge=2, le=1_000, description="Attempts meant for one task.")] = None
    max_experiences: Annotated[int | None, Field(ge=1, le=1_000_000, description="Most experiences.")] = None
    max_words: Annotated[int | None, Field(ge=8, le=500, description="Most words of one experience.")] = None
    serve_tokens: Annotated[
        int | None, Field(ge=100, le=200_000, description="Most tokens that get_experiences answers.")
    ] = None
    review: Annotated[
        bool | None, Field(description="true: what the learner proposes waits for review_experience.")
    ] = None
    exploration: Annotated[
        bool | None, Field(description="true: what is served is drawn by chance, which shows what helps.")
    ] = None
    holdout: Annotated[
        float | None, Field(ge=0, le=0.5, description="Share of retrievals that get nothing, to measure the library.")
    ] = None
    probability_floor: Annotated[
        float | None, Field(ge=0.01, le=0.5, description="Least probability of serving what is shortlisted.")
    ] = None
    probability_ceiling: Annotated[
        float | None, Field(ge=0.5, le=0.99, description="Highest probability of serving what is shortlisted.")
    ] = None
    signed_rewards_only: Annotated[
        bool | None, Field(description="true: only rewards signed by the environment are evidence.")
    ] = None

    @property
    def given(self) -> dict[str, object]:
        """The settings that are named, with their values."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}


def read_changes(given: Mapping[str, object]) -> LibraryChanges:
    """The changes as they were typed, e.g. on a command line. Raises InvalidSetting, naming each wrong one."""
    try:
        return LibraryChanges.model_validate(given)
    except ValidationError as error:
        known = ", ".join(LibraryChanges.model_fields)
        wrong = [
            f"{'.'.join(map(str, each['loc']))}: "
            + (f"no such setting, they are {known}" if each["type"] == "extra_forbidden" else each["msg"])
            for each in error.errors()
        ]
        raise InvalidSetting(f"The settings cannot be used: {'; '.join(wrong)}.") from error


def changed(settings: LibrarySettings, changes: LibraryChanges) -> LibrarySettings:
    """The settings after the changes. Raises InvalidSetting where they don't go together."""
    after = _SETTINGS.validate_python({**asdict(settings), **changes.given})
    if not after.reward_min < after.reward_max:
        raise InvalidSetting(
            f"reward_min is {after.reward_min:g} and reward_max {after.reward_max:g}: reward_min must be the lower one."
        )
    return after


def difference(before: LibrarySettings, after: LibrarySettings) -> str:
    """What differs, e.g. `max_words 32 → 40, review off → on`."""
    pairs = [(each.name, getattr(before, each.name), getattr(after, each.name)) for each in fields(before)]
    return ", ".join(f"{name} {said(old)} → {said(new)}" for name, old, new in pairs if old != new)


def said(value: object) -> str:
    """A setting's value as people write it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return repr(value) if isinstance(value, str) else f"{value:g}"
