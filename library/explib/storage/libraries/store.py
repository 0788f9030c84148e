"""Libraries: created once, found by name, counted for `status`."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from sqlalchemy import Column, ColumnElement, Text, bindparam, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import InvalidLibraryName, UnknownLibrary
from explib.models.libraries import Library, LibraryOverview, LibrarySettings
from explib.settings.library import LibraryChanges
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.libraries.settings import ChangeOfSettings, change_settings, check_size
from explib.storage.tables.experiences import experiences
from explib.storage.tables.libraries import libraries
from explib.storage.tables.revisions import operations
from explib.storage.tables.trajectories import groups, trajectories

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_columns = libraries.c
BY_NAME = select(
    _columns.id, _columns.name, cast(_columns.settings, Text), _columns.revision, _columns.created_at
).where(_columns.name == bindparam("name"))


@dataclass(frozen=True, slots=True)
class Libraries:
    """Every library of one database."""

    database: Database
    _held: dict[str, tuple[tuple[object, ...], Library]] = field(default_factory=dict, repr=False)
    """Rows as they were last read, and what they say."""

    async def get(self, name: str) -> Library:
        """Raises UnknownLibrary, naming those that exist."""
        found = await self.database.read_row(BY_NAME, {"name": name})
        if found is None:
            raise UnknownLibrary.among(name, [library.name for library in await self.all()])
        held = self._held.get(name)
        if held is None or held[0] != found:
            self._held[name] = held = found, _library(*found)
        return held[1]

    async def find(self, name: str) -> Library | None:
        """The library of that name, where there is one. Raises InvalidLibraryName."""
        try:
            return await self.get(_checked(name))
        except UnknownLibrary:
            return None

    async def all(self) -> list[Library]:
        """Every library, by name."""
        return [rows.library(row) for row in await self.database.rows(select(libraries).order_by(libraries.c.name))]

    async def ensure(self, name: str, settings: LibrarySettings) -> Library:
        """The library of that name, created with `settings` where there is none. Raises InvalidLibraryName."""
        found = await self.find(name)
        if found is None:
            found, _ = await self.create(name, settings)
        return found

    async def create(self, name: str, settings: LibrarySettings) -> tuple[Library, bool]:
        """The library of that name, and whether it was made now, with these settings.

        Raises InvalidLibraryName, and InvalidSetting where the engine can't hold so many experiences.
        """
        check_size(self.database, settings)
        statement = (
            self.database.dialect.insert(libraries)
            .values(
                name=_checked(name),
                settings=rows.SETTINGS.dump_python(settings, mode="json"),
                revision=0,
                next_experience=1,
                served=0,
                created_at=time.time(),
            )
            .on_conflict_do_nothing()
        )

        async def insert(connection: AsyncConnection) -> bool:
            return bool((await connection.execute(statement)).rowcount)

        created = await self.database.write(insert)
        return await self.get(name), created

    async def served(self) -> dict[str, int]:
        """Name of each library that has experiences → how many are not retired."""
        statement = select(libraries.c.name, libraries.c.served).where(libraries.c.next_experience > 1)
        async with self.database.read() as connection:
            return {row.name: row.served for row in await connection.execute(statement)}

    async def change(self, library: Library, changes: LibraryChanges, author: str, reason: str = "") -> Library:
        """The library with changed settings, which is a revision of it unless they were so already.

        Raises InvalidSetting where they don't fit it or each other.
        """
        change = ChangeOfSettings(changes, author, reason)
        return await self.database.write(
            lambda connection: change_settings(connection, self.database, library.id, change), explicit_locks=True
        )

    async def overview(self, library: Library) -> LibraryOverview:
        """Count the library's experiences, trajectories, groups and refusals."""
        owned = trajectories.c.library_id == library.id
        async with self.database.read() as connection:
            current = await connection.execute(select(libraries).where(libraries.c.id == library.id))
            row = current.mappings().one_or_none()
            counted = await connection.execute(
                select(func.count(), func.count(trajectories.c.reward)).select_from(trajectories).where(owned)
            )
            total, graded = counted.one()
            refused = await connection.execute(
                select(func.count())
                .select_from(operations)
                .where(operations.c.library_id == library.id, operations.c.refusal.is_not(None))
            )
            return LibraryOverview(
                library=library if row is None else rows.library(row),
                experiences=await _tally(connection, experiences.c.status, library),
                trajectories=total,
                graded=graded,
                groups=await _tally(connection, groups.c.state, library),
                reasons=await _tally(connection, groups.c.reason, library, groups.c.state != "learned"),
                refusals=refused.scalar_one(),
            )


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise InvalidLibraryName(f"{name[:80]!r} cannot name a library. {InvalidLibraryName.__doc__}")
    return name


def _library(library_id: int, name: str, settings: str, revision: int, created_at: float) -> Library:
    return Library(library_id, name, rows.SETTINGS.validate_json(settings), revision, created_at)


async def _tally(
    connection: AsyncConnection, column: Column[str], library: Library, *where: ColumnElement[bool]
) -> dict[str, int]:
    owner = column.table.c.library_id == library.id
    counted = await connection.execute(select(column, func.count()).where(owner, *where).group_by(column))
    return {str(value): count for value, count in counted}
