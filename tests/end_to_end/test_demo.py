"""The demo is a real closed loop: what it gains, it gains by learning from rewards."""

from __future__ import annotations

import re

from explib_server.demo.rounds import Plan, play


async def test_learning_from_rewards_gains_on_tasks_that_were_not_practised() -> None:
    round_ = await play(1, Plan(lone=80, repeated=2, held_out=40))
    assert round_.after - round_.before >= 0.2
    assert round_.status.experiences["active"] >= 4
    assert round_.status.graded == 90
    numbers = r"\+\.\d\d of the reward \(.*\), \d+ against \d+ attempts, .*lone"
    assert re.search(rf"^\[e\d+\]\. When .*\n    {numbers}", round_.lessons, re.MULTILINE)


async def test_with_the_learner_off_nothing_changes() -> None:
    round_ = await play(2, Plan(lone=8, repeated=1, held_out=20, learner="off"))
    assert round_.after == round_.before
    assert (round_.status.revision, round_.status.experiences) == (0, {})


async def test_with_exchanged_rewards_there_is_no_gain() -> None:
    round_ = await play(3, Plan(lone=80, repeated=2, held_out=40, shuffle_rewards=True))
    assert abs(round_.after - round_.before) < 0.12
    assert round_.status.groups.get("learned", 0) > 0
