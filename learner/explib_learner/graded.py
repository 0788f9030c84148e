"""Attempts as the fit reads them: each with its reward, and, where a library wants that, with what most answers say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import fsum

from explib.models.decisions import GradedAttempt
from explib.models.libraries import LibrarySettings
from explib.models.trajectories import Attempt, RewardSource
from explib.text.words import normalise_task

FEWEST_VOTES = 3
"""Answers of a group without rewards from which on most of them count."""


def graded_attempts(attempts: Sequence[Attempt], settings: LibrarySettings) -> list[GradedAttempt]:
    """Those that have a reward, as a share of the library's range, in their order; what has no weight is left out.

    An attempt alone in its group is a lone one. With `label_free` groups without any reward have inferred ones.
    Weights set sources against each other, so they are shares of the weight that the library's rewards stand on:
    where all are of one source each counts whole.
    """
    inferred = _majority_rewards(attempts) if settings.label_free else {}
    rewards: dict[str, tuple[float, RewardSource]] = {}
    for attempt in (each.trajectory for each in attempts):
        if attempt.reward is not None:
            rewards[attempt.id] = (settings.share(attempt.reward), attempt.reward_source or "agent")
        elif attempt.id in inferred:
            rewards[attempt.id] = (inferred[attempt.id], "inferred")
    weights = settings.source_weights
    counted = {known: each for known, each in rewards.items() if weights[each[1]] > 0}
    stand_on = _weighted_mean([weights[source] for _, source in counted.values()])
    sizes = Counter(each.trajectory.group_id for each in attempts if each.trajectory.id in counted)
    return [
        GradedAttempt(
            trajectory_id=attempt.id,
            reward=counted[attempt.id][0],
            group_id=attempt.group_id if sizes[attempt.group_id] > 1 else None,
            source=counted[attempt.id][1],
            weight=min(1.0, weights[counted[attempt.id][1]] / stand_on),
        )
        for attempt in (each.trajectory for each in attempts)
        if attempt.id in counted
    ]


def _weighted_mean(weights: Sequence[float]) -> float:
    """The mean of weights, each weighted by itself: a few poor rewards don't lift what many good ones count."""
    return fsum(weight * weight for weight in weights) / fsum(weights) if weights else 1.0


def _majority_rewards(attempts: Sequence[Attempt]) -> dict[str, float]:
    """Trajectory id → 1 where it answers as more than half of its group do, else 0; groups with a reward have none."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for attempt in attempts:
        groups[attempt.trajectory.group_id].append((attempt.trajectory.id, _answer(attempt)))
    graded = {each.trajectory.group_id for each in attempts if each.trajectory.reward is not None}
    votes = (_votes(members) for group_id, members in groups.items() if group_id not in graded)
    return {trajectory_id: reward for voted in votes for trajectory_id, reward in voted}


def _votes(members: Sequence[tuple[str, str]]) -> Iterator[tuple[str, float]]:
    answered = [(trajectory_id, answer) for trajectory_id, answer in members if answer]
    if len(answered) < FEWEST_VOTES:
        return
    answer, count = Counter(answer for _, answer in answered).most_common(1)[0]
    if 2 * count > len(answered):
        yield from ((trajectory_id, float(own == answer)) for trajectory_id, own in answered)


def _answer(attempt: Attempt) -> str:
    """The final answer without case, surrounding marks and repeated spaces; else the agent's last text."""
    texts = [step.text for step in attempt.steps if step.role == "assistant" and step.text.strip()]
    given = attempt.trajectory.answer or (texts[-1] if texts else "")
    return normalise_task(given).strip(".!?:;,'\"`*() ")
