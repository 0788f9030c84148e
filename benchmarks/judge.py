"""The judge of decisions: time, memory, and what it believes in worlds of which the truth is known.

    .venv/bin/python benchmarks/judge.py [--runs 10] [--shuffled 200] [--small]

Time is the processor's (one core), memory the most the process ever held, both with the fit's stop rule. Then, by kind
of world, the planted decisions that vary, and of them believed, candidate and "one of", right and wrong. Last the
same worlds with rewards dealt out anew: nothing that is found there is true. `--small` leaves the largest size out.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from judged_worlds import Plan, World, right, shuffled, that_vary, world
from measuring import keep, parser, show

from explib_learner.judging.judge import Judge, Judgement

SIZES = (
    Plan(decisions=30, lone=100),
    Plan(decisions=100, lone=150, groups=30),
    Plan(decisions=150, lone=300),
    Plan(decisions=200, planted=30, lone=2500, groups=500, noise=0.1),
)
KINDS = (
    Plan(lone=60),
    Plan(lone=240),
    Plan(lone=240, noise=0.1),
    Plan(lone=240, noise=0.2),
    Plan(lone=60, wrong_codes=0.03),
    Plan(lone=240, wrong_codes=0.03),
    Plan(lone=240, wrong_codes=0.1),
    Plan(lone=0, groups=10),
    Plan(lone=0, groups=40),
    Plan(lone=80, groups=12),
    Plan(lone=300, pass_fail=True),
    Plan(lone=1000, pass_fail=True),
)
CHANCE = (Plan(lone=60), Plan(lone=0, groups=10), Plan(lone=80, groups=12), Plan(lone=300, pass_fail=True))


@dataclass(frozen=True, slots=True)
class Found:
    """Mean numbers of decisions over the runs of one kind of world."""

    plan: Plan
    vary: float
    believed: float
    wrong: float
    candidates: float
    wrong_candidates: float
    seconds: float


@dataclass(frozen=True, slots=True)
class ByChance:
    """Runs over shuffled rewards."""

    plan: Plan
    runs: int
    with_belief: int
    candidates: float


@dataclass(frozen=True, slots=True)
class Size:
    """Processor seconds and megabytes of one step, and of a second one that starts where the first ended."""

    attempts: int
    decisions: int
    seconds: float
    warm_seconds: float
    megabytes: float


def judged(made: World) -> Judgement:
    return Judge().judge(made.decisions, made.codes, made.attempts)


def size(plan: Plan) -> Size:
    made = world(plan, 0)
    began = time.process_time()
    judgement = judged(made)
    ended = time.process_time()
    Judge().judge(made.decisions, made.codes, made.attempts, judgement.state)
    warm = time.process_time()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Size(len(made.attempts), plan.decisions, ended - began, warm - ended, most)


def found(plan: Plan, runs: int) -> Found:
    """Judge worlds of one kind. A candidate is also "one of"."""
    counts = [0.0] * 6
    for seed in range(runs):
        made = world(plan, seed)
        judgement = judged(made)
        counts[0] += len(that_vary(made))
        counts[5] += judgement.seconds
        for name, verdict in judgement.verdicts.items():
            if verdict.state != "unknown":
                wrong = not right(made, name, verdict.better)
                counts[(1 if verdict.state == "believed" else 3) + wrong] += 1
    return Found(plan, *(count / runs for count in counts))


def by_chance(plan: Plan, runs: int) -> ByChance:
    states = [[each.state for each in judged(made).verdicts.values()] for made in shuffled_worlds(plan, runs)]
    candidates = sum(each.count("candidate") + each.count("one of") for each in states)
    return ByChance(plan, runs, sum("believed" in each for each in states), candidates / runs)


def shuffled_worlds(plan: Plan, runs: int) -> Iterator[World]:
    for seed in range(runs):
        yield shuffled(world(plan, 10_000 + seed), seed)


def title(plan: Plan) -> str:
    """The plan in a few words."""
    grades = "pass/fail" if plan.pass_fail else f"graded, noise {plan.noise}"
    wrong = f", {plan.wrong_codes:.0%} wrong codes" if plan.wrong_codes else ""
    return f"{plan.groups} × {plan.group_size} + {plan.lone} lone, {grades}{wrong}"


def sized(chosen: argparse.Namespace) -> list[Size]:
    measured = [size(plan) for plan in (SIZES[:-1] if chosen.small else SIZES)]
    heading = ("attempts", "decisions", "s, with gate", "s, warm", "MB at most")
    rows: list[list[str | int | float]] = [
        [each.attempts, each.decisions, each.seconds, each.warm_seconds, each.megabytes] for each in measured
    ]
    show("one step on one core", heading, rows)
    return measured


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--shuffled", type=int, default=200)
    options.add_argument("--small", action="store_true")
    chosen = options.parse_args()
    sizes = sized(chosen)
    kinds = [found(plan, chosen.runs) for plan in KINDS] if chosen.runs else []
    show(
        "decisions found, of 12 planted among 40",
        ("world", "vary", "believed", "wrong", "candidates", "wrong", "s"),
        [[title(e.plan), e.vary, e.believed, e.wrong, e.candidates, e.wrong_candidates, e.seconds] for e in kinds],
    )
    chances = [by_chance(plan, chosen.shuffled // len(CHANCE)) for plan in CHANCE] if chosen.shuffled else []
    show(
        "shuffled rewards",
        ("world", "runs", "with a belief", "candidates a run"),
        [[title(each.plan), each.runs, each.with_belief, each.candidates] for each in chances],
    )
    keep(chosen.json, [*map(asdict, sizes), *map(asdict, kinds), *map(asdict, chances)])


if __name__ == "__main__":
    main()
