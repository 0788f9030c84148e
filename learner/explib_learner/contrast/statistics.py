"""The test: does an event go with reward inside groups, more than chance within each group would make it?

Null hypothesis: inside each group the rewards are exchangeable between attempts. Statistic of an event: the sum over
groups of the covariance of event and reward among the attempts that had the opportunity; z is it divided by its
standard deviation given the margins. Hard and easy tasks do not mix, since every term is centred on its own group.

Uncorrected p, two-sided (a deviation from the expectation at least as large):
- rewards of two values: exact, the hypergeometric distributions of the groups convolved (the exact conditional test of
  Cochran, Mantel and Haenszel);
- graded rewards: exact enumeration up to `MAX_PLACEMENTS` placements, else from the permutations below.

Correction for the number tested: Westfall and Young's step-down max-T (Resampling-Based Multiple Testing, 1993,
algorithm 2.8) over permutations of the rewards within groups, with the +1 of Phipson and Smyth (2010). It respects that
events depend on each other. The seed is fixed: the same data give the same p.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from explib_learner.contrast.events import NO, NO_OPPORTUNITY, YES

Floats: TypeAlias = npt.NDArray[np.float64]
Bytes: TypeAlias = npt.NDArray[np.uint8]

SEED = 2510_08191
ALPHA = 0.05
MIN_ATTEMPTS = 6
"""Attempts with the opportunity, in groups where the event varies, below which an event is not tested."""
MAX_PLACEMENTS = 20_000
"""Placements of an event over all groups up to which graded rewards are enumerated."""
_CHUNK = 250
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Rewards:
    """The rewards of all attempts, and the group of each; attempts of one group stand together."""

    values: tuple[float, ...]
    groups: tuple[int, ...]

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each group starts."""
        return tuple(at for at, group in enumerate(self.groups) if at == 0 or group != self.groups[at - 1])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the test says of one split."""

    z: float
    """Positive if attempts with the event have the higher rewards."""
    p: float
    """Two-sided and uncorrected, over 0 to 1."""
    corrected: float
    """Corrected for the number of splits tested together, at least p."""
    exact: bool
    """Whether p is exact, not from random permutations."""


def canonical(split: bytes, rewards: Rewards) -> bytes | None:
    """The split as the test sees it, the same for all that are the same test; None where it cannot be tested.

    Only groups in which the event varies count, and a split and its opposite are one. Testable is what varies in two
    groups or more, with `MIN_ATTEMPTS` attempts, and can reach p = `ALPHA` (Tarone 1990): over all placements of the
    event in its groups, one alone must be that improbable. No reward is looked at: the choice does not bias the test.
    """
    seen = np.frombuffer(split, dtype=np.uint8)
    starts = np.array(rewards.starts)
    did = np.add.reduceat(seen == YES, starts, dtype=np.int64)
    could = np.add.reduceat(seen != NO_OPPORTUNITY, starts, dtype=np.int64)
    varies = (did > 0) & (did < could)
    if varies.sum() < 2 or could[varies].sum() < MIN_ATTEMPTS:
        return None
    placements = sum(math.log(math.comb(int(m), int(k))) for m, k in zip(could[varies], did[varies], strict=True))
    if placements < math.log(1 / ALPHA) - _TINY:
        return None
    sizes = np.diff(np.append(starts, len(split)))
    kept = np.where(np.repeat(varies, sizes), seen, NO_OPPORTUNITY)
    if kept[kept != NO_OPPORTUNITY][0] == NO:
        kept = np.where(kept == NO_OPPORTUNITY, kept, YES - kept)
    return kept.astype(np.uint8).tobytes()


def similarity(first: bytes, second: bytes, rewards: Rewards) -> float:
    """How nearly two splits are the same test: the absolute correlation of their parts within groups, 0 to 1."""
    a = _centred(np.frombuffer(first, dtype=np.uint8)[None, :], rewards)[0]
    b = _centred(np.frombuffer(second, dtype=np.uint8)[None, :], rewards)[0]
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return abs(float(a @ b)) / norm if norm > _TINY else 0.0


def judge(splits: Sequence[bytes], rewards: Rewards, permutations: int | None = None) -> tuple[Verdict, ...]:
    """Test all splits together. Without `permutations`, 1,999 to 9,999 of them, fewer for more attempts."""
    if not splits:
        return ()
    rounds = permutations or max(1_999, min(9_999, 4_000_000 // len(rewards.values)))
    table = np.frombuffer(b"".join(splits), dtype=np.uint8).reshape(len(splits), -1)
    scores = _Scores(table, rewards)
    observed = scores.of(np.array([rewards.values]))[0]
    alone, together = _resample(scores, observed, rewards, rounds)
    verdicts = []
    for split, z, estimate, corrected in zip(splits, observed, alone, together, strict=True):
        p = exact_p(split, rewards) if estimate <= 4 * ALPHA else None
        uncorrected = float(estimate) if p is None else p
        verdicts.append(Verdict(float(z), uncorrected, max(uncorrected, float(corrected)), p is not None))
    return tuple(verdicts)


def exact_p(split: bytes, rewards: Rewards) -> float | None:
    """The exact two-sided p of one split; None where graded rewards have too many placements."""
    strata = list(_strata(split, rewards))
    values = sorted(set(rewards.values))
    if len(values) == 2:
        return _binary_p(strata, values[1])
    if math.prod(math.comb(len(did) + len(left), len(did)) for did, left in strata) > MAX_PLACEMENTS:
        return None
    return _enumerated_p(strata)


def quick_p(split: bytes, rewards: Rewards) -> float:
    """p of one split by itself: exact where that is feasible, else by the normal approximation of z."""
    p = exact_p(split, rewards)
    if p is not None:
        return p
    table = np.frombuffer(split, dtype=np.uint8)[None, :]
    z = float(_Scores(table, rewards).of(np.array([rewards.values]))[0, 0])
    return math.erfc(abs(z) / math.sqrt(2))


Stratum: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]
"""Rewards of a group's attempts that did it, and that left it."""


