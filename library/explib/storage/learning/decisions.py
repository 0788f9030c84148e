"""The codebook of each library: its decisions, the newest verdict on each, and the code of each attempt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.decisions import Code, CodebookEntry, CodebookUpdate, Decision
from explib.models.libraries import Library
from explib.models.trajectories import Trajectory
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.tables.decisions import codes, decisions
from explib.storage.tables.trajectories import trajectories

_DECISION = TypeAdapter(Decision)


@dataclass(frozen=True, slots=True)
class Codebooks:
    """The codebooks of every library of one database. `Revisions.commit` writes them with what was learned."""

    database: Database

    async def entries(self, library: Library, ids: Iterable[str] | None = None) -> list[CodebookEntry]:
        """The library's decisions, oldest first, each with its newest verdict; `ids`: only these."""
        where = decisions.c.library_id == library.id
        if ids is not None:
            where &= self.database.dialect.among(decisions.c.id, list(ids))
        found = await self.database.rows(select(decisions).where(where).order_by(decisions.c.number))
        return [_entry(row) for row in found]

    async def codes(self, library: Library) -> list[Code]:
        """Every code of the library's attempts."""
        statement = select(codes.c.decision_id, codes.c.trajectory_id, codes.c.letter)
        async with self.database.read() as connection:
            found = await connection.execute(statement.where(codes.c.library_id == library.id))
            return [Code(*row) for row in found]

    async def attempts(self, library: Library, decision_id: str) -> dict[str, list[Trajectory]]:
        """Letter → the attempts that took this option, newest first, without their steps."""
        owned = (codes.c.library_id == library.id) & (codes.c.decision_id == decision_id)
        joined = (codes.c.library_id == trajectories.c.library_id) & (codes.c.trajectory_id == trajectories.c.id)
        statement = select(codes.c.letter, trajectories).join_from(codes, trajectories, joined).where(owned)
        by_letter: dict[str, list[Trajectory]] = defaultdict(list)
        async with self.database.read() as connection:
            found = await connection.execute(statement.order_by(trajectories.c.id.desc()))
            for row in found.mappings():
                by_letter[row["letter"]].append(rows.trajectory(row))
        return dict(by_letter)


async def write_codebook(
    connection: AsyncConnection, database: Database, library_id: int, update: CodebookUpdate
) -> None:
    """Store what a learning run brings, inside the transaction of its revision."""
    if update.entries:
        insertion = database.dialect.insert(decisions)
        replaced = {name: insertion.excluded[name] for name in ("decision", "verdict", "weak_runs", "source")}
        await connection.execute(
            insertion.on_conflict_do_update(index_elements=["library_id", "id"], set_=replaced),
            [{"library_id": library_id, **_columns(entry)} for entry in update.entries],
        )
    if update.codes:
        insertion = database.dialect.insert(codes)
        keys = ["library_id", "decision_id", "trajectory_id"]
        await connection.execute(
            insertion.on_conflict_do_update(index_elements=keys, set_={"letter": insertion.excluded.letter}),
            _code_rows(library_id, update.codes),
        )


def _code_rows(library_id: int, new: Sequence[Code]) -> list[dict[str, object]]:
    return [
        {
            "library_id": library_id,
            "decision_id": code.decision_id,
            "trajectory_id": code.trajectory_id,
            "letter": code.letter,
        }
        for code in new
    ]


def _columns(entry: CodebookEntry) -> dict[str, object]:
    decision, verdict = entry.decision, entry.verdict
    return {
        "id": decision.id,
        "number": int(decision.id[1:]),
        "key": decision.key,
        "source": decision.source,
        "decision": _DECISION.dump_python(decision, mode="json"),
        "verdict": None if verdict is None else rows.VERDICT.dump_python(verdict, mode="json"),
        "weak_runs": entry.weak_runs,
    }


def _entry(row: RowMapping) -> CodebookEntry:
    verdict = None if row["verdict"] is None else rows.VERDICT.validate_python(row["verdict"])
    return CodebookEntry(_DECISION.validate_python(row["decision"]), verdict, row["weak_runs"])
