"""The effects of a reward: on its trajectory, and on the state of that one's group."""

from __future__ import annotations

import time
from dataclasses import replace

from sqlalchemy import ColumnElement, RowMapping, bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import RewardConflict
from explib.models.groups import Group
from explib.models.libraries import Library
from explib.models.submissions import Grade, Receipt
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.evidence.counters import apply_reward
from explib.storage.tables.trajectories import groups, trajectories
from explib.trajectories.readiness import readiness
from explib.trajectories.rewards import yields

UNTIED = (
    "the retrieval that it names is not on record, because what served it ended too early: the attempt is stored, "
    "but it counts for no lesson that was served"
)


async def regrade(connection: AsyncConnection, library: Library, stored: RowMapping, grade: Grade) -> Receipt:
    """Give the trajectory of row `stored` its reward, or correct it; the same once more changes nothing.

    Raises RewardConflict where the stored reward is signed and this one isn't, or was signed earlier, and where a
    person gave it and an agent would change it.
    """
    group, changed = str(stored["group_id"]), stored["reward"] != grade.reward
    _check_vouched(stored, grade, changed=changed)
    signature = grade.signature
    vouched = signature is not None and (stored["signed_at"] is None or signature.at > stored["signed_at"])
    firmer = not changed and stored["reward_source"] is not None and yields(stored["reward_source"], grade.source)
    if not changed and not vouched and not firmer and grade.feedback in {None, stored["feedback"]}:
        return Receipt(stored["id"], duplicate=True, group=await group_row(connection, library, group))
    values: dict[str, object] = {"feedback": stored["feedback"] if grade.feedback is None else grade.feedback}
    if changed or firmer:
        values.update(reward=grade.reward, graded_at=time.time(), graded_by=grade.reporter or stored["submitter"])
        values.update(reward_source=grade.source)
    if signature is not None and vouched:  # the key vouches for the reward, so it counts for who made the attempt
        values.update(signed_by=signature.key_id, signed_at=signature.at, graded_by=stored["submitter"])
        values.update(reward_source="environment")
    before = await lock_group(connection, library, group)
    await connection.execute(update(trajectories).where(is_trajectory(library, stored["id"])).values(**values))
    fresh = await regroup(connection, library, before, news=changed or firmer)
    return Receipt(stored["id"], duplicate=False, group=fresh, redactions=stored["redactions"])


def _check_vouched(stored: RowMapping, grade: Grade, *, changed: bool) -> None:
    if changed and stored["reward_source"] == "person" and grade.source == "agent" and grade.signature is None:
        raise RewardConflict(
            f"A person gave this reward ({stored['reward']:g}), which stays: `explib reward` corrects it, or the "
            "prompts good and bad."
        )
    if stored["signed_by"] is None or not changed:
        return
    if grade.signature is None:
        raise RewardConflict(
            f"This reward ({stored['reward']:g}) was signed by the environment: only a signed one corrects it."
        )
    if grade.signature.at <= stored["signed_at"]:
        raise RewardConflict(
            f"The stored reward ({stored['reward']:g}) was signed at {stored['signed_at']}, this one not later "
            f"({grade.signature.at}): sign the correction again."
        )


def is_trajectory(library: Library, trajectory_id: str) -> ColumnElement[bool]:
    """A condition for the row of one trajectory."""
    return (trajectories.c.library_id == library.id) & (trajectories.c.id == trajectory_id)


def is_group(library: Library, group: str) -> ColumnElement[bool]:
    """A condition for the row of one group."""
    return (groups.c.library_id == library.id) & (groups.c.id == group)


async def lock_group(connection: AsyncConnection, library: Library, group: str) -> Group:
    """The group as it stands, held until the transaction ends: its trajectories are counted one after the other."""
    held = await connection.execute(select(groups).where(is_group(library, group)).with_for_update(key_share=True))
    return rows.group(held.mappings().one())


async def group_row(connection: AsyncConnection, library: Library, group: str) -> Group:
    """The group as it stands."""
    return rows.group((await connection.execute(select(groups).where(is_group(library, group)))).mappings().one())


async def regroup(connection: AsyncConnection, library: Library, before: Group, *, news: bool) -> Group:
    """Count the group again; `news`, a new attempt or reward, is to be learned from.

    `before` is as whoever changed its trajectories had locked it.
    """
    counted = await connection.execute(_COUNTED, {"owner": library.id, "group": before.id})
    size, graded, total, kept = counted.one()
    values: dict[str, object] = {"size": size, "graded": graded, "reward_total": total or 0.0}
    values["updated_at"] = time.time()
    if news or before.state == "waiting":
        state, reason = readiness(kept, size - kept)
        values.update(state=state, reason=reason, tries=0, not_before=0.0)
        values["graded_version"] = before.graded_version + int(news)
    changed = await connection.execute(_CHANGED, {"owner": library.id, "group": before.id, **values})
    return rows.group(changed.mappings().one())


_COUNTED = select(
    func.count(),
    func.count(trajectories.c.reward),
    func.sum(trajectories.c.reward),
    func.count(case((trajectories.c.pruned_at.is_(None), 1))),
).where(trajectories.c.library_id == bindparam("owner"), trajectories.c.group_id == bindparam("group"))
_CHANGED = (
    update(groups).where(groups.c.library_id == bindparam("owner"), groups.c.id == bindparam("group")).returning(groups)
)
"""Built once: building a statement takes longer than running it."""


async def scored(
    connection: AsyncConnection, database: Database, library: Library, retrieval_id: str | None, receipt: Receipt
) -> Receipt:
    """The receipt, once the reward counts for the lessons that were served under the retrieval."""
    if retrieval_id is None:
        return receipt
    counted = await apply_reward(connection, database, library, retrieval_id)
    return replace(receipt, scored=counted or (), note=UNTIED if counted is None else "")
