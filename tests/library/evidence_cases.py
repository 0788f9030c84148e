"""Retrievals whose draws are known, and the accounts as they must be: entered anew from what is recorded."""

from __future__ import annotations

from sqlalchemy import select

from explib.evidence.ledger import Account, Key, entries_of_retrievals, entries_of_reward
from explib.ids import new_id
from explib.models.libraries import Library
from explib.models.retrievals import Retrieval, Serving
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage import rows
from explib.storage.store import Store
from explib.storage.tables.evidence import retrievals


def drawn(*served: bool, task: str = "a task", holdout: float = 0.0, held_out: bool = False) -> Retrieval:
    """A retrieval of e1, e2, … by fair coins."""
    servings = tuple(Serving(f"e{number}", 1, 1.0, 0.5, each) for number, each in enumerate(served, start=1))
    return Retrieval(new_id("r"), task, 1, servings, 0.0, holdout=holdout, held_out=held_out)


async def recorded(store: Store, library: Library, retrieval: Retrieval) -> Retrieval:
    """As it is in the database, with its baselines."""
    store.retrievals.record_behind(library, retrieval)
    await store.retrievals.settled()
    return await store.retrievals.get(library, retrieval.id)


def attempt(
    retrieval: Retrieval, reward: float | None = None, agent: str | None = None, submitter: str | None = None
) -> Submission:
    steps = (Step("assistant", "done"),)
    return Submission(retrieval.task, steps, reward, agent=agent, retrieval_id=retrieval.id, submitter=submitter)


async def replayed(store: Store, library: Library) -> dict[Key, Account]:
    """The accounts as the recorded retrievals and what counts of their rewards make them."""
    total: dict[Key, Account] = {}
    async with store.database.read() as connection:
        found = await connection.execute(select(retrievals).where(retrievals.c.library_id == library.id))
        for retrieval in map(rows.retrieval, found.mappings()):
            parts = [entries_of_retrievals([retrieval])]
            if retrieval.reward is not None:
                parts.append(entries_of_reward(retrieval, None, retrieval.reward))
            for entries in parts:
                for key, entry in entries.items():
                    total[key] = total.get(key, Account()) + entry
    return total


def same(one: Account, other: Account) -> bool:
    """Equal but for the rounding of sums."""
    exact = (one.served, one.rewarded, one.sums.n, one.missing.n)
    pairs = [(mine, theirs) for mine, theirs in zip(_floats(one), _floats(other), strict=True)]
    return exact == (other.served, other.rewarded, other.sums.n, other.missing.n) and all(
        abs(mine - theirs) < 1e-9 for mine, theirs in pairs
    )


def _floats(account: Account) -> list[float]:
    return [value for sums in (account.sums, account.missing) for value in (sums.s, sums.w, sums.v)]
