"""Submitters some of whom forge: they report 1 when the experience was served and 0 when it wasn't, or the reverse.

Each submitter has tasks of their own from the same world; the forgers know what was served. The library looks at the
estimate over submitters' own lifts (`believed_sums`) after every round, and once more with all rewards in one sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from explib.evidence.belief import believed_sums
from explib.evidence.policy import serving_probability
from explib.evidence.posterior import posterior
from explib.evidence.sums import NOTHING, ScoreSums, score
from explib.evidence.verdicts import HELPS, lift_summary, status_change
from simulated.figures import Figure, mean, median
from simulated.world import Rewards, World, solved

FORGERS = 0.10
SUBMITTERS = 50
ROUNDS = 100
"""Rewards of each honest submitter; a look after each round."""
HARM, GOOD = -0.10, 0.10


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many submitters there are, how many rewards a forger reports for each honest one, and the true lift."""

    submitters: int = SUBMITTERS
    zeal: int = 1
    lift: float = 0.0
    against: bool = False
    """Whether forgers report the reverse: 0 when it was served."""
    rounds: int = ROUNDS


def forgers(runs: int) -> list[Figure]:
    """How often an experience is ever called proven, though it is worthless or harms."""
    note = f"{runs} runs, {SUBMITTERS} submitters × {ROUNDS} rewards, a look a round"
    few = max(runs // 4, 1)
    figures = [
        Figure("10 % forge: worthless experience ever proven", _proven(runs, Crowd()), at_most=0.05, note=note),
        Figure("10 % forge: harmful one (−.10) ever proven", _proven(runs, Crowd(lift=HARM)), at_most=0.0, note=note),
        Figure(
            "10 % forge, 10 × as busy: worthless experience ever proven",
            _proven(runs, Crowd(zeal=10)),
            at_most=0.05,
            note=note,
        ),
    ]
    for submitters in (20, 200, 500):
        name = f"10 % of {submitters} forge: worthless experience ever proven"
        figures.append(Figure(name, _proven(few, Crowd(submitters)), at_most=0.05, note=f"{few} runs"))
    figures += _few_submitters(runs)
    pooled = [_ever_proven(World(seed), Crowd(), pooled=True) for seed in range(few)]
    name = "10 % forge, all rewards in one sum: worthless experience ever proven"
    return [*figures, Figure(name, mean([float(each) for each in pooled]), note=f"{few} runs; comparison")]


def _few_submitters(runs: int) -> list[Figure]:
    """One forger among 3 to 19 submitters, as busy as the others or ten times as busy; and what caution costs."""
    figures: list[Figure] = []
    for submitters in (3, 5, 10, 19):
        for zeal in (1, 10):
            busy = f"1 of {submitters} forges, {zeal} × as busy"
            praised = _proven(runs, Crowd(submitters, zeal))
            figures.append(
                Figure(f"{busy}: worthless experience ever proven", praised, at_most=0.05, note=f"{runs} runs")
            )
            blamed = _retired(runs, Crowd(submitters, zeal, GOOD, against=True))
            figures.append(Figure(f"{busy}: good one (+.10) ever retired", blamed, at_most=0.05, note=f"{runs} runs"))
    few = max(runs // 4, 1)
    honest = [_helped_after(World(seed), Crowd(5, lift=GOOD, rounds=400)) for seed in range(few)]
    alone = [_helped_after(World(seed), Crowd(1, lift=GOOD, rounds=2_000)) for seed in range(few)]
    note = f"rewards, median of {few} runs"
    return [
        *figures,
        Figure(
            "1 of 5 forges, 10 × as busy, all in one sum: good one (+.10) ever retired",
            _retired(few, Crowd(5, 10, GOOD, against=True), pooled=True),
            note=f"{few} runs; comparison",
        ),
        Figure("5 honest submitters: until a good one (+.10) likely helps", median(honest), note=note),
        Figure("1 submitter: the same", median(alone), note=f"{note}; comparison"),
    ]


def _retired(runs: int, crowd: Crowd, *, pooled: bool = False) -> float:
    found = [any(map(_retires, _estimates(World(seed), crowd, pooled=pooled))) for seed in range(runs)]
    return mean([float(each) for each in found])


def _retires(sums: ScoreSums) -> bool:
    change = status_change(sums, "active")
    return change is not None and change.decision == "retire"


def _helped_after(world: World, crowd: Crowd) -> float:
    estimates = enumerate(_estimates(world, crowd, forging=0), start=1)
    rounds = next((at for at, sums in estimates if lift_summary(sums).label in HELPS), crowd.rounds)
    return rounds * crowd.submitters


def _proven(runs: int, crowd: Crowd) -> float:
    return mean([float(_ever_proven(World(seed), crowd)) for seed in range(runs)])


def _ever_proven(world: World, crowd: Crowd, *, pooled: bool = False) -> bool:
    return any(lift_summary(sums).label == "proven" for sums in _estimates(world, crowd, pooled=pooled))


def _estimates(world: World, crowd: Crowd, forging: int | None = None, *, pooled: bool = False) -> Iterator[ScoreSums]:
    """What is believed after each round of rewards."""
    rewards, total = Rewards(), NOTHING
    own = [NOTHING] * crowd.submitters
    if forging is None:
        forging = math.ceil(FORGERS * crowd.submitters)
    estimate: ScoreSums = NOTHING
    at = 0
    for _ in range(crowd.rounds):
        probability = serving_probability(posterior(estimate))
        for submitter in range(crowd.submitters):
            forged = submitter < forging
            for _ in range(crowd.zeal if forged else 1):
                kind, served = world.kind(), world.chance.random() < probability
                honest = world.reward(solved(world.base(kind, at), crowd.lift * served))
                reward, centre = float(served != crowd.against) if forged else honest, rewards.baseline(kind)
                added = score(served=served, probability=probability, outcome=reward, baseline=centre)
                own[submitter] += added
                total += added
                rewards.add(kind, reward)
                at += 1
        estimate = total if pooled else believed_sums(total, own, crowd.submitters)
        yield estimate
