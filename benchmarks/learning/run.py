"""Hidden conventions of made-up worlds that a learner finds, beside what it "finds" where there is nothing.

    .venv/bin/python benchmarks/learning/run.py [--worlds NAME …] [--modes NAME …] [--seeds 3] [--shuffled 3]

For each world and kind of data set, as means over the seeds: how many conventions vary in the data, how many active
lessons there are and the share of runs with any, how many conventions they found, how many are wrong (or say what no
pattern reads), the same for candidates; then the mean share of kept conventions on other tasks of agents without
lessons, with the active ones, with all, and with all that is right. `shuffled` rows are the same attempts with each
other's rewards: all that is learned there is wrong.
Report on worlds that the grammar was not developed on (`worlds/__init__.py` says which): --worlds "on call" museum.
A second table is about sessions of the repository that nobody grades, `by lot` such whose outcomes hang on nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).parents[1]))

from measuring import keep, parser, show

from learning.data_sets import MODES, DataSet, fresh, lone, sessions, shuffled
from learning.learners import LEARNERS, Learned, Learner
from learning.play import Played
from learning.scoring import Scorecard, score, score_texts
from learning.worlds import WORLDS

FRESH = 400
"""Attempts that decisions are judged on."""
OTHER_TASKS = 100
SESSION_HEADS = ("sessions", "cured", "found", "told", "of them found", "vary", "all found", "wrong", "active")


@dataclass(frozen=True, slots=True)
class Row:
    """Counts of one run: `vary` and `found` are conventions; `lessons`, `wrong` and `unread` are active lessons."""

    vary: float
    lessons: float
    any_lesson: float
    found: float
    wrong: float
    unread: float
    candidates: float
    candidates_found: float
    candidates_wrong: float
    plain: float
    active: float
    served: float
    all_right: float


def measure(learner: Learner, data: DataSet, seed: int) -> Row:
    """Learn from a data set and judge what was learned."""
    lessons = learner.learn(data.attempts)
    active = [each for each in lessons if each.active]
    candidates = [each for each in lessons if not each.active]
    sure, maybe = judge(data, active, seed), judge(data, candidates, seed)
    world = data.world.name
    return Row(
        vary=len(sure.vary),
        lessons=len(active),
        any_lesson=bool(active),
        found=sure.found_of_varying,
        wrong=len(sure.wrong),
        unread=len(sure.unread),
        candidates=len(candidates),
        candidates_found=len((maybe.found - sure.found) & maybe.vary),
        candidates_wrong=len(maybe.wrong) + len(maybe.unread),
        plain=kept_share(world, (), seed),
        active=kept_share(world, tuple(each.text for each in active), seed),
        served=kept_share(world, tuple(each.text for each in lessons), seed),
        all_right=kept_share(world, tuple(each.description for each in data.world.conventions), seed),
    )


def judge(data: DataSet, lessons: Sequence[Learned], seed: int) -> Scorecard:
    """Lessons with a decision by their codes on fresh attempts, the others by their texts."""
    others = fresh_attempts(data.world.name, seed)
    codes = {each.id: coded(each, others) for each in lessons if each.code is not None}
    by_codes = score(data.world, codes, {each.id: each.better for each in lessons}, others, data)
    return by_codes.with_others(
        score_texts(data.world, {each.id: each.text for each in lessons if not each.code}, data)
    )


@cache
def fresh_attempts(world: str, seed: int) -> tuple[Played, ...]:
    """Attempts to judge decisions on."""
    return fresh(WORLDS[world], FRESH, seed).played


def coded(lesson: Learned, played: Sequence[Played]) -> dict[str, bool]:
    """The side of each attempt that met the lesson's situation."""
    if lesson.code is None:
        return {}
    sides = {each.attempt.trajectory.id: lesson.code(each.attempt) for each in played}
    return {attempt_id: side for attempt_id, side in sides.items() if side is not None}


@cache
def kept_share(world: str, lessons: tuple[str, ...], seed: int) -> float:
    """Mean share of kept conventions on other tasks by agents that read these lessons."""
    return fmean(each.share for each in lone(WORLDS[world], OTHER_TASKS, 10_000 + seed, lessons).played)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--learner", choices=LEARNERS, default="contrast")
    arguments.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS), metavar="NAME")
    arguments.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES), metavar="NAME")
    arguments.add_argument("--seeds", type=int, default=3, help="data sets of each kind")
    arguments.add_argument("--shuffled", type=int, default=3, help="of them, those that are also learned shuffled")
    given = arguments.parse_args()
    learner = LEARNERS[given.learner]
    rows: dict[str, Row] = {}
    for name in given.worlds:
        world = WORLDS[name]
        for mode in given.modes:
            print(f"{name}, {mode}", file=sys.stderr)
            data = [MODES[mode](world, seed) for seed in range(given.seeds)]
            rows[f"{name}, {mode}"] = _mean(learner, data)
            if given.shuffled:
                mixed_up = [shuffled(each, seed) for seed, each in enumerate(data[: given.shuffled])]
                rows[f"{name}, {mode}, shuffled"] = _mean(learner, mixed_up)
    heads = [each.name.replace("_", " ") for each in fields(Row)]
    show(f"Learned by {learner.name}", ["", *heads], [[name, *_cells(row)] for name, row in rows.items()])
    told = sessions_rows(learner, given.seeds) if "repository" in given.worlds else []
    show("Sessions that nobody grades", SESSION_HEADS, told)
    measured = {name: dict(zip(heads, _cells(row), strict=True)) for name, row in rows.items()}
    keep(given.json, {"rows": measured, "sessions": [dict(zip(SESSION_HEADS, row, strict=True)) for row in told]})


def sessions_rows(learner: Learner, seeds: int) -> list[list[str | float]]:
    """Of the conventions that sessions show by a cure, a person's words or both: how many all lessons found."""
    rows: list[list[str | float]] = []
    for count, by_lot in ((30, False), (60, False), (60, True)):
        runs: list[list[float]] = []
        for seed in range(seeds):
            data = sessions(WORLDS["repository"], count, seed, by_lot=by_lot)
            lessons = learner.learn(data.attempts)
            card = judge(data, lessons, seed)
            shown = [float(len(each)) for one in (data.cured, data.told) for each in (one, one & card.found)]
            active = float(sum(each.active for each in lessons))
            wrong = float(len(card.wrong) + len(card.unread))
            runs.append([*shown, float(len(card.vary)), float(card.found_of_varying), wrong, active])
        rows.append([f"{count}{', by lot' if by_lot else ''}", *(fmean(column) for column in zip(*runs, strict=True))])
    return rows


def _mean(learner: Learner, data: Sequence[DataSet]) -> Row:
    rows = [_cells(measure(learner, each, seed)) for seed, each in enumerate(data)]
    return Row(*(fmean(column) for column in zip(*rows, strict=True)))


def _cells(row: Row) -> list[float]:
    return [float(getattr(row, each.name)) for each in fields(Row)]


if __name__ == "__main__":
    main()
