"""Records of logs on their way into libraries."""

from __future__ import annotations

from dataclasses import dataclass, field

from explib.errors import ExplibError
from explib.models.libraries import Library
from explib.models.submissions import RawSubmission
from explib_server.application import Application
from explib_server.importers.records import BadRecord, Record
from explib_server.importers.tally import Tally

_SAME_NAMES = (
    "reward", "answer", "ground_truth", "feedback", "retrieval_id", "group", "agent", "model", "idempotency_key"
)  # fmt: skip


@dataclass(slots=True)
class Intake:
    """Stores records one after the other; a library that doesn't exist is made for the first of its records."""

    application: Application
    library: str
    tally: Tally
    _libraries: dict[str, Library] = field(default_factory=dict)

    async def take(self, record: Record | BadRecord) -> None:
        """Store a record, or correct what was stored of it before; what cannot be stored is a problem."""
        if isinstance(record, BadRecord):
            self.tally.problems.add(record)
            return
        values = {name: getattr(record, name) for name in _SAME_NAMES}
        raw = RawSubmission(record.task, record.trajectory, corrects=True, reward_source="environment", **values)
        try:
            library = await self._library(record.library or self.library)
            receipt = await self.application.submit(library, raw)
        except ExplibError as error:
            self.tally.problems.add(BadRecord(record.position, str(error)))
            return
        self.tally.take(record, receipt)

    async def _library(self, name: str) -> Library:
        if name not in self._libraries:
            defaults = self.application.settings.library_defaults()
            self._libraries[name] = await self.application.store.libraries.ensure(name, defaults)
        return self._libraries[name]
