"""What is stored and how it is found again: libraries, trajectories, experiences, revisions, retrieval.

The names in `__all__` are the public API. Each is imported when it is first used, since some need SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explib.errors import ExplibError as ExplibError
    from explib.models.experiences import Experience as Experience
    from explib.models.libraries import Library as Library
    from explib.models.libraries import LibrarySettings as LibrarySettings
    from explib.models.revisions import Revision as Revision
    from explib.models.submissions import Grade as Grade
    from explib.models.submissions import Receipt as Receipt
    from explib.models.submissions import Submission as Submission
    from explib.models.trajectories import Step as Step
    from explib.models.trajectories import ToolCall as ToolCall
    from explib.retrieval.retriever import Retriever as Retriever
    from explib.settings.program import Settings as Settings
    from explib.storage.store import Store as Store
    from explib.storage.store import open_store as open_store

_PLACES = {
    "Experience": "explib.models.experiences",
    "ExplibError": "explib.errors",
    "Grade": "explib.models.submissions",
    "Library": "explib.models.libraries",
    "LibrarySettings": "explib.models.libraries",
    "Receipt": "explib.models.submissions",
    "Retriever": "explib.retrieval.retriever",
    "Revision": "explib.models.revisions",
    "Settings": "explib.settings.program",
    "Step": "explib.models.trajectories",
    "Store": "explib.storage.store",
    "Submission": "explib.models.submissions",
    "ToolCall": "explib.models.trajectories",
    "open_store": "explib.storage.store",
}
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
