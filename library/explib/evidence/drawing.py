"""Chance that can be repeated: every draw is a hash of the retrieval's id and of what is drawn."""

from __future__ import annotations

from hashlib import blake2b

from explib.evidence.ledger import ARM

_BYTES = 8
_ALL = float(1 << 8 * _BYTES)


def uniform(retrieval_id: str, drawn: str) -> float:
    """A number from 0 to below 1, as good as independent of every other retrieval's and every other thing's."""
    digest = blake2b(drawn.encode(), digest_size=_BYTES, key=retrieval_id.encode()).digest()
    return int.from_bytes(digest) / _ALL


def is_served(retrieval_id: str, experience_id: str, version: int, probability: float) -> bool:
    """Whether a shortlisted experience is served."""
    return uniform(retrieval_id, f"{experience_id}/{version}") < probability


def is_held_out(retrieval_id: str, share: float) -> bool:
    """Whether the retrieval gets nothing."""
    return uniform(retrieval_id, "holdout") < share


def follows(retrieval_id: str, revision: int) -> bool:
    """Whether the retrieval follows a revision on trial, or the one before it."""
    return uniform(retrieval_id, f"revision {revision}") < ARM
