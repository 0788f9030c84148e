"""Submissions on their way into a database: each stored once, in its group, or met again and corrected."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass, replace

from sqlalchemy import RowMapping, UpdateBase, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import IdempotencyConflict, RewardConflict, UnknownRetrieval
from explib.ids import is_id, new_id
from explib.models.groups import Group
from explib.models.libraries import Library
from explib.models.submissions import Grade, Receipt, Submission
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.engine import MakeInsert
from explib.storage.evidence.counters import IS_RECORDED
from explib.storage.statements import CompiledStatement
from explib.storage.tables.evidence import retrievals
from explib.storage.tables.libraries import libraries
from explib.storage.tables.trajectories import groups, trajectories, trajectory_bodies
from explib.storage.trajectories.corrections import Brought, correct
from explib.storage.trajectories.rewards import group_row, is_trajectory, regrade, regroup, scored
from explib.trajectories import encode_steps
from explib.trajectories.readiness import group_id, group_key
from explib.trajectories.rewards import checked_reward

AT_ONCE_CHARACTERS = 4_096
"""Steps of so many characters are packed at once, faster than a thread takes them over."""
KEPT = ("task", "answer", "ground_truth", "retrieval_id", "agent", "model", "submitter", "redactions")
INSERTED = (
    "id",
    "library_id",
    "group_id",
    "submission_key",
    "content_hash",
    "reward",
    "feedback",
    "created_at",
    "graded_at",
    "graded_by",
    "reward_source",
    "idempotency_key",
)
HASHED = ("task", "steps", "answer", "ground_truth", "retrieval_id", "group", "agent", "model")
# Built once: building a statement takes longer than running it.
_SUBMITTED = (
    select(trajectories)
    .where(trajectories.c.library_id == bindparam("owner"), trajectories.c.submission_key == bindparam("submission"))
    .with_for_update(key_share=True)
)
_BEGUN = (
    select(libraries, trajectories.c.id.label("known"))
    .outerjoin_from(
        libraries,
        trajectories,
        (trajectories.c.library_id == libraries.c.id) & (trajectories.c.submission_key == bindparam("submission")),
    )
    .where(libraries.c.id == bindparam("owner"))
    .with_for_update(read=True, key_share=True, of=libraries)
)


@dataclass(frozen=True, slots=True)
class Submissions:
    """Takes submissions in."""

    database: Database

    async def submit(self, library: Library, submission: Submission) -> Receipt:
        """As `Trajectories.submit` says."""
        if submission.reward is not None:
            submission = replace(submission, reward=checked_reward(submission.reward, library.settings))
        is_short = sum(len(step.text) for step in submission.steps) <= AT_ONCE_CHARACTERS
        body, content = _packed(submission) if is_short else await asyncio.to_thread(_packed, submission)

        async def store(connection: AsyncConnection) -> Receipt:
            return await self._store(connection, library, submission, body, content)

        return await self.database.write(store, idempotent=True, explicit_locks=True)

    async def _store(
        self, connection: AsyncConnection, library: Library, submission: Submission, body: bytes, content: str
    ) -> Receipt:
        key = _submission_key(submission, content)
        library, is_known = await _begun(connection, library, key)
        if submission.reward is not None:
            checked_reward(submission.reward, library.settings)
        stored = await _submitted(connection, library, key) if is_known else None
        if stored is not None:
            return await self._again(connection, library, stored, submission, (body, content))
        submission = await self._with_retrieval(connection, library, submission)
        group = await self._group(connection, library, submission)
        trajectory_id = await self._insert(connection, library, group.id, submission, key, content)
        stored = None if trajectory_id else await _submitted(connection, library, key)
        if stored is not None:  # by another at the same time
            return await self._again(connection, library, stored, submission, (body, content))
        await connection.execute(
            trajectory_bodies.insert(), {"trajectory_id": trajectory_id, "library_id": library.id, "body": body}
        )
        fresh = await regroup(connection, library, group, news=True)
        receipt = Receipt(trajectory_id, duplicate=False, group=fresh, redactions=submission.redactions)
        return await scored(connection, self.database, library, submission.retrieval_id, receipt)

    async def _with_retrieval(
        self, connection: AsyncConnection, library: Library, submission: Submission
    ) -> Submission:
        """The submission under the retrieval that it names, else under its session's, if that is on record.

        Raises UnknownRetrieval.
        """
        if submission.retrieval_id is not None:
            await _check_retrieval(connection, library, submission.retrieval_id)
            return submission
        served = submission.open_retrieval_id
        if served is None or not await _is_recorded(connection, library, served):
            return submission
        return replace(submission, retrieval_id=served)

    async def _again(
        self,
        connection: AsyncConnection,
        library: Library,
        stored: RowMapping,
        submission: Submission,
        packed: tuple[bytes, str],
    ) -> Receipt:
        body, content = packed
        if submission.corrects:
            group = await self._group(connection, library, submission)
            receipt = await correct(connection, library, stored, Brought(submission, body, content, group))
            retrieval_id = stored["retrieval_id"] if "reward" in receipt.corrected else None
            return await scored(connection, self.database, library, retrieval_id, receipt)
        if stored["content_hash"] != content:
            raise IdempotencyConflict
        if submission.reward is not None and stored["reward"] is None:
            grade = Grade(submission.reward, submission.feedback, submission.submitter, source=submission.reward_source)
            receipt = await regrade(connection, library, stored, grade)
            return replace(
                await scored(connection, self.database, library, stored["retrieval_id"], receipt), duplicate=True
            )
        if submission.reward is not None and submission.reward != stored["reward"]:
            raise RewardConflict(
                f"This trajectory is stored as {stored['id']} with reward {stored['reward']:g}: "
                "to correct the reward call report_reward; for another attempt pass its own idempotency_key."
            )
        if submission.feedback is not None and stored["feedback"] is None:
            same = is_trajectory(library, stored["id"])
            await connection.execute(update(trajectories).where(same).values(feedback=submission.feedback))
        group = await group_row(connection, library, stored["group_id"])
        return Receipt(stored["id"], duplicate=True, group=group, redactions=stored["redactions"])

    async def _group(self, connection: AsyncConnection, library: Library, submission: Submission) -> Group:
        """The submission's group, new or not, held until the transaction ends."""
        key = group_key(submission.task, submission.group)
        values = {
            "id": group_id(library.id, key),
            "library_id": library.id,
            "key": key,
            "task": submission.task,
            "state": "waiting",
            "reason": "",
            "size": 0,
            "graded": 0,
            "reward_total": 0.0,
            "graded_version": 0,
            "tries": 0,
            "not_before": 0.0,
            "updated_at": time.time(),
        }
        [row] = await _LOCKED_GROUP.rows(connection, self.database, **values)
        return Group(*row)

    async def _insert(
        self,
        connection: AsyncConnection,
        library: Library,
        group: str,
        submission: Submission,
        key: str,
        content: str,
    ) -> str:
        """The new trajectory's id, or nothing where another has just used the key."""
        trajectory_id, now = new_id("t"), time.time()
        graded = submission.reward is not None
        values = {
            "id": trajectory_id,
            "library_id": library.id,
            "group_id": group,
            "submission_key": key,
            "content_hash": content,
            "reward": submission.reward,
            "feedback": submission.feedback,
            "created_at": now,
            "graded_at": now if graded else None,
            "graded_by": submission.submitter if graded else None,
            "reward_source": submission.reward_source if graded else None,
            "idempotency_key": submission.idempotency_key,
            **{name: getattr(submission, name) for name in KEPT},
        }
        inserted = await _NEW_TRAJECTORY.rows(connection, self.database, **values)
        return trajectory_id if inserted else ""


