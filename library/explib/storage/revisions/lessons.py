"""Experiences as retrieval reads them: without where they come from, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.evidence.policy import is_met_again, lesson_class
from explib.models.experiences import Lesson
from explib.models.libraries import Library
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.tables.decisions import decisions
from explib.storage.tables.experiences import experiences
from explib.storage.tables.libraries import libraries

PART = 2000
"""Rows that are turned into objects in one go: bounds how long the event loop waits."""
COLUMNS = (experiences.c.id, experiences.c.content, experiences.c.status, experiences.c.version)
_OF_DECISION = (decisions.c.library_id == experiences.c.library_id) & (decisions.c.id == experiences.c.decision_id)
_LESSON = select(
    *COLUMNS,
    experiences.c.pinned,
    experiences.c.support,
    experiences.c.option,
    decisions.c.decision,
    decisions.c.verdict,
).outerjoin_from(experiences, decisions, _OF_DECISION)


@dataclass(frozen=True, slots=True)
class Lessons:
    """The lessons of every library of one database."""

    database: Database

    async def changed(self, library: Library, since: int) -> tuple[int, list[Lesson]]:
        """The newest revision's number and what changed after revision `since`, retired experiences included.

        From before the first revision (-1) retired ones are left out: nobody has them. Whatever changes an experience's
        content or status also sets its `updated_revision`: this rests on it.
        """
        where = (experiences.c.library_id == library.id) & (experiences.c.updated_revision > since)
        if since < 0:
            where &= experiences.c.status != "retired"
        async with self.database.read() as connection:
            number = await connection.execute(select(libraries.c.revision).where(libraries.c.id == library.id))
            return int(number.scalar_one()), await _read(connection, _LESSON.where(where))

    async def named(self, library: Library, ids: Sequence[str]) -> list[Lesson]:
        """The lessons with these ids that are not retired, in the order of the ids."""
        where = (experiences.c.library_id == library.id) & self.database.dialect.among(experiences.c.id, ids)
        statement = _LESSON.where(where, experiences.c.status != "retired")
        async with self.database.read() as connection:
            found = (await connection.execute(statement)).all()
        by_id = {row.id: _lesson(row) for row in found}
        return [by_id[experience_id] for experience_id in ids if experience_id in by_id]

    async def sample(self, library: Library, size: int) -> tuple[int, list[Lesson]]:
        """The number of the library's last lesson, and about `size` lessons, picked evenly over its age."""
        number = select(libraries.c.next_experience).where(libraries.c.id == library.id)
        async with self.database.read() as connection:
            latest = int((await connection.execute(number)).scalar_one()) - 1
        picked = range(1, latest + 1, max(1, latest // size))[:size]
        return latest, await self.named(library, [f"e{each}" for each in picked])

    async def count(self, library: Library) -> int:
        """The number of a library's lessons that are not retired."""
        counted = select(libraries.c.served).where(libraries.c.id == library.id)
        return int(await self.database.scalar(counted))


def _lesson(row: Sequence[Any]) -> Lesson:
    """The one place where a lesson's class is read from what is stored of where it comes from."""
    experience_id, content, status, version, pinned, support, option, decision, verdict = row
    judged = None if verdict is None else rows.VERDICT.validate_python(verdict)
    support = rows.SUPPORT.validate_python(support)
    learned = lesson_class(pinned=pinned, support=support, verdict=judged, option=option)
    tools = tuple((decision or {}).get("tools", ()))
    return Lesson(experience_id, content, status, version, learned, is_met_again(judged), tools)


async def _read(connection: AsyncConnection, statement: Executable) -> list[Lesson]:
    lessons: list[Lesson] = []
    async with connection.stream(statement) as found:
        async for part in found.partitions(PART):
            lessons.extend(_lesson(row) for row in part)
    return lessons
