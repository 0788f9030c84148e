"""Lessons that a learner finds in real graded trajectories of tau-bench, to be read by eye.

.venv/bin/python benchmarks/learning/airline.py FILE [--learner contrast] [--shuffled SEED]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))

from explib.models.trajectories import Attempt, Trajectory
from explib.trajectories import parse_trajectory
from explib_server.importers.logs import read
from explib_server.importers.records import BadRecord
from explib_server.importers.sources import ImportRun
from learning.learners import LEARNERS

MAX_BYTES = 10_000_000


def attempts(path: Path) -> Iterator[Attempt]:
    """The attempts of a file in any format that `explib import` reads."""
    for number, record in enumerate(read([str(path)], ImportRun())):
        if isinstance(record, BadRecord):
            raise SystemExit(f"{record.position}: {record.reason}")
        trajectory = Trajectory(
            f"T{number}", record.group or record.task, record.task, record.reward, record.answer, record.ground_truth
        )
        yield Attempt(trajectory, parse_trajectory(record.trajectory, MAX_BYTES))


def with_rewards_of_others(given: list[Attempt], seed: int) -> list[Attempt]:
    """The same attempts with shuffled rewards."""
    rewards = [each.trajectory.reward for each in given]
    Random(seed).shuffle(rewards)
    pairs = zip(given, rewards, strict=True)
    return [replace(each, trajectory=replace(each.trajectory, reward=reward)) for each, reward in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--learner", choices=LEARNERS, default="contrast")
    parser.add_argument("--shuffled", type=int, metavar="SEED", help="give the attempts each other's rewards")
    given = parser.parse_args()
    read_attempts = list(attempts(given.file))
    if given.shuffled is not None:
        read_attempts = with_rewards_of_others(read_attempts, given.shuffled)
    print(f"{len(read_attempts)} attempts")
    for lesson in LEARNERS[given.learner].learn(read_attempts):
        print(f"{'active   ' if lesson.active else 'candidate'}  {lesson.text}")


if __name__ == "__main__":
    main()
