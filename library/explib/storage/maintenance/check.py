"""The invariants of a database, and their breaches: `explib db check`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import StorageError
from explib.storage.database import Database
from explib.storage.maintenance.audit import wrong_counters
from explib.storage.tables.trajectories import trajectory_bodies
from explib.trajectories import decode_steps

EXAMPLES = 5
"""Breaches of one rule that are named."""
BODIES = 100
"""Bodies that are read at a time."""
RESTORE = "restore a backup, or keep this copy for a look and go on with a new database"


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that should hold and doesn't: how often, a few examples, and what to do."""

    what: str
    count: int
    examples: tuple[str, ...]
    advice: str


@dataclass(frozen=True, slots=True)
class _Rule:
    what: str
    breaches: str
    """A SELECT of one column, `library/id` of each breach."""


RULES = (
    _Rule(
        "a trajectory without its steps",
        "SELECT t.library_id || '/' || t.id FROM trajectories t WHERE t.pruned_at IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM trajectory_bodies b WHERE b.library_id = t.library_id AND b.trajectory_id = t.id)",
    ),
    _Rule(
        "steps without a trajectory, or of one whose steps were pruned",
        "SELECT b.library_id || '/' || b.trajectory_id FROM trajectory_bodies b WHERE NOT EXISTS "
        "(SELECT 1 FROM trajectories t WHERE t.library_id = b.library_id AND t.id = b.trajectory_id "
        "AND t.pruned_at IS NULL)",
    ),
    _Rule(
        "a group whose size differs from its trajectories",
        "SELECT g.library_id || '/' || g.id FROM groups g WHERE g.size != (SELECT count(*) FROM trajectories t "
        "WHERE t.library_id = g.library_id AND t.group_id = g.id) OR g.graded != (SELECT count(t.reward) "
        "FROM trajectories t WHERE t.library_id = g.library_id AND t.group_id = g.id)",
    ),
    _Rule(
        "a trajectory without its group",
        "SELECT t.library_id || '/' || t.id FROM trajectories t WHERE NOT EXISTS "
        "(SELECT 1 FROM groups g WHERE g.library_id = t.library_id AND g.id = t.group_id)",
    ),
    _Rule(
        "a library whose revisions are not numbered from 1 to its newest",
        "SELECT l.id || '/' || l.name FROM libraries l WHERE l.revision != "
        "(SELECT count(*) FROM revisions r WHERE r.library_id = l.id AND r.number BETWEEN 1 AND l.revision) "
        "OR l.revision != (SELECT count(*) FROM revisions r WHERE r.library_id = l.id)",
    ),
    _Rule(
        "a revision that changed nothing",
        "SELECT r.library_id || '/' || r.number FROM revisions r WHERE r.settings = '' AND NOT EXISTS "
        "(SELECT 1 FROM operations o WHERE o.library_id = r.library_id AND o.revision = r.number)",
    ),
    _Rule(
        "a group learned in a revision that does not exist",
        "SELECT d.library_id || '/' || d.group_id FROM learned_groups d WHERE d.revision IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM revisions r WHERE r.library_id = d.library_id AND r.number = d.revision)",
    ),
    _Rule(
        "a learned group without its record",
        "SELECT g.library_id || '/' || g.id FROM groups g WHERE g.state = 'learned' AND NOT EXISTS "
        "(SELECT 1 FROM learned_groups d WHERE d.library_id = g.library_id AND d.group_id = g.id "
        "AND d.graded_version = g.graded_version)",
    ),
    _Rule(
        "an experience numbered beyond its library's counter",
        "SELECT e.library_id || '/' || e.id FROM experiences e JOIN libraries l ON l.id = e.library_id "
        "WHERE CAST(substr(e.id, 2) AS integer) >= l.next_experience",
    ),
    _Rule(
        "a library whose size differs from its experiences",
        "SELECT l.id || '/' || l.name FROM libraries l WHERE l.served != (SELECT count(*) FROM experiences e "
        "WHERE e.library_id = l.id AND e.status != 'retired')",
    ),
    _Rule(
        "a reward that is counted without an attempt that has one",
        "SELECT r.library_id || '/' || r.id FROM retrievals r WHERE r.reward IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM trajectories t WHERE t.library_id = r.library_id AND t.retrieval_id = r.id "
        "AND t.reward IS NOT NULL) AND CAST(r.layers AS text) = '[]' "  # else a layer's attempt, which may be deleted
        "AND substr(r.id, 1, 2) != 'p_'",  # a planned pair has none
    ),
    _Rule(
        "a citation of a trajectory that does not exist",
        "SELECT c.library_id || '/' || c.experience_id FROM citations c WHERE NOT EXISTS "
        "(SELECT 1 FROM trajectories t WHERE t.library_id = c.library_id AND t.id = c.trajectory_id)",
    ),
)


async def check(database: Database, *, deep: bool = False) -> list[Defect]:
    """Everything that should hold and doesn't; `deep` reads every trajectory's steps, too."""
    async with database.read() as connection:
        found = [_finding(rule, await _breaches(connection, rule)) for rule in RULES]
        wrong = await wrong_counters(connection)
        found.append(
            Defect("an evidence counter that differs from its retrievals", len(wrong), tuple(wrong[:EXAMPLES]), RESTORE)
        )
        engine = await database.dialect.check_storage(connection)
        found.append(Defect("damaged storage", len(engine), tuple(engine[:EXAMPLES]), RESTORE))
        if deep:
            found.append(await _unreadable(connection))
    return [each for each in found if each.count]


async def _breaches(connection: AsyncConnection, rule: _Rule) -> list[str]:
    return [str(row[0]) for row in await connection.execute(text(rule.breaches))]


def _finding(rule: _Rule, breaches: Sequence[str]) -> Defect:
    return Defect(rule.what, len(breaches), tuple(breaches[:EXAMPLES]), RESTORE)


async def _unreadable(connection: AsyncConnection) -> Defect:
    """The steps that cannot be read back."""
    damaged: list[str] = []
    result = await connection.stream(select(trajectory_bodies))
    async for part in result.mappings().partitions(BODIES):
        damaged += await asyncio.to_thread(_damaged, part)
    return Defect("steps that cannot be read back", len(damaged), tuple(damaged[:EXAMPLES]), RESTORE)


def _damaged(bodies: Sequence[RowMapping]) -> list[str]:
    damaged = []
    for row in bodies:
        try:
            decode_steps(row["body"])
        except StorageError:
            damaged.append(f"{row['library_id']}/{row['trajectory_id']}")
    return damaged
