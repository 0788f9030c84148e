"""The demo is a real closed loop: what it gains, it gains by learning from rewards."""

from __future__ import annotations

import asyncio
import re
from statistics import fmean

from explib_server.demo.rounds import Plan, play

PRACTICE = 18
SHUFFLED_SEEDS = (1, 2, 3)


async def test_learning_from_rewards_gains_on_tasks_that_were_not_practised() -> None:
    round_ = await play(1, Plan(practice=PRACTICE, held_out=60))
    assert round_.after - round_.before >= 0.2
    assert round_.status.groups.get("learned", 0) > 0
    assert round_.status.trajectories == 5 * PRACTICE
    assert re.search(r"^\[e\d+\]\. When ", round_.lessons, re.MULTILINE)


async def test_with_the_learner_off_nothing_changes() -> None:
    round_ = await play(2, Plan(practice=6, held_out=40, learner="off"))
    assert round_.after == round_.before
    assert (round_.status.revision, round_.status.experiences) == (0, {})
    assert round_.status.groups.get("learned", 0) == 0


async def test_with_shuffled_rewards_there_is_no_gain() -> None:
    plan = Plan(practice=PRACTICE, held_out=40, shuffle_rewards=True)
    rounds = await asyncio.gather(*(play(seed, plan) for seed in SHUFFLED_SEEDS))
    assert abs(fmean(each.after - each.before for each in rounds)) < 0.12
    assert all(each.status.groups.get("learned", 0) > 0 for each in rounds)
