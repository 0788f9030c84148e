"""What is left of rewards when kinds of tasks and the decisions found so far are taken out: ridge regression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explib_learner.grammar.candidates import Column
from explib_learner.grammar.frame import Frame
from explib_learner.grammar.reading import Reading
from explib_learner.grammar.scores import NOISE_FLOOR, Floats

EFFECT_SD = 0.25
CONTROL_SD = 0.08
"""Prior standard deviations of decisions and of kinds of tasks, shares of the reward's range (as the judge's)."""
_ROUNDS = 3
_MOST_WORDS = 40
_MOST_KINDS = 8


def task_words(readings: Sequence[Reading]) -> Floats:
    """Kinds of tasks: main components of who says which word; attempts × components, each of mean 0."""
    total = len(readings)
    columns: dict[bytes, Floats] = {}
    for word in sorted({word for reading in readings for word in reading.words}):
        said = np.array([float(word in reading.words) for reading in readings])
        if 0.06 <= said.mean() <= 0.94:
            columns.setdefault(min(said.tobytes(), (1 - said).tobytes()), said - said.mean())
    frequent = sorted(columns.values(), key=lambda said: -float(said @ said))[:_MOST_WORDS]
    table = np.array(frequent).reshape(len(frequent), total).T
    left, sizes, _ = np.linalg.svd(table, full_matrices=False)
    main = sizes[:_MOST_KINDS] > 1e-6 * max(float(sizes.max(initial=0.0)), 1.0)
    kinds: Floats = (left * sizes)[:, :_MOST_KINDS][:, main]
    return kinds


class Explanation:
    """A fit of rewards on kinds of tasks, situations met, and decisions."""

    def __init__(self, rewards: Floats, frame: Frame, columns: Sequence[Column]) -> None:
        effects = frame.deviations(columns)
        controls = np.hstack([frame.kinds, frame.met(columns)])
        design = np.hstack([effects, controls])
        precision = np.array([EFFECT_SD**-2] * effects.shape[1] + [CONTROL_SD**-2] * controls.shape[1])
        gram, moments = design.T @ design, design.T @ rewards
        noise = max(0.5 * float(np.std(rewards)), NOISE_FLOOR)
        for _ in range(_ROUNDS):
            system = gram / noise**2 + np.diag(precision)
            covariance = np.linalg.inv(system)
            fitted = covariance @ moments / noise**2
            residual = rewards - design @ fitted
            used = float(np.sum(covariance * gram)) / noise**2
            noise = max(float(np.sqrt(residual @ residual / max(len(rewards) - used, 2.0))), NOISE_FLOOR)
        self.residual: Floats = residual
        self.effects: Floats = fitted[: effects.shape[1]]
        self.evidence = _evidence(rewards, moments, gram, precision, noise)
        """Logarithm of the marginal likelihood."""


def _evidence(rewards: Floats, moments: Floats, gram: Floats, precision: Floats, noise: float) -> float:
    """log N(rewards; 0, noise² + design · precision⁻¹ · designᵀ), by Woodbury's identity, without constants."""
    system = gram / noise**2 + np.diag(precision)
    explained = float(moments @ np.linalg.solve(system, moments)) / noise**4
    volume = float(np.linalg.slogdet(system)[1]) - float(np.log(precision).sum())
    return -0.5 * (float(rewards @ rewards) / noise**2 - explained + volume) - len(rewards) * float(np.log(noise))
