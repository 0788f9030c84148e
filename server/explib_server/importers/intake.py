"""Records of logs on their way into libraries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from explib.errors import ExplibError, UnknownRetrieval, UnknownTrajectory
from explib.models.libraries import Library
from explib.models.submissions import Attempt, RawSubmission, Receipt
from explib.tasks import run_to_completion
from explib.trajectories.rewards import yields
from explib_server.application import Application
from explib_server.auth.callers import current_caller
from explib_server.importers.records import BadRecord, Record
from explib_server.importers.tally import Tally
from explib_server.preparation import size_of
from explib_server.projects import project_of
from explib_server.projects.state import remember_folder

AT_ONCE = 64
"""Records that are stored at the same time: they share the flush of a commit."""
AT_ONCE_CHARACTERS = 1 << 20
"""Characters from which on a record waits for nothing more: bounds the memory of those that are stored together."""
_SAME_NAMES = (
    "reward", "answer", "ground_truth", "reward_source", "feedback", "retrieval_id", "group", "agent", "model",
    "idempotency_key",
)  # fmt: skip


@dataclass(slots=True)
class Intake:
    """Stores records, several at a time; a library that doesn't exist is made for the first of its records."""

    application: Application
    library: str
    tally: Tally
    _libraries: dict[str, Library] = field(default_factory=dict)
    _finding: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take_all(self, records: Iterable[Record | BadRecord]) -> None:
        """Store all records. Cancelled meanwhile, it ends when those under way are stored and counted."""
        for together in _batches(records):
            await run_to_completion(self.take(*together))

    async def take(self, *together: Record | BadRecord) -> None:
        """Store records at the same time, or correct what was stored before; what cannot be stored is a problem."""
        problems = await asyncio.gather(*map(self._problem, together))
        for problem in filter(None, problems):
            self.tally.problems.add(problem)

    async def _problem(self, record: Record | BadRecord) -> BadRecord | None:
        if isinstance(record, BadRecord):
            return record
        try:
            await self.bring(record)
        except ExplibError as error:
            return BadRecord(record.position, str(error))
        return None

    async def bring(self, record: Record) -> None:
        """Store a record, or correct what was stored of it before. Raises ExplibError."""
        if not await self._graded(record):
            self.tally.take(record, await self._stored(record))

    async def _stored(self, record: Record) -> Receipt:
        values = {name: getattr(record, name) for name in _SAME_NAMES}
        library = await self._library(record.library or self.library, record.folder)
        values["reward"] = _in_range(record, library)
        raw = RawSubmission(record.task, record.trajectory, corrects=True, **values)
        try:
            return await self.application.submit(library, raw)
        except UnknownRetrieval:  # of another library: the lessons were those of another layer
            return await self.application.submit(library, replace(raw, retrieval_id=None))

    async def _graded(self, record: Record) -> bool:
        """Grade the attempt that its agent submitted itself, by what the session shows; whether there is one here."""
        if record.submitted_id is None:
            return False
        trajectories, within = self.application.store.trajectories, current_caller().libraries
        try:
            library, trajectory_id = await trajectories.locate(trajectory_id=record.submitted_id, within=within)
        except UnknownTrajectory:
            return False
        [stored] = await trajectories.heads(library, [trajectory_id])
        reward = _in_range(record, library)
        if reward is None or yields(record.reward_source, stored.reward_source):
            self.tally.known += 1
            return True
        attempt, source = Attempt(trajectory_id), record.reward_source
        receipt = await self.application.report_reward(attempt, reward, record.feedback, source=source)
        corrected = () if receipt.duplicate else ("reward",)
        self.tally.take(record, replace(receipt, duplicate=True, corrected=corrected))
        return True

    async def _library(self, name: str, folder: str | None) -> Library:
        async with self._finding:
            if name not in self._libraries:
                defaults = self.application.settings.library_defaults()
                self._libraries[name] = await self.application.store.libraries.ensure(name, defaults)
                if folder is not None and Path(folder).is_absolute():
                    project = project_of(Path(folder), self.application.settings)
                    if project.root is not None and project.library == name:
                        remember_folder(name, project.root)
            return self._libraries[name]


def _batches(records: Iterable[Record | BadRecord]) -> Iterator[list[Record | BadRecord]]:
    """Records to store at the same time, no two of them of one attempt: the later one corrects the earlier."""
    batch, keys, size = list[Record | BadRecord](), set[str](), 0
    for record in records:
        key = record.idempotency_key if isinstance(record, Record) else ""
        if len(batch) >= AT_ONCE or size >= AT_ONCE_CHARACTERS or (key and key in keys):
            yield batch
            batch, keys, size = [], set(), 0
        batch.append(record)
        keys.add(key)
        size += size_of(record.trajectory, AT_ONCE_CHARACTERS) if isinstance(record, Record) else 0
    if batch:
        yield batch


def _in_range(record: Record, library: Library) -> float | None:
    """The reward in the library's range: what a session shows is a share of it, a log's is taken as it is."""
    if record.reward is None or record.reward_source == "environment":
        return record.reward
    return in_range(record.reward, library)


def in_range(share: float, library: Library) -> float:
    """A reward from 0 to 1 in the library's range."""
    low, high = library.settings.reward_min, library.settings.reward_max
    return low + share * (high - low)
