"""Times as people read them. Standard library only: the status line shows some."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3_600, 86_400
"""Seconds."""
DAYS_AGO = 14
"""Days up to which a time is told by its distance, not its date."""


def when(seconds: float) -> str:
    """A time to the minute, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def ago(at: float | None, now: float) -> str:
    """How long ago something was, e.g. `3 min ago`; its date where that is more than two weeks; `never`."""
    if at is None:
        return "never"
    passed = now - at
    if passed < MINUTE:
        return "just now"
    for below, unit, name in ((HOUR, MINUTE, "min"), (DAY, HOUR, "h"), (DAYS_AGO * DAY, DAY, "d")):
        if passed < below:
            return f"{passed // unit:.0f} {name} ago"
    return day(at, now)


def day(at: float, now: float) -> str:
    """A date, e.g. `Nov 3`; with its year where that is another one."""
    then, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC)
    year = "" if then.year == today.year else f", {then.year}"
    return f"{then:%b} {then.day}{year}"
