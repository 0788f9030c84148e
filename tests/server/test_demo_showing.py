"""What the demo says that it does is what it does."""

from __future__ import annotations

from explib_server.demo.loop import Plan
from explib_server.demo.showing import plan_text


def test_the_plan_tells_of_learning_and_of_real_rewards_only_where_they_are() -> None:
    usual = plan_text(Plan(), 4, "contrast")
    assert "with their rewards, background learning by the [bold]contrast[/bold] analyst" in usual
    assert "with their rewards, no learning, and then" in plan_text(Plan(learner="off"), 4, "contrast")
    assert "with each other's rewards, background learning" in plan_text(Plan(shuffle_rewards=True), 4, "contrast")
