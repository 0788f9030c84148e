"""What differs between a library as it stood after one revision and after another. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explib.models.experiences import Experience


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What one revision changed of the library's settings, e.g. `max_words 32 → 40`."""

    revision: int
    changed: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Experiences that are served only after the one or the other, and those served in both but not alike."""

    added: tuple[Experience, ...]
    removed: tuple[Experience, ...]
    changed: tuple[tuple[Experience, Experience], ...]
    """Each as it was and as it is: another text or another status."""
    settings: tuple[SettingsChange, ...]
    """By the revisions between the two, oldest first."""


def difference(
    before: Sequence[Experience], after: Sequence[Experience], settings: Sequence[SettingsChange]
) -> Difference:
    """From what was served before to what is served after, with what was changed of the settings between."""
    old, new = {each.id: each for each in before}, {each.id: each for each in after}
    both = [(old[identity], known) for identity, known in new.items() if identity in old]
    return Difference(
        added=tuple(known for identity, known in new.items() if identity not in old),
        removed=tuple(known for identity, known in old.items() if identity not in new),
        changed=tuple(pair for pair in both if (pair[0].content, pair[0].status) != (pair[1].content, pair[1].status)),
        settings=tuple(settings),
    )
