"""The heartbeat of a library: when each thing last happened and, where it is late, why and what helps.

Standard library only: the status line needs it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from explib.models.activity import Activity
from explib.text.words import number_of
from explib_server.render.bounds import clipped
from explib_server.render.pulses import LEADING, PULSES, Kind
from explib_server.render.times import MINUTE, ago

NOW_SECONDS = 10 * MINUTE
"""Lessons of an answer younger than this are served now."""
WIDTH, LABEL = 80, 24
"""Characters of a line, and of the name and time that begin it."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """One sign of life."""

    name: str
    at: float | None
    """Seconds since the epoch; None: never."""
    what: str
    """More on it, where there is more to say."""
    late: bool
    cause: str
    cure: str
    """Like the cause empty unless it is late."""


def heartbeat(activity: Activity, now: float) -> tuple[Pulse, ...]:
    """Every pulse."""
    return tuple(_pulse(kind, activity, now) for kind in PULSES)


def _pulse(kind: Kind, activity: Activity, now: float) -> Pulse:
    trouble = kind.trouble(activity, now)
    cause, cure = trouble or ("", "")
    return Pulse(kind.name, kind.at(activity), kind.what(activity), trouble is not None, cause, cure)


def heartbeat_text(pulses: Sequence[Pulse], now: float) -> str:
    """A line for each pulse, and under one that is late what helps; readable at 80 columns."""
    lines: list[str] = []
    for pulse in pulses:
        told = f"late: {pulse.cause}" if pulse.late else pulse.what
        lines += _wrapped(f"{pulse.name:<10}{ago(pulse.at, now)}", told)
        lines += _wrapped("", f"→ {pulse.cure}") if pulse.late else []
    return "\n".join(lines)


def _wrapped(label: str, text: str) -> list[str]:
    lines = textwrap.wrap(text, WIDTH - LABEL, break_on_hyphens=False) or [""]
    return [f"{label:<{LABEL}}{lines[0]}".rstrip(), *(" " * LABEL + line for line in lines[1:])]


def waits_for(pulses: Sequence[Pulse]) -> str:
    """A sentence on what must come before the library learns; empty where nothing that leads to it is late."""
    late = [pulse for pulse in pulses if pulse.late and pulse.name in LEADING]
    return f"{late[0].cause}; {late[0].cure}" if late else ""


def status_line(activity: Activity, now: float, *, captured: bool = True) -> str:
    """The heartbeat on one line, e.g. `explib: 6 lessons · 2 served now · last learned 3 h ago`."""
    if not captured:
        return "explib: off here (explib on)"
    late = [pulse for pulse in heartbeat(activity, now) if pulse.late]
    parts = [number_of(activity.lessons, "lesson")]
    if activity.served_at is not None:
        fresh = now - activity.served_at < NOW_SECONDS
        parts.append(f"{activity.served} served now" if fresh else f"served {ago(activity.served_at, now)}")
    if late:
        parts.append(late[0].cause)
    elif activity.learned_at is not None:
        parts.append(f"last learned {ago(activity.learned_at, now)}")
    return clipped(f"explib: {' · '.join(parts)}", WIDTH)
