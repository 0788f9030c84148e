"""Votes on experiences, one for each voter and version, and the revision that follows when three voters agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import UnknownExperience
from explib.evidence.votes import VOTERS, Tally, Vote, VoteCount
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import Operation
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.revisions.commit import commit_proposal
from explib.storage.revisions.proposal import Proposal
from explib.storage.tables.experiences import experiences, votes
from explib.storage.tables.libraries import libraries
from explib.storage.tables.revisions import revisions
from explib.text.words import number_of

AUTHOR = "votes"
"""The author of the revisions that votes decide."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The outcome of a vote: the votes on this version, the experience as it is now, the revision they decided."""

    tally: Tally
    experience: Experience
    revision: int | None


@dataclass(frozen=True, slots=True)
class Votes:
    """Every vote of one database. `clock` gives seconds since the epoch."""

    database: Database
    clock: Callable[[], float]

    async def cast(
        self, library: Library, experience_id: str, voter: str, *, up: bool, reason: str | None = None
    ) -> Cast:
        """Vote on the current version; a second vote of the same voter replaces the first.

        What three voters agree on is done in the same transaction: see `Tally.verdict`. Raises UnknownExperience.
        """

        async def write(connection: AsyncConnection) -> Cast:
            current = await _locked(connection, library)
            experience = await _experience(connection, current, experience_id)
            await self._store(
                connection, current, experience, Vote(voter, up, experience.version, reason, self.clock())
            )
            tally, reasons = await _counted(connection, current, experience)
            return await self._decide(connection, current, experience, tally, reasons)

        return await self.database.write(write)

    async def _store(self, connection: AsyncConnection, library: Library, experience: Experience, vote: Vote) -> None:
        opinion = {"up": vote.up, "reason": vote.reason, "content": experience.content, "created_at": vote.created_at}
        insert = self.database.dialect.insert(votes).values(
            library_id=library.id, experience_id=experience.id, version=vote.version, voter=vote.voter, **opinion
        )
        keys = [votes.c.library_id, votes.c.experience_id, votes.c.version, votes.c.voter]
        await connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=opinion))

    async def _decide(
        self, connection: AsyncConnection, library: Library, experience: Experience, tally: Tally, reasons: list[str]
    ) -> Cast:
        operation = await _operation(connection, library, experience, tally, reasons)
        if operation is None:
            return Cast(tally, experience, None)
        cause = f"{experience.id}: {operation.reason}"
        proposal = Proposal(library, cause, AUTHOR, experience.analyst, (operation,), reviewed=True)
        committed = await commit_proposal(connection, self.database, proposal)
        return Cast(tally, await _experience(connection, library, experience.id), committed.revision)

    async def on(self, library: Library, experience_id: str) -> list[Vote]:
        """The votes on every version of an experience, oldest first."""
        where = (votes.c.library_id == library.id) & (votes.c.experience_id == experience_id)
        found = await self.database.rows(select(votes).where(where).order_by(votes.c.created_at, votes.c.voter))
        return [_vote(row) for row in found]

    async def tallies(self, library: Library) -> dict[str, Tally]:
        """Experience id → the votes on its current version, for those that have any."""
        current = and_(
            experiences.c.library_id == votes.c.library_id,
            experiences.c.id == votes.c.experience_id,
            experiences.c.version == votes.c.version,
        )
        counted = (
            select(votes.c.experience_id, votes.c.up, func.count().label("voters"))
            .join_from(votes, experiences, current)
            .where(votes.c.library_id == library.id)
            .group_by(votes.c.experience_id, votes.c.up)
        )
        async with self.database.read() as connection:
            found = (await connection.execute(counted)).all()
        sums: dict[str, dict[bool, int]] = {}
        for row in found:
            sums.setdefault(row.experience_id, {})[row.up] = row.voters
        return {experience_id: Tally(each.get(True, 0), each.get(False, 0)) for experience_id, each in sums.items()}

    async def judged(self, library: Library) -> list[VoteCount]:
        """The texts on which three voters agreed, whatever version, retired or not."""
        version = (votes.c.experience_id, votes.c.version)
        enough = select(*version).where(votes.c.library_id == library.id).group_by(*version)
        decided = enough.having(func.count() >= VOTERS).subquery()
        same = and_(votes.c.experience_id == decided.c.experience_id, votes.c.version == decided.c.version)
        statement = select(votes).join_from(votes, decided, same).where(votes.c.library_id == library.id)
        found = await self.database.rows(statement.order_by(*version, votes.c.created_at))
        cast: dict[tuple[str, int], list[RowMapping]] = {}
        for row in found:
            cast.setdefault((row["experience_id"], row["version"]), []).append(row)
        return [each for ballots in cast.values() if (each := _judged(ballots))]


