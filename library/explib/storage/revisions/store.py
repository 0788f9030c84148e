"""Experiences and the revisions that made them: append-only, numbered, committed by compare-and-set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, Text, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import UnknownExperience, UnknownRevision
from explib.history.diff import Difference, SettingsChange, difference
from explib.history.replay import LibraryState, continued_ids, revert_operations
from explib.models.experiences import Experience
from explib.models.learning import Cost
from explib.models.libraries import Library
from explib.models.revisions import Change, Citation, Refusal, Revision
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.revisions.commit import commit_proposal
from explib.storage.revisions.proposal import Committed, Proposal
from explib.storage.tables.experiences import citations, experiences
from explib.storage.tables.revisions import operations, revisions

READ_AT_ONCE = 500
"""Revisions of one query."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """The experiences of every library of one database, and their history."""

    database: Database

    async def experiences(
        self, library: Library, *, retired: bool = False, ids: Collection[str] | None = None
    ) -> list[Experience]:
        """The library's experiences (with these ids) in order of their ids; retired ones only when asked for."""
        where = experiences.c.library_id == library.id
        if ids is not None:
            where &= self.database.dialect.among(experiences.c.id, ids)
        if not retired:
            where &= experiences.c.status != "retired"
        found = await self.database.rows(select(experiences).where(where))
        return sorted(map(rows.experience, found), key=lambda experience: int(experience.id[1:]))

    async def experience(self, library: Library, experience_id: str) -> Experience:
        """One experience, retired or not. Raises UnknownExperience."""
        where = (experiences.c.library_id == library.id) & (experiences.c.id == experience_id)
        row = await self.database.row(select(experiences).where(where))
        if row is None:
            raise UnknownExperience(
                f"Library {library.name!r} has no experience {experience_id!r}: list them with list_experiences "
                "(`explib experiences list`)."
            )
        return rows.experience(row)

    async def citations(self, library: Library, experience_id: str) -> list[Citation]:
        """The attempts that an experience rests on."""
        where = (citations.c.library_id == library.id) & (citations.c.experience_id == experience_id)
        async with self.database.read() as connection:
            found = await connection.execute(select(citations).where(where).order_by(citations.c.trajectory_id))
            return [Citation(row.trajectory_id, row.stance) for row in found]

    async def history(self, library: Library, limit: int = 50, before: int | None = None) -> list[Revision]:
        """The newest revisions (before that number), newest first."""
        where = revisions.c.library_id == library.id
        if before is not None:
            where &= revisions.c.number < before
        newest = select(revisions.c.number).where(where).order_by(revisions.c.number.desc()).limit(limit)
        async with self.database.read() as connection:
            return await _revisions(connection, library, (await connection.execute(newest)).scalars().all())

    async def touching(self, library: Library, experience: Experience, limit: int = 50) -> list[Revision]:
        """The newest revisions that changed an experience, newest first."""
        named = f'"id": "{experience.id}"'  # as JSON is written; ids are unlike any other text in it
        number = operations.c.revision
        where = (operations.c.library_id == library.id) & operations.c.refusal.is_(None)
        where &= number.between(experience.created_revision, experience.updated_revision)
        where &= cast(operations.c.after, Text).contains(named, autoescape=True)
        newest = select(number).distinct().where(where).order_by(number.desc()).limit(limit)
        async with self.database.read() as connection:
            return await _revisions(connection, library, (await connection.execute(newest)).scalars().all())

    async def get(self, library: Library, number: int) -> Revision:
        """One revision with its operations. Raises UnknownRevision."""
        async with self.database.read() as connection:
            found = await _revisions(connection, library, [number])
        if not found:
            raise UnknownRevision.beyond(library.name, library.revision, number)
        return found[0]

    async def at(self, library: Library, number: int) -> list[Experience]:
        """The library's experiences as they stood after revision `number` (0: empty). Raises UnknownRevision."""
        standing = await self.standing(library, number)
        return [experience for experience in standing.experiences.values() if experience.status != "retired"]

    async def difference(self, library: Library, before: int, after: int) -> Difference:
        """Between the library after revision `before` and after revision `after`. Raises UnknownRevision."""
        first, last = sorted((before, after))
        number, changed = revisions.c.number, revisions.c.settings
        where = (revisions.c.library_id == library.id) & (number > first) & (number <= last) & (changed != "")
        then, now = await self.at(library, before), await self.at(library, after)
        async with self.database.read() as connection:
            found = await connection.execute(select(number, changed).where(where).order_by(number))
            return difference(then, now, [SettingsChange(*row) for row in found])

    async def standing(self, library: Library, number: int) -> LibraryState:
        """The library after revision `number` (0: empty), with what is retired and with the evidence.

        Raises UnknownRevision.
        """
        if not 0 <= number <= library.revision:
            raise UnknownRevision.beyond(library.name, library.revision, number)
        standing = LibraryState()
        standing.follow(await self._changes(library, 0, number))
        return standing

    async def _changes(self, library: Library, after: int, until: int) -> list[Change]:
        """The changes of the revisions after one and until another, oldest first."""
        where = (operations.c.library_id == library.id) & (operations.c.revision <= until)
        where &= (operations.c.revision > after) & operations.c.refusal.is_(None)
        found = await self.database.rows(select(operations).where(where).order_by(operations.c.number))
        return [_change(row) for row in found]

    async def revert(self, library: Library, number: int, author: str, cause: str) -> Committed:
        """Put the library back as it stood after revision `number` (0: empty), as a new revision.

        `library` is as it was read: raises RevisionConflict where it has moved on since, UnknownRevision, and
        OperationRefused where it may not be so large any more.
        """
        then, now = await self.then_and_now(library, number)
        changes = revert_operations(then, now, number)
        again = continued_ids(changes, then)
        return await self.commit(
            Proposal(library, cause, author, "person", changes, reviewed=True, strict=True, continues=again)
        )

    async def then_and_now(self, library: Library, number: int) -> tuple[LibraryState, LibraryState]:
        """The library after revision `number`, and as `library` was read. Raises UnknownRevision."""
        then = await self.standing(library, number)
        now = LibraryState(dict(then.experiences), {name: dict(cited) for name, cited in then.citations.items()})
        now.follow(await self._changes(library, number, library.revision))
        return then, now

    async def refusals(self, library: Library, limit: int = 50) -> list[Refusal]:
        """The newest operations that were not applied, newest first."""
        where = (operations.c.library_id == library.id) & operations.c.refusal.is_not(None)
        newest = select(operations).where(where).order_by(operations.c.number.desc()).limit(limit)
        return [_refusal(row) for row in await self.database.rows(newest)]

    async def commit(self, proposal: Proposal) -> Committed:
        """Apply the operations, record the refusals, close the groups: all of it or nothing.

        Raises LeaseLost, and RevisionConflict where the library has moved on or a group was learned by another.
        """
        return await self.database.write(
            lambda connection: commit_proposal(connection, self.database, proposal), explicit_locks=True
        )


