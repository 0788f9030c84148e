"""Whose attempts a lesson rests on: in a shared library one submitter's alone do not decide what it may do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from explib.models.trajectories import TOKEN_SUBMITTER, Attempt, Trajectory

WITNESSES = 2
"""Signed attempts that stand for what one submitter handed in."""


def is_shared(attempts: Iterable[Attempt]) -> bool:
    """Whether others than one person's own clients hand attempts in: a token, or more than one submitter."""
    submitters = {attempt.trajectory.submitter for attempt in attempts} - {None}
    return len(submitters) > 1 or any((name or "").startswith(TOKEN_SUBMITTER) for name in submitters)


def only_submitter(winners: Sequence[Trajectory]) -> str | None:
    """The one submitter of all the attempts, unless a person's imports or signed rewards stand behind them; or None."""
    vouched = [attempt for attempt in winners if attempt.submitter is None or attempt.signed_by is not None]
    submitters = {attempt.submitter for attempt in winners}
    if len(vouched) >= WITNESSES or len(submitters) != 1:
        return None
    return submitters.pop()
