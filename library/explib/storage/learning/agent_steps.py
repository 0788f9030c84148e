"""Questions to attached agents: the batch that they work at, and its steps, each leased to one of them at a time.

A library has one open batch. It is made and closed under the library's learning lease, so that the learner, whose
answers are agents, stands still where it waits for one, and goes on from there, in whichever server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import UnknownAnalysis
from explib.ids import new_id
from explib.models.experiences import Experience
from explib.models.groups import Group
from explib.models.learning import AnalysisBatch, AnalysisStep, Lease, ModelCall
from explib.models.libraries import Library
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.learning.leases import LONGEST_SECONDS, check_lease
from explib.storage.tables.learning import analysis_batches as batches
from explib.storage.tables.learning import analysis_steps as steps
from explib.storage.tables.learning import model_calls
from explib.storage.tables.libraries import libraries


@dataclass(frozen=True, slots=True)
class AnalysisSteps:
    """The open batches of one database and their steps. `clock` gives seconds since the epoch."""

    database: Database
    clock: Callable[[], float]

    async def batch(self, library: Library) -> AnalysisBatch | None:
        """The library's open batch."""
        row = await self.database.row(select(batches).where(batches.c.library_id == library.id))
        return None if row is None else rows.analysis_batch(row)

    async def open(
        self, library: Library, lease: Lease, groups: Sequence[Group], experiences: Sequence[Experience]
    ) -> AnalysisBatch:
        """A new batch in place of the library's last. Raises LeaseLost."""
        pinned = tuple((group.id, group.graded_version) for group in groups)
        batch = AnalysisBatch(new_id("b"), pinned, tuple(experiences))
        values = {**rows.analysis_batch.values(batch), "library_id": library.id, "created_at": self.clock()}

        async def insert(connection: AsyncConnection) -> None:
            await check_lease(connection, lease)
            await _clear(connection, library)
            await connection.execute(batches.insert().values(values))

        await self.database.write(insert)
        return batch

    async def narrow(self, library: Library, lease: Lease, batch: AnalysisBatch, groups: Sequence[Group]) -> None:
        """The batch goes on with these of its groups. Raises LeaseLost."""
        pinned = [[group.id, group.graded_version] for group in groups]

        async def change(connection: AsyncConnection) -> None:
            await check_lease(connection, lease)
            same = (batches.c.library_id == library.id) & (batches.c.id == batch.id)
            await connection.execute(update(batches).where(same).values(groups=pinned))

        await self.database.write(change)

    async def close(self, library: Library, lease: Lease) -> None:
        """The library's batch is done: nothing is asked any more. Raises LeaseLost."""

        async def clear(connection: AsyncConnection) -> None:
            await check_lease(connection, lease)
            await _clear(connection, library)

        await self.database.write(clear)

    async def ask(self, library: Library, lease: Lease, wanted: Sequence[AnalysisStep]) -> None:
        """These are all that waits for an answer now; those that are known keep their ids. Raises LeaseLost."""
        now = self.clock()
        asked = [{**rows.analysis_step_values(step), "library_id": library.id, "created_at": now} for step in wanted]
        hashes = [step.request_hash for step in wanted]

        async def replace_steps(connection: AsyncConnection) -> None:
            await check_lease(connection, lease)
            stale = _waiting(library) & steps.c.request_hash.not_in(hashes)
            await connection.execute(delete(steps).where(stale))
            for values in asked:
                asking = self.database.dialect.insert(steps).values(values)
                lost = asking.on_conflict_do_update(  # an answer that is asked for again is there no more
                    index_elements=[steps.c.library_id, steps.c.request_hash],
                    set_={"answered_by": None, "leased_until": 0.0},
                    where=steps.c.answered_by.is_not(None),
                )
                await connection.execute(lost)

        await self.database.write(replace_steps)

    async def all(self, library: Library) -> list[AnalysisStep]:
        """The steps of the open batch, answered or not, oldest first."""
        owned = select(steps).where(steps.c.library_id == library.id).order_by(steps.c.created_at, steps.c.id)
        return [rows.analysis_step(row) for row in await self.database.rows(owned)]

    async def take(self, library: Library, holder: str, seconds: float) -> AnalysisStep | None:
        """A step that nobody has answered or is at, kept for the holder for `seconds`; None where there is none."""
        free = _waiting(library) & self.database.reached(steps.c.leased_until, LONGEST_SECONDS)
        oldest = select(steps.c.id).where(free).order_by(steps.c.created_at, steps.c.id).limit(1)

        async def lease(connection: AsyncConnection) -> AnalysisStep | None:
            name = (await connection.execute(oldest.with_for_update(skip_locked=True))).scalar_one_or_none()
            return None if name is None else await self._keep(connection, library, name, holder, seconds)

        return await self.database.write(lease)

    async def keep(self, library: Library, name: str, holder: str, seconds: float) -> AnalysisStep | None:
        """This very step, whoever has it, from now on the holder's; None where it was answered or is gone."""
        return await self.database.write(lambda each: self._keep(each, library, name, holder, seconds))

    async def _keep(
        self, connection: AsyncConnection, library: Library, name: str, holder: str, seconds: float
    ) -> AnalysisStep | None:
        kept = update(steps).where(_waiting(library), steps.c.id == name)
        until = self.database.now() + min(seconds, LONGEST_SECONDS)
        taken = await connection.execute(kept.values(holder=holder, leased_until=until).returning(steps))
        row = taken.mappings().first()
        return None if row is None else rows.analysis_step(row)

    async def leases(self, library: Library) -> list[float]:
        """For each step that waits for an answer, how many seconds it is still kept for somebody; 0: for nobody."""
        left = select((steps.c.leased_until - self.database.now()).label("left")).where(_waiting(library))
        async with self.database.read() as connection:
            seconds = [float(each) for each in (await connection.execute(left)).scalars()]
        return [each if 0 < each <= LONGEST_SECONDS else 0.0 for each in seconds]

    async def locate(self, call_id: str) -> tuple[Library, AnalysisStep]:
        """The step of this id and its library. Raises UnknownAnalysis."""
        row = await self.database.row(select(steps).where(steps.c.id == call_id))
        if row is None:
            raise UnknownAnalysis
        owner = await self.database.row(select(libraries).where(libraries.c.id == row["library_id"]))
        if owner is None:
            raise UnknownAnalysis
        return rows.library(owner), rows.analysis_step(row)

    async def answer(self, library: Library, step: AnalysisStep, call: ModelCall) -> AnalysisStep:
        """Keep the answer, unless there is one already: the step as it is then. Raises UnknownAnalysis."""
        same = (steps.c.library_id == library.id) & (steps.c.id == step.id)

        async def keep(connection: AsyncConnection) -> AnalysisStep:
            row = (await connection.execute(select(steps).where(same).with_for_update())).mappings().first()
            if row is None:
                raise UnknownAnalysis
            known = rows.analysis_step(row)
            if known.answered_by is not None:
                return known
            await connection.execute(update(steps).where(same).values(answered_by=call.model))
            record = self.database.dialect.insert(model_calls).values(asdict(call))
            await connection.execute(record.on_conflict_do_nothing())
            return replace(known, answered_by=call.model)

        return await self.database.write(keep)


def _waiting(library: Library) -> ColumnElement[bool]:
    return (steps.c.library_id == library.id) & steps.c.answered_by.is_(None)


async def _clear(connection: AsyncConnection, library: Library) -> None:
    await connection.execute(delete(steps).where(steps.c.library_id == library.id))
    await connection.execute(delete(batches).where(batches.c.library_id == library.id))
