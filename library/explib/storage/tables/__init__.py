"""The tables, in SQLAlchemy Core. Every key of what a library owns holds its id: all can be partitioned by it.

What differs between engines (full text, vectors, how a write begins) is not here but in `engine` and its dialects.
All of them are imported here, so that `metadata` is never a part of the whole.
"""

from explib.storage.tables import (
    access,
    decisions,
    evidence,
    experiences,
    learning,
    libraries,
    practice,
    revisions,
    trajectories,
)
from explib.storage.tables.libraries import metadata

__all__ = [
    "access",
    "decisions",
    "evidence",
    "experiences",
    "learning",
    "libraries",
    "metadata",
    "practice",
    "revisions",
    "trajectories",
]
