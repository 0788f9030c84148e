"""A desk with four conventions that nobody is told, and attempts at it that guess."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence

from explib.models.decisions import GradedAttempt
from explib.models.json_value import Json
from explib.models.trajectories import Attempt, Step, ToolCall, Trajectory

Made = tuple[str, Mapping[str, Json], str]
"""A call: name, arguments, answer."""


def attempt_of(trajectory_id: str, made: Sequence[Made], task: str = "Do it", answer: str = "Done.") -> Attempt:
    steps = [Step("user", task)]
    for number, (name, arguments, result) in enumerate(made):
        steps.append(Step("assistant", "", (ToolCall(f"c{number}", name, dict(arguments)),)))
        steps.append(Step("tool", result, (), f"c{number}"))
    steps.append(Step("assistant", answer))
    return Attempt(Trajectory(trajectory_id, trajectory_id, task, None), tuple(steps))


def desk(count: int, seed: int = 0) -> tuple[list[Attempt], list[GradedAttempt]]:
    """Conventions: look the customer up; weights in grams; approval from 500 on; the answer names the order."""
    dice = random.Random(seed)
    attempts, graded = [], []
    for number in range(count):
        look, grams, approve, told = (dice.random() < 0.5 for _ in range(4))
        order, total, kilos = f"O{1000 + number}", float(dice.randrange(100, 900)), float(dice.randrange(2, 30))
        record: Json = {"order": order, "customer": f"C{number + 10}", "total": total, "weight": kilos}
        made: list[Made] = [("get_order", {"order": order}, json.dumps(record))]
        if look:
            made.append(("get_customer", {"customer": f"C{number + 10}"}, json.dumps({"tier": "plain"})))
        if approve:
            made.append(("approve", {"order": order}, "ok"))
        made.append(("ship", {"order": order, "weight": kilos * 1000 if grams else kilos}, "ok"))
        kept = [look, grams, approve is (total >= 500), told]
        answer = f"Order {order} is on its way." if told else "It is on its way."
        attempts.append(attempt_of(f"t{number}", made, f"Ship order {order}.", answer))
        graded.append(GradedAttempt(f"t{number}", sum(kept) / len(kept)))
    return attempts, graded