def _strata(split: bytes, rewards: Rewards) -> Iterator[Stratum]:
    parts: defaultdict[int, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for happened, reward, group in zip(split, rewards.values, rewards.groups, strict=True):
        if happened != NO_OPPORTUNITY:
            parts[group][0 if happened == YES else 1].append(reward)
    for did, left in parts.values():
        if did and left:
            yield tuple(did), tuple(left)


def _binary_p(strata: Sequence[Stratum], high: float) -> float:
    """The product of hypergeometrics, convolved: probability of a count of winners that did it so far off."""
    pmf = np.ones(1)
    lowest, observed, expected = 0, 0, 0.0
    for did, left in strata:
        won = did.count(high)
        winners, size = won + left.count(high), len(did) + len(left)
        pmf = np.convolve(pmf, _hypergeometric(size, winners, len(did)))
        lowest += max(0, winners + len(did) - size)
        observed += won
        expected += winners * len(did) / size
    deviations = np.abs(lowest + np.arange(len(pmf)) - expected)
    return min(1.0, float(pmf[deviations >= abs(observed - expected) - _TINY].sum()))


@lru_cache(maxsize=4096)
def _hypergeometric(size: int, winners: int, drawn: int) -> Floats:
    counts = range(max(0, winners + drawn - size), min(winners, drawn) + 1)
    ways = [math.comb(winners, count) * math.comb(size - winners, drawn - count) for count in counts]
    return np.array([way / math.comb(size, drawn) for way in ways])


def _enumerated_p(strata: Sequence[Stratum]) -> float:
    """The share of all placements of the event whose sum of rewards is so far off."""
    sums = np.zeros(1)
    observed = 0.0
    for did, left in strata:
        expected = math.fsum(did + left) * len(did) / (len(did) + len(left))
        placed = np.array([math.fsum(chosen) - expected for chosen in combinations(did + left, len(did))])
        sums = (sums[:, None] + placed[None, :]).ravel()
        observed += math.fsum(did) - expected
    return float(np.mean(np.abs(sums) >= abs(observed) - _TINY))


def _centred(table: Bytes, rewards: Rewards) -> Floats:
    """Events × attempts: the event minus its mean in its group, among the attempts with the opportunity."""
    starts = np.array(rewards.starts)
    sizes = np.diff(np.append(starts, table.shape[1]))
    did, could = table == YES, table != NO_OPPORTUNITY
    share = np.add.reduceat(did, starts, axis=1, dtype=np.float64)
    share /= np.maximum(np.add.reduceat(could, starts, axis=1, dtype=np.float64), 1.0)
    return np.where(could, did - np.repeat(share, sizes, axis=1), 0.0)


class _Scores:
    """z of every split for many arrangements of the rewards at once."""

    def __init__(self, table: Bytes, rewards: Rewards) -> None:
        self._starts = np.array(rewards.starts)
        self._centred = _centred(table, rewards)
        self._masks: dict[bytes, list[int]] = {}
        for row, opportunity in enumerate(table != NO_OPPORTUNITY):
            self._masks.setdefault(opportunity.tobytes(), []).append(row)

    def of(self, arrangements: Floats) -> Floats:
        """Arrangements × attempts → arrangements × events; 0 where neither can vary."""
        score = arrangements @ self._centred.T
        variance = np.empty_like(score)
        for mask, rows in self._masks.items():
            variance[:, rows] = self._variance(np.frombuffer(mask, dtype=np.bool_), rows, arrangements)
        z = np.zeros_like(score)
        np.divide(score, np.sqrt(variance), out=z, where=variance > _TINY)
        return z

    def _variance(self, mask: npt.NDArray[np.bool_], rows: list[int], arrangements: Floats) -> Floats:
        """Of the sum of event × reward given the margins: Σ over groups of SSx · SSr / (m − 1)."""
        seen = np.where(mask, arrangements, 0.0)
        size = np.maximum(np.add.reduceat(mask, self._starts, dtype=np.float64), 1.0)
        spread = np.add.reduceat(seen * seen, self._starts, axis=1)
        spread -= np.add.reduceat(seen, self._starts, axis=1) ** 2 / size
        events = np.add.reduceat(self._centred[rows] ** 2, self._starts, axis=1)
        variance: Floats = np.maximum(spread, 0.0) @ (events / np.maximum(size - 1.0, 1.0)).T
        return variance


def _resample(scores: _Scores, observed: Floats, rewards: Rewards, rounds: int) -> tuple[Floats, Floats]:
    """p of each event alone, and corrected by step-down max-T, from permutations within groups."""
    rng = np.random.default_rng(SEED)
    target = np.abs(observed) - _TINY
    order = np.argsort(target)
    alone, together = np.ones(len(target)), np.ones(len(target))
    for at in range(0, rounds, _CHUNK):
        sizes = np.abs(scores.of(_permuted(rewards, min(_CHUNK, rounds - at), rng)))
        alone += (sizes >= target).sum(axis=0)
        highest = np.maximum.accumulate(sizes[:, order], axis=1)
        together[order] += (highest >= target[order]).sum(axis=0)
    corrected = np.empty_like(together)
    corrected[order] = np.maximum.accumulate(together[order][::-1])[::-1]
    return alone / (rounds + 1), corrected / (rounds + 1)


def _permuted(rewards: Rewards, rounds: int, rng: np.random.Generator) -> Floats:
    """Arrangements × attempts: the rewards shuffled inside each group, groups of one size at once."""
    values = np.array(rewards.values)
    starts = np.array(rewards.starts)
    sizes = np.diff(np.append(starts, len(values)))
    result = np.empty((rounds, len(values)))
    for size in np.unique(sizes):
        places = starts[sizes == size][:, None] + np.arange(size)
        block = np.broadcast_to(values[places], (rounds, *places.shape))
        result[:, places] = rng.permuted(block, axis=2)
    return result
