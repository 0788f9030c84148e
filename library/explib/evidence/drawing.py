"""Chance that can be repeated: every draw is a hash of the retrieval's id and of what is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from explib.evidence.ledger import ARM

_BYTES = 8
_ALL = float(1 << 8 * _BYTES)


def uniforms(retrieval_id: str, drawn: Iterable[str]) -> list[float]:
    """Numbers from 0 to below 1, each as good as independent of every other thing's and every other retrieval's."""
    keyed = blake2b(digest_size=_BYTES, key=retrieval_id.encode())
    numbers = []
    for each in drawn:
        hashed = keyed.copy()
        hashed.update(each.encode())
        numbers.append(int.from_bytes(hashed.digest()) / _ALL)
    return numbers


def uniform(retrieval_id: str, drawn: str) -> float:
    """The number of one thing."""
    return uniforms(retrieval_id, (drawn,))[0]


def is_held_out(retrieval_id: str, share: float) -> bool:
    """Whether the retrieval gets nothing."""
    return uniform(retrieval_id, "holdout") < share


def follows(retrieval_id: str, revision: int) -> bool:
    """Whether the retrieval follows a revision on trial, or the one before it."""
    return uniform(retrieval_id, f"revision {revision}") < ARM
