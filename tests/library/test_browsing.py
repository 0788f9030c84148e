"""Attempts as people look through them, and what was spent, on both engines."""

from __future__ import annotations

import pytest
from library.evidence_cases import attempt, drawn

from explib.models.learning import ModelCall
from explib.models.libraries import Library
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.store import Store

DAY = 86_400


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_attempts_come_in_pages_the_newest_first(store: Store, library: Library) -> None:
    ids = []
    for number, reward in enumerate((0.2, None, 0.6, 1.0)):
        submission = Submission(f"Ship 100% of order {number}", (Step("assistant", "done"),), reward)
        ids.append((await store.trajectories.submit(library, submission)).trajectory_id)
    retrieval = drawn(True, False)
    store.retrievals.record_behind(library, retrieval)
    await store.retrievals.flush()
    served = (await store.trajectories.submit(library, attempt(retrieval, 0.5))).trajectory_id

    async def page(limit: int = 10, **wanted: str) -> list[str]:
        return [each.id for each in await store.attempts.page(library, limit, **wanted)]  # type: ignore[arg-type]

    newest = [served, *reversed(ids)]
    assert await page() == newest
    assert await page(2, before=newest[1]) == newest[2:4]
    assert await page(kind="ungraded") == [ids[1]]
    assert await page(kind="served") == [served]
    assert await page(text="100% OF ORDER 3") == [ids[3]]
    assert await store.attempts.served_in(library, [retrieval.id]) == {retrieval.id: ["e1"]}
    days = {each.served: (each.attempts, each.mean) for each in await store.attempts.by_day(library, 0.0)}
    assert days == {False: (3, pytest.approx(0.6)), True: (1, 0.5)}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_what_was_spent_is_told_by_day_and_step(store: Store) -> None:
    for number, (step, at) in enumerate((("codes", 1.0), ("codes", DAY - 1.0), ("points", DAY + 1.0))):
        await store.model_calls.save(ModelCall(f"h{number}", step, "p", "m", "{}", 10, 5, at))
    spent = [(each.at, each.step, each.calls, each.prompt_tokens) for each in await store.model_calls.by_day(0.0)]
    assert spent == [(0, "codes", 2, 20), (DAY, "points", 1, 10)]
    assert len(await store.model_calls.by_day(float(DAY))) == 1