async def _revisions(connection: AsyncConnection, library: Library, numbers: Sequence[int]) -> list[Revision]:
    """The revisions of these numbers with their operations, in the order of the numbers."""
    found: dict[int, Revision] = {}
    for start in range(0, len(numbers), READ_AT_ONCE):
        part = numbers[start : start + READ_AT_ONCE]
        owned = (operations.c.library_id == library.id) & operations.c.revision.in_(part)
        applied: dict[int, list[RowMapping]] = {}
        for row in (await connection.execute(select(operations).where(owned).order_by(operations.c.number))).mappings():
            applied.setdefault(row["revision"], []).append(row)
        named = (revisions.c.library_id == library.id) & revisions.c.number.in_(part)
        for row in (await connection.execute(select(revisions).where(named))).mappings():
            found[row["number"]] = _revision(row, applied.get(row["number"], []))
    return [found[number] for number in numbers if number in found]


def _change(row: RowMapping) -> Change:
    read = rows.EXPERIENCES.validate_python
    return Change(rows.OPERATION.validate_python(row["operation"]), read(row["before"]), read(row["after"]))


def _refusal(row: RowMapping) -> Refusal:
    return Refusal(rows.OPERATION.validate_python(row["operation"]), row["refusal"])


def _revision(row: RowMapping, applied: Sequence[RowMapping]) -> Revision:
    return Revision(
        number=row["number"],
        cause=row["cause"],
        author=row["author"],
        changes=tuple(_change(each) for each in applied if not each["refusal"]),
        refusals=tuple(_refusal(each) for each in applied if each["refusal"]),
        groups=tuple(row["groups"]),
        cost=Cost(row["calls"], row["prompt_tokens"], row["completion_tokens"]),
        created_at=row["created_at"],
        settings=row["settings"],
    )
