"""Retrievals whose draws are known, and whether the accounts are what they make them."""

from __future__ import annotations

from explib.evidence.ledger import Counters
from explib.ids import new_id
from explib.models.libraries import Library
from explib.models.retrievals import Retrieval, Serving
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.maintenance.audit import wrong_counters
from explib.storage.store import Store


def drawn(*served: bool, task: str = "a task", holdout: float = 0.0, held_out: bool = False) -> Retrieval:
    """A retrieval of e1, e2, … by fair coins."""
    servings = tuple(Serving(f"e{number}", 1, 1.0, 0.5, each) for number, each in enumerate(served, start=1))
    return Retrieval(new_id("r"), task, 1, servings, 0.0, holdout=holdout, held_out=held_out)


async def recorded(store: Store, library: Library, retrieval: Retrieval) -> Retrieval:
    """As it is in the database, with its baselines."""
    store.retrievals.record_behind(library, retrieval)
    await store.retrievals.flush()
    return await store.retrievals.get(library, retrieval.id)


def attempt(
    retrieval: Retrieval, reward: float | None = None, agent: str | None = None, submitter: str | None = None
) -> Submission:
    steps = (Step("assistant", "done"),)
    return Submission(retrieval.task, steps, reward, agent=agent, retrieval_id=retrieval.id, submitter=submitter)


async def misstatements(store: Store) -> list[str]:
    """Whether the accounts are what the recorded retrievals and what counts of their rewards make them."""
    async with store.database.read() as connection:
        return await wrong_counters(connection)


def same(one: Counters, other: Counters) -> bool:
    """Equal but for the rounding of sums."""
    exact = (one.served, one.rewarded, one.sums.n, one.missing.n)
    pairs = [(mine, theirs) for mine, theirs in zip(_floats(one), _floats(other), strict=True)]
    return exact == (other.served, other.rewarded, other.sums.n, other.missing.n) and all(
        abs(mine - theirs) < 1e-9 for mine, theirs in pairs
    )


def _floats(account: Counters) -> list[float]:
    return [value for sums in (account.sums, account.missing) for value in (sums.s, sums.w, sums.v)]
