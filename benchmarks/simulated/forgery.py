"""Submitters some of whom forge: they report 1 when the experience was served and 0 when it wasn't.

Each submitter has tasks of their own from the same world; the forgers know what was served. The library looks at the
estimate over submitters' own lifts (`believed_sums`) after every round, and once more with all rewards in one sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from explib.evidence.belief import believed_sums
from explib.evidence.posterior import posterior, serving_probability
from explib.evidence.sums import NOTHING, ScoreSums, score
from explib.evidence.verdicts import lift_summary
from simulated.figures import Figure, mean
from simulated.world import Rewards, World, solved

FORGERS = 0.10
SUBMITTERS = 50
ROUNDS = 100
"""Rewards of each honest submitter; a look after each round."""
HARM = -0.10


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many submitters there are, how many rewards a forger reports for each honest one, and the true lift."""

    submitters: int = SUBMITTERS
    zeal: int = 1
    lift: float = 0.0


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
    pooled = [_ever_proven(World(seed), Crowd(), pooled=True) for seed in range(few)]
    name = "10 % forge, all rewards in one sum: worthless experience ever proven"
    return [*figures, Figure(name, mean([float(each) for each in pooled]), note=f"{few} runs; comparison")]


def _proven(runs: int, crowd: Crowd) -> float:
    return mean([float(_ever_proven(World(seed), crowd)) for seed in range(runs)])


def _ever_proven(world: World, crowd: Crowd, *, pooled: bool = False) -> bool:
    rewards, total = Rewards(), NOTHING
    own = [NOTHING] * crowd.submitters
    forging = math.ceil(FORGERS * crowd.submitters)
    estimate: ScoreSums = NOTHING
    at = 0
    for _ in range(ROUNDS):
        probability = serving_probability(posterior(estimate))
        for submitter in range(crowd.submitters):
            forged = submitter < forging
            for _ in range(crowd.zeal if forged else 1):
                kind, served = world.kind(), world.chance.random() < probability
                honest = world.reward(solved(world.base(kind, at), crowd.lift * served))
                reward, centre = float(served) if forged else honest, rewards.baseline(kind)
                added = score(served=served, probability=probability, outcome=reward, baseline=centre)
                own[submitter] += added
                total += added
                rewards.add(kind, reward)
                at += 1
        estimate = total if pooled else believed_sums(total, own)
        if lift_summary(estimate).label == "proven":
            return True
    return False
