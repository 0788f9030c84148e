"""What stands between an experience and those who are no persons: pins, and what rewards say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from explib.evidence.ledger import experience_key
from explib.evidence.verdicts import HELPS, lift_summary, numbers
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import Operation
from explib.storage.database import Database
from explib.storage.evidence.accounts import accounts_of

LEARNER = "learner"
AUTOMATIC = frozenset({LEARNER, "evidence", "votes"})
"""Authors that are no persons: what a person pinned is not theirs to change."""


def pinned(current: Mapping[str, Experience]) -> dict[str, str]:
    """Experience id → why only a person changes it."""
    held = [known.id for known in current.values() if known.pinned]
    return {identity: f"experience {identity} is pinned: only a person changes it" for identity in held}


async def proven(
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
