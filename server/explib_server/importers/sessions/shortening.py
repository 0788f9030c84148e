"""Long turns cut to what can be stored: what commands printed first, then steps from the middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from explib.models.trajectories import Step

MAX_CHARACTERS = 1_500_000
"""Of all texts of a turn; in UTF-8 and with its calls it stays under EXPLIB_MAX_TRAJECTORY_BYTES."""
MAX_STEPS = 2_000
KEPT_CHARACTERS = 1_000
"""Of one text of a turn that is too long: half from its beginning, half from its end."""
FIRST_STEPS = 100
"""Kept from the beginning of a turn with too many steps."""


def shortened(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps as they are where they are not too many and too long; else without the middle of each, and of all."""
    kept = tuple(steps)
    if sum(len(step.text) for step in kept) > MAX_CHARACTERS:
        kept = tuple(replace(step, text=cut(step.text, KEPT_CHARACTERS)) for step in kept)
    if len(kept) > MAX_STEPS:
        left_out = Step("user", f"[{len(kept) - MAX_STEPS:,} steps left out]")
        kept = (*kept[:FIRST_STEPS], left_out, *kept[FIRST_STEPS - MAX_STEPS :])
    return kept


def cut(text: str, characters: int) -> str:
    """The text without its middle, where it has more characters."""
    half = characters // 2
    return text if len(text) <= characters else f"{text[:half]}\n[…]\n{text[-half:]}"