def _vote(row: RowMapping) -> Vote:
    return Vote(**{name: row[name] for name in Vote.__dataclass_fields__})


def _judged(ballots: list[RowMapping]) -> VoteCount | None:
    cast = [_vote(row) for row in ballots]
    verdict = Tally.of(cast).verdict
    if verdict == "open":
        return None
    reasons = _reasons(cast, up=verdict == "backed")
    return VoteCount(ballots[0]["experience_id"], ballots[0]["content"], verdict, reasons[-1] if reasons else None)


def _reasons(cast: list[Vote], *, up: bool) -> list[str]:
    return [vote.reason for vote in cast if vote.reason and vote.up is up]


async def _locked(connection: AsyncConnection, library: Library) -> Library:
    """The library as it is now, held until the transaction ends, so that votes are counted one after the other."""
    owned = select(libraries).where(libraries.c.id == library.id).with_for_update(key_share=True)
    return rows.library((await connection.execute(owned)).mappings().one())


async def _experience(connection: AsyncConnection, library: Library, experience_id: str) -> Experience:
    where = (experiences.c.library_id == library.id) & (experiences.c.id == experience_id)
    row = (await connection.execute(select(experiences).where(where))).mappings().first()
    if row is None:
        raise UnknownExperience(
            f"Library {library.name!r} has no experience {experience_id[:40]!r}: "
            "pass an id that get_experiences served."
        )
    return rows.experience(row)


def _on(library: Library, experience: Experience) -> ColumnElement[bool]:
    return and_(
        votes.c.library_id == library.id, votes.c.experience_id == experience.id, votes.c.version == experience.version
    )


async def _counted(connection: AsyncConnection, library: Library, experience: Experience) -> tuple[Tally, list[str]]:
    """The votes on the current version, and the reasons of the winning side."""
    found = await connection.execute(select(votes).where(_on(library, experience)).order_by(votes.c.created_at))
    cast = [_vote(row) for row in found.mappings()]
    tally = Tally.of(cast)
    return tally, _reasons(cast, up=tally.verdict == "backed")


async def _operation(
    connection: AsyncConnection, library: Library, experience: Experience, tally: Tally, reasons: list[str]
) -> Operation | None:
    """The operation that the votes decide, or None where nothing is decided or it is so already."""
    if experience.pinned:
        return None  # a person's
    said = f": {reasons[-1]}" if reasons else ""
    if tally.verdict == "rejected" and experience.status != "retired":
        return Operation(
            "DELETE", f"voted down by {number_of(tally.down, 'voter')}, none for it{said}", target=experience.id
        )
    if tally.verdict != "backed" or experience.status == "active":
        return None
    if experience.status == "retired" and not await _retired_by_votes(connection, library, experience):
        return None
    reason = f"backed by {number_of(tally.up, 'voter')}, {tally.down} against{said}"
    return Operation("KEEP", reason, target=experience.id, status="active")


async def _retired_by_votes(connection: AsyncConnection, library: Library, experience: Experience) -> bool:
    """True where votes retired it: what rewards, people or the learner retired, votes don't bring back."""
    owned = (revisions.c.library_id == library.id) & (revisions.c.number == experience.updated_revision)
    author = (await connection.execute(select(revisions.c.author).where(owned))).scalar_one_or_none()
    return author == AUTHOR
