"""The part of a library that a commit reads before it changes it: only what its operations name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import UnknownTrajectory
from explib.evidence.ledger import experience_key
from explib.evidence.verdicts import HELPS, lift_summary, numbers
from explib.history.apply import LibraryDraft, cited
from explib.models.experiences import Experience
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import LEARNER, Operation
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.evidence.accounts import accounts_of
from explib.storage.revisions.proposal import AUTOMATIC, Proposal
from explib.storage.tables.experiences import citations, experiences
from explib.storage.tables.trajectories import trajectories


async def draft_of(
    connection: AsyncConnection, database: Database, proposal: Proposal, row: RowMapping, settings: LibrarySettings
) -> LibraryDraft:
    """The library of `row`, which the caller holds, as far as the proposal concerns it. Raises UnknownTrajectory."""
    library = proposal.library
    current = await _concerned(connection, database, proposal)
    cites = await _citations(connection, database, library.id, current)
    helping: dict[str, str] = {}
    if proposal.author == LEARNER:
        helping = await _proven(connection, database, library, proposal.operations, current)
    return LibraryDraft(
        revision=row["revision"] + 1,
        next_number=row["next_experience"],
        capacity=settings.max_experiences,
        analyst=proposal.analyst,
        model=proposal.model,
        experiences=current,
        citations=rows.CITATIONS.validate_python(cites),
        groups_of=await _groups_of(connection, database, proposal, cites),
        read=proposal.read,
        protected=_pinned(current) if proposal.author in AUTOMATIC else {},
        proven=helping,
        others=row["served"] - sum(known.status != "retired" for known in current.values()),
    )


async def _concerned(connection: AsyncConnection, database: Database, proposal: Proposal) -> dict[str, Experience]:
    """The experiences that the operations name, and those whose text one of them would add again."""
    named = {name for each in proposal.operations for name in each.named}
    added = {rows.content_hash(each.content) for each in proposal.operations if each.kind == "ADD" and each.content}
    owned = select(experiences).where(experiences.c.library_id == proposal.library.id)
    concerned: dict[str, Experience] = {}
    columns = ((experiences.c.id, named | proposal.continues.keys()), (experiences.c.content_hash, added))
    for column, values in columns:
        if values:  # one statement for both would use neither index
            found = await connection.execute(owned.where(database.dialect.among(column, values)))
            concerned |= {each["id"]: rows.experience(each) for each in found.mappings()}
    return concerned


async def _citations(
    connection: AsyncConnection, database: Database, library_id: int, current: dict[str, Experience]
) -> dict[str, dict[str, str]]:
    owned = (citations.c.library_id == library_id) & database.dialect.among(citations.c.experience_id, current)
    cites: dict[str, dict[str, str]] = {}
    for each in await connection.execute(select(citations).where(owned)):
        cites.setdefault(each.experience_id, {})[each.trajectory_id] = each.stance
    return cites


async def _groups_of(
    connection: AsyncConnection, database: Database, proposal: Proposal, cites: dict[str, dict[str, str]]
) -> dict[str, str]:
    """Trajectory id → group id, of those that are cited now or were by the experiences concerned."""
    named = cited(proposal.operations)
    wanted = database.dialect.among(trajectories.c.id, named.union(*cites.values()))
    owned = (trajectories.c.library_id == proposal.library.id) & wanted
    members = await connection.execute(select(trajectories.c.id, trajectories.c.group_id).where(owned))
    groups_of = {each.id: each.group_id for each in members}
    if unknown := named - groups_of.keys():
        raise UnknownTrajectory(f"The operations cite trajectories that this library does not have: {sorted(unknown)}")
    return groups_of


def _pinned(current: Mapping[str, Experience]) -> dict[str, str]:
    """Experience id → why only a person changes it."""
    held = [known.id for known in current.values() if known.pinned]
    return {experience_id: f"experience {experience_id} is pinned: only a person changes it" for experience_id in held}


async def _proven(
    connection: AsyncConnection,
    database: Database,
    library: Library,
    operations: Iterable[Operation],
    current: Mapping[str, Experience],
) -> dict[str, str]:
    """Id → why a learner, who has seen a few attempts, doesn't remove it: rewards say that it helps."""
    removed = {each.target for each in operations if each.kind == "DELETE"}
    named = [known for known in current.values() if known.id in removed]
    keys = {experience_key(known.id, known.version): known.id for known in named}
    accounts = await accounts_of(connection, database, library.id, keys)
    return {
        keys[key]: f"rewards say that experience {keys[key]} helps: {numbers(account.believed)}"
        for key, account in accounts.items()
        if lift_summary(account.believed).label in HELPS
    }
