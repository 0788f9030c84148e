"""Changes of a library's settings: read, checked, applied, and told as a difference."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ConfigDict, ValidationError, field_validator, model_validator

from explib.errors import InvalidSetting
from explib.models.libraries import LibrarySettings
from explib.settings.wording import setting_text, wrong_settings
from explib.text.redaction import redacted


class LibraryChanges(LibrarySettings):
    """Some of a library's settings by name: what is left out, or null, stays as it is."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: object) -> object:
        return {name: value for name, value in given.items() if value is not None} if isinstance(given, dict) else given

    @field_validator("objective", "learning_objective")
    @classmethod
    def _without_secrets(cls, text: str) -> str:
        return redacted(text)

    @property
    def given(self) -> dict[str, object]:
        """The settings that are named, with their values."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


def read_changes(given: Mapping[str, object]) -> LibraryChanges:
    """The changes as they were typed, e.g. on a command line. Raises InvalidSetting, naming each wrong one."""
    try:
        return LibraryChanges.model_validate(dict(given))
    except ValidationError as error:
        raise InvalidSetting(f"The settings cannot be used: {wrong_settings(error, LibraryChanges)}.") from error


def changed(settings: LibrarySettings, changes: LibraryChanges) -> LibrarySettings:
    """The settings after the changes. Raises InvalidSetting where they don't go together."""
    after = settings.model_copy(update=changes.given)
    if not after.reward_min < after.reward_max:
        raise InvalidSetting(
            f"reward_min is {after.reward_min:g} and reward_max {after.reward_max:g}: reward_min must be the lower one."
        )
    return after


def difference(before: LibrarySettings, after: LibrarySettings) -> str:
    """The settings that differ, e.g. `max_words 32 → 40, review off → on`."""
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in LibrarySettings.model_fields]
    return ", ".join(f"{name} {setting_text(old)} → {setting_text(new)}" for name, old, new in pairs if old != new)
