"""What a learner finds of the hidden conventions of made-up worlds, beside what it "finds" where there is nothing.

    .venv/bin/python benchmarks/learning/run.py [--worlds NAME …] [--modes NAME …] [--seeds 3] [--shuffled 3]

For each world and kind of data set, as means over the seeds: how many conventions vary in the data, how many the
active lessons found, how many lessons are wrong (or say what no pattern reads), the same for candidates, and the mean
share of kept conventions on other tasks of agents without lessons, with the active ones, with all, and with all that
is right. `shuffled` rows are the same attempts with each other's rewards: all that is learned there is wrong.
`sessions` are attempts that nobody grades, and `by lot` those whose outcomes hang on nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).parents[1]))

from measuring import keep, parser, show

from learning.data_sets import MODES, DataSet, fresh, lone, sessions, shuffled
from learning.learners import LEARNERS, Learned, Learner
from learning.scoring import Scorecard, score, score_texts
from learning.world import World
from learning.worlds import WORLDS

FRESH = 400
"""Attempts that decisions are judged on."""
OTHER_TASKS = 100


@dataclass(frozen=True, slots=True)
class Row:
    """Counts of one run: `wrong` and `unread` are lessons, `vary` and `found` conventions."""

    vary: float
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
    conventions = [each.description for each in data.world.conventions]
    return Row(
        vary=len(sure.vary),
        found=sure.found_of_varying,
        wrong=len(sure.wrong),
        unread=len(sure.unread),
        candidates=len(candidates),
        candidates_found=len((maybe.found - sure.found) & maybe.vary),
        candidates_wrong=len(maybe.wrong) + len(maybe.unread),
        plain=kept_share(data.world, [], seed),
        active=kept_share(data.world, [each.text for each in active], seed),
        served=kept_share(data.world, [each.text for each in lessons], seed),
        all_right=kept_share(data.world, conventions, seed),
    )


def judge(data: DataSet, lessons: Sequence[Learned], seed: int) -> Scorecard:
    """Lessons with a decision by their codes on fresh attempts; where none has one, all by their texts."""
    coded = {each.id: each for each in lessons if each.code is not None}
    if not coded:
        return score_texts(data.world, {each.id: each.text for each in lessons}, data)
    others = fresh(data.world, FRESH, seed).played
    codes = {
        lesson_id: {
            each.attempt.trajectory.id: side
            for each in others
            if lesson.code is not None and (side := lesson.code(each.attempt)) is not None
        }
        for lesson_id, lesson in coded.items()
    }
    return score(data.world, codes, {lesson_id: each.better for lesson_id, each in coded.items()}, others, data)


def kept_share(world: World, lessons: Sequence[str], seed: int) -> float:
    """Mean share of kept conventions on other tasks by agents that read these lessons."""
    return fmean(each.share for each in lone(world, OTHER_TASKS, 10_000 + seed, lessons).played)


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
            data = [MODES[mode](world, seed) for seed in range(given.seeds)]
            rows[f"{name}, {mode}"] = _mean(learner, data)
            if given.shuffled:
                mixed_up = [shuffled(each, seed) for seed, each in enumerate(data[: given.shuffled])]
                rows[f"{name}, {mode}, shuffled"] = _mean(learner, mixed_up)
    if "repository" in given.worlds:
        for by_lot in (False, True):
            data = [sessions(WORLDS["repository"], 60, seed, by_lot=by_lot) for seed in range(given.seeds)]
            rows[f"repository, sessions 60{', by lot' if by_lot else ''}"] = _mean(learner, data)
    heads = [each.name.replace("_", " ") for each in fields(Row)]
    show(f"Learned by {learner.name}", ["", *heads], [[name, *_cells(row)] for name, row in rows.items()])
    keep(given.json, {name: dict(zip(heads, _cells(row), strict=True)) for name, row in rows.items()})


def _mean(learner: Learner, data: Sequence[DataSet]) -> Row:
    rows = [_cells(measure(learner, each, seed)) for seed, each in enumerate(data)]
    return Row(*(fmean(column) for column in zip(*rows, strict=True)))


def _cells(row: Row) -> list[float]:
    return [float(getattr(row, each.name)) for each in fields(Row)]


if __name__ == "__main__":
    main()
