"""Chance that can be repeated: numbers made of a retrieval's id and of what is drawn, by an extendable hash (SHAKE)."""

from __future__ import annotations

import struct
from hashlib import shake_128

from explib.evidence.ledger import ARM

_UNUSED_BITS = 11
"""Of 64: a float from 0 to 1 holds 53 evenly."""
_STEP = 2.0**-53


def uniforms(retrieval_id: str, drawn: str, count: int) -> list[float]:
    """Numbers from 0 to below 1, each as good as independent of the others, of other draws and other retrievals.

    More of them begin with the same ones.
    """
    stream = shake_128(f"{retrieval_id}/{drawn}".encode()).digest(8 * count)
    return [(number >> _UNUSED_BITS) * _STEP for number in struct.unpack(f"<{count}Q", stream)]


def is_held_out(retrieval_id: str, share: float) -> bool:
    """Whether the retrieval gets nothing."""
    return uniforms(retrieval_id, "holdout", 1)[0] < share


def follows_revision(retrieval_id: str, revision: int) -> bool:
    """Whether the retrieval follows a revision on trial, or the one before it."""
    return uniforms(retrieval_id, f"revision {revision}", 1)[0] < ARM