def _packed(submission: Submission) -> tuple[bytes, str]:
    """The steps as they are stored, and the hash of all that tells the submission from others."""
    return encode_steps(submission.steps), _digest(repr([getattr(submission, name) for name in HASHED]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _submission_key(submission: Submission, content: str) -> str:
    """The key under which a submission is stored once: by its idempotency key or content, for each access token."""
    kind, text = ("key", submission.idempotency_key) if submission.idempotency_key else ("content", content)
    return f"{kind}:{_digest(text if submission.owner is None else f'{submission.owner} {text}')}"


async def _begun(connection: AsyncConnection, library: Library, key: str) -> tuple[Library, bool]:
    """The library as it is now, whose settings stay so until the transaction ends; whether the key is stored."""
    found = await connection.execute(_BEGUN, {"owner": library.id, "submission": key})
    row = found.mappings().one()
    return rows.library(row), row["known"] is not None


async def _submitted(connection: AsyncConnection, library: Library, key: str) -> RowMapping | None:
    """The trajectory of this key, which nobody else changes until the transaction ends."""
    found = await connection.execute(_SUBMITTED, {"owner": library.id, "submission": key})
    return found.mappings().first()


async def _check_retrieval(connection: AsyncConnection, library: Library, retrieval_id: str) -> None:
    """Raises UnknownRetrieval for what can't be a retrieval of this library.

    One that is on record nowhere may have been lost with the process that made it: that is no reason to lose the
    attempt too.
    """
    owners = select(retrievals.c.library_id).where(retrievals.c.id == retrieval_id)
    library_ids = (await connection.execute(owners)).scalars().all()
    if library.id not in library_ids and (library_ids or not is_id(retrieval_id, "r")):
        raise UnknownRetrieval


async def _is_recorded(connection: AsyncConnection, library: Library, retrieval_id: str) -> bool:
    return (await connection.execute(IS_RECORDED, {"owner": library.id, "retrieval": retrieval_id})).first() is not None


def _locking_group(make_insert: MakeInsert) -> UpdateBase:
    """A group's row, new or not, held until the transaction ends."""
    insert = make_insert(groups).values({column.name: bindparam(column.name) for column in groups.columns})
    locked = insert.on_conflict_do_update(index_elements=["library_id", "id"], set_={"key": insert.excluded.key})
    return locked.returning(*(groups.c[name] for name in Group.__dataclass_fields__))


def _inserting_trajectory(make_insert: MakeInsert) -> UpdateBase:
    insert = make_insert(trajectories).values({name: bindparam(name) for name in (*INSERTED, *KEPT)})
    once = insert.on_conflict_do_nothing(index_elements=["library_id", "submission_key"])
    return once.returning(trajectories.c.id)


_LOCKED_GROUP = CompiledStatement(_locking_group)
_NEW_TRAJECTORY = CompiledStatement(_inserting_trajectory)
