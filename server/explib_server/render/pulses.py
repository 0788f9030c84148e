"""The pulses of a library, a row each: what is told of it, and the rule that says whether it is late, why, what helps.

Standard library only: the status line needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from explib.models.activity import MOST_COUNTED, Activity
from explib.models.groups import RETRIED
from explib.text.words import number_of
from explib_server.render.bounds import clipped
from explib_server.render.times import DAY, MINUTE, ago, day

QUIET_SECONDS = 7 * DAY
"""Nothing captured, or nothing asked, for longer is late."""
UNANSWERED_SECONDS = DAY
"""Lessons asked for and no attempt, or a proposal and no decision, for longer is late."""
STUCK_SECONDS = 15 * MINUTE
"""Groups that wait for longer, with no other learned meanwhile, have no learner."""
FEW_UNGRADED = 5
"""Attempts without a reward after one that had one, from which rewards are late."""
FEW_GRADED = 40
"""Graded attempts below which decisions are seldom believed (below 12 the grammar names none)."""


class Trouble(NamedTuple):
    """Why a pulse is late, and what helps."""

    cause: str
    cure: str


class Kind(NamedTuple):
    """One pulse."""

    name: str
    at: Callable[[Activity], float | None]
    what: Callable[[Activity], str]
    """More on it, where there is more to say."""
    trouble: Callable[[Activity, float], Trouble | None]
    """The rule: by the activity and the time that it is now."""


def _captured(seen: Activity, now: float) -> Trouble | None:
    if seen.captured_at is None:
        return Trouble(
            "nothing was captured yet",
            "explib attach CLIENT captures each turn from now on; explib import reads what there is; agents hand "
            "attempts in by submit_trajectory",
        )
    if seen.asked_at is not None and seen.asked_at > seen.captured_at + UNANSWERED_SECONDS:
        return Trouble(
            f"lessons were asked for {ago(seen.asked_at, now)}, but no attempt has come since "
            f"{day(seen.captured_at, now)}",
            "explib attach CLIENT installs the hooks that capture; without them agents call submit_trajectory",
        )
    if now > seen.captured_at + QUIET_SECONDS:
        return Trouble(
            f"nothing was captured since {day(seen.captured_at, now)}: no client was used, or its hooks are missing",
            "explib attach CLIENT installs them; explib doctor tries what is attached",
        )
    return None


def _graded(seen: Activity, _now: float) -> Trouble | None:
    if not seen.ungraded or (seen.graded_at is not None and seen.ungraded < FEW_UNGRADED):
        return None
    since = "so far" if seen.graded_at is None else "since the last reward"
    return Trouble(
        f"attempts arrive without rewards: {_counted(seen.ungraded, 'attempt')} {since}",
        "explib reward last good|bad, the prompts good and bad, or report_reward; a test that is run in a captured "
        "session counts by itself",
    )


def _learned(seen: Activity, now: float) -> Trouble | None:
    return _failed(seen) or _stuck(seen, now) or _undecided(seen, now) or _unknown(seen)


def _failed(seen: Activity) -> Trouble | None:
    if seen.failing is not None:
        reason = clipped(seen.failing.removeprefix(RETRIED))
        return Trouble(f"the learner fails: {reason}", "it tries again by itself; explib doctor tries the model")
    if seen.dead:
        given_up = _counted(seen.dead, "group was given up", "groups were given up")
        return Trouble(f"{given_up}: {clipped(seen.dead_reason or '')}", "then explib learn --retry-dead")
    return None


def _stuck(seen: Activity, now: float) -> Trouble | None:
    if seen.ready_since is None or now - max(seen.ready_since, seen.looked_at or 0.0) < STUCK_SECONDS:
        return None
    ready = _counted(seen.ready, "group waits", "groups wait")
    return Trouble(
        f"{ready} (the first came {ago(seen.ready_since, now)}), and no learner takes them up",
        "explib learn does; with EXPLIB_ANALYST=agent the prompt `learn` of a server with --tools learn does",
    )


def _undecided(seen: Activity, now: float) -> Trouble | None:
    if seen.proposed_at is None or now - seen.proposed_at < UNANSWERED_SECONDS:
        return None
    waiting = _counted(seen.proposals, "proposal waits", "proposals wait")
    return Trouble(
        f"{waiting} for a person's decision (the first came {ago(seen.proposed_at, now)})",
        "explib experiences list --status waiting, then explib experiences review ID approve|reject",
    )


def _unknown(seen: Activity) -> Trouble | None:
    if seen.learned_at is not None or not seen.graded:
        return None
    waiting = _counted(seen.attempts, "attempt waits", "attempts wait")
    if seen.graded >= FEW_GRADED:
        return Trouble(
            f"{waiting}: no way of acting stands out from chance yet",
            "more graded attempts; rewards between 0 and 1 need fewer",
        )
    alone = "each task has one attempt and " if seen.tasks == seen.attempts > 1 else ""
    more = number_of(FEW_GRADED - seen.graded, "more graded attempt")
    return Trouble(
        f"{waiting}: {alone}no decision is believed yet",
        f"{more}, or several attempts at one task: fewer seldom tell a way of acting from chance",
    )


def _served(seen: Activity, now: float) -> Trouble | None:
    if not seen.lessons:
        return None
    if seen.asked_at is None or now > seen.asked_at + QUIET_SECONDS:
        since = "yet" if seen.asked_at is None else f"since {day(seen.asked_at, now)}"
        return Trouble(f"nobody has asked for a lesson {since}", "explib attach CLIENT, then work as before")
    if seen.asked_at > (seen.served_at or 0.0) + UNANSWERED_SECONDS:
        return Trouble(
            "no lesson fits what is asked",
            "explib experiences list shows what there is; what is done now is learned from as well",
        )
    return None


def _counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun; one that was counted up to its bound says so."""
    if count < MOST_COUNTED:
        return number_of(count, noun, plural)
    return f"{count:,} or more {plural or noun + 's'}"


PULSES = (
    Kind("captured", lambda seen: seen.captured_at, lambda _: "", _captured),
    Kind("graded", lambda seen: seen.graded_at, lambda _: "", _graded),
    Kind("learned", lambda seen: seen.learned_at, lambda _: "", _learned),
    Kind("refused", lambda seen: seen.refused_at, lambda seen: clipped(seen.refusal or ""), lambda _seen, _now: None),
    Kind(
        "served",
        lambda seen: seen.served_at,
        lambda seen: number_of(seen.served, "lesson") if seen.served else "",
        _served,
    ),
)
"""In the order in which one thing leads to the next."""
LEADING = ("captured", "graded", "learned")
"""What must come before a library learns."""
