"""Lessons learned from rewards that were shuffled: all of them are wrong. Cures, which need no rewards, don't count.

    .venv/bin/python benchmarks/learning/shuffled.py [--worlds NAME …] [--runs 200] [--seconds 600] [--seed 1000]

Takes turns at the worlds, with 60 and 140 lone attempts each, until the runs are done or the time is over. Promised
are at most 2 % of runs with an active lesson, and at most .2 candidates a library.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measuring import keep, parser, show

from learning.data_sets import lone, shuffled
from learning.learners import LEARNERS
from learning.worlds import WORLDS

SIZES = (60, 140)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--learner", choices=LEARNERS, default="contrast")
    arguments.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS), metavar="NAME")
    arguments.add_argument("--runs", type=int, default=200, help="data sets, of all worlds and sizes together")
    arguments.add_argument("--seconds", type=float, default=600.0, help="no run begins later")
    arguments.add_argument("--seed", type=int, default=1000, help="of the first run; each later one has the next")
    given = arguments.parse_args()
    learner = LEARNERS[given.learner]
    began = time.monotonic()
    counts: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    kinds = list(product(SIZES, given.worlds))
    for run in range(given.runs):
        if time.monotonic() - began > given.seconds:
            break
        size, name = kinds[run % len(kinds)]
        seed = given.seed + run
        learned = learner.learn(shuffled(lone(WORLDS[name], size, seed), seed).attempts)
        lessons = [lesson for lesson in learned if lesson.code is not None]
        active = sum(lesson.active for lesson in lessons)
        for row in (f"{name}, {size}", "all"):
            counts[row].append((active, len(lessons) - active))
    heads = ["", "runs", "with an active lesson", "active", "candidates"]
    rows: list[list[str | float]] = [
        [
            name,
            len(runs),
            sum(active > 0 for active, _ in runs),
            *(sum(each) / len(runs) for each in zip(*runs, strict=True)),
        ]
        for name, runs in counts.items()
    ]
    show(f"Learned by {learner.name} from shuffled rewards", heads, rows)
    keep(given.json, [dict(zip(heads, row, strict=True)) for row in rows])


if __name__ == "__main__":
    main()
