"""Times in the database that lie ahead of its clock: a clock that was ahead has left them behind."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, func, select

from explib.storage.database import Database
from explib.storage.learning.leases import LONGEST_SECONDS
from explib.storage.learning.model_calls import CLOCKS_APART_SECONDS, RESERVED_SECONDS
from explib.storage.maintenance.check import EXAMPLES, Defect
from explib.storage.tables.learning import analysis_steps, leases, model_calls, token_reservations
from explib.storage.tables.trajectories import groups, trajectories
from explib.storage.trajectories.groups import LONGEST_WAIT_SECONDS

ADVICE = "set the machine's clock right; they count as past already, and `explib learn --release` ends the leases"


async def times_ahead(database: Database) -> list[Defect]:
    """Leases, waits, reservations and records further ahead than anybody may set them."""
    searched: list[tuple[str, Column[float], Column[str], float]] = [
        ("a lease", leases.c.expires_at, leases.c.name, LONGEST_SECONDS),
        ("a wait of a group", groups.c.not_before, groups.c.id, LONGEST_WAIT_SECONDS),
        ("a question to an agent", analysis_steps.c.leased_until, analysis_steps.c.id, LONGEST_SECONDS),
        ("a reservation of tokens", token_reservations.c.expires_at, token_reservations.c.id, RESERVED_SECONDS),
        ("a model call", model_calls.c.created_at, model_calls.c.request_hash, CLOCKS_APART_SECONDS),
        ("a trajectory", trajectories.c.created_at, trajectories.c.id, CLOCKS_APART_SECONDS),
    ]
    defects = [await _ahead(database, *each) for each in searched]
    return [defect for defect in defects if defect.count]


async def _ahead(
    database: Database, what: str, time: Column[float], name: ColumnElement[str], longest: float
) -> Defect:
    ahead = time > database.now() + longest
    count = int(await database.scalar(select(func.count()).where(ahead)))
    rows = await database.rows(select(name.label("name")).where(ahead).order_by(name).limit(EXAMPLES)) if count else ()
    return Defect(f"{what} that is dated in the future", count, tuple(str(row["name"]) for row in rows), ADVICE)
