"""The evidence as a picture: lifts with their intervals, and the library's uplift over time. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from explib.evidence.interval import Interval
from explib_server.render.bounds import clipped
from explib_server.render.evidence import ExperienceEvidence, LibraryEvidence
from explib_server.render.picture import HARMS, HELPS, INK, OPEN, frame, picture, say_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SHOWN = 40
"""Experiences in the picture: those of which most is known."""
HEAD, ROW, LOWER = 1.5, 0.27, 2.6
"""Inches."""
LESSON_CHARACTERS = 58

Track = Sequence[tuple[float, Interval]]
"""Uplift as it was known at times (seconds since the epoch)."""


def draw(found: LibraryEvidence, track: Track, path: Path) -> None:
    """Write the picture. Raises InvalidInput for another ending, and where matplotlib is not installed."""
    title = f"{found.library}, revision {found.revision}"
    with picture(path, title, (lifts_height(found), LOWER)) as (lifts, uplift):
        draw_lifts(lifts, found)
        _draw_uplift(uplift, track, found)


def lifts_height(found: LibraryEvidence) -> float:
    """The inches that the diagram of lifts takes."""
    return HEAD + ROW * max(len(_shown(found.experiences)), 3)


def _shown(experiences: Sequence[ExperienceEvidence]) -> list[ExperienceEvidence]:
    """The measured ones of which most is known, the best on top."""
    measured = sorted((each for each in experiences if each.lift is not None), key=lambda each: -each.rewards)
    return sorted(measured[:MOST_SHOWN], key=lambda each: each.lift.mean if each.lift else 0.0)


def draw_lifts(axes: Axes, found: LibraryEvidence) -> None:
    """The lift of each experience of which something is known."""
    shown = _shown(found.experiences)
    hidden = sum(each.lift is None for each in found.experiences)
    frame(axes, "Lift of each experience: change of the expected reward, with its interval")
    if found.unclaimed or not shown:
        say_on(axes, found.unclaimed or "Nothing is known yet: too few rewards.")
        return
    for row, each in enumerate(shown):
        if each.lift is not None:
            _draw_interval(axes, row, each.lift)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(shown)), [_named(each) for each in shown])
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.tick_params(axis="y", length=0, labelsize=8)
    left = f"{hidden} more have too few rewards to be shown" if hidden else ""
    axes.set_xlabel(
        "; ".join(filter(None, ("green: helps, red: harms, grey: not settled", left))), fontsize=8, color=OPEN
    )


def _draw_interval(axes: Axes, row: int, lift: Interval) -> None:
    colour = HELPS if lift.low > 0 else HARMS if lift.high < 0 else OPEN
    axes.plot([lift.low, lift.high], [row, row], color=colour, linewidth=2.2, alpha=0.45, solid_capstyle="round")
    axes.plot([lift.mean], [row], "o", color=colour, markersize=5)


def _named(each: ExperienceEvidence) -> str:
    mark = " (retired)" if each.status == "retired" else ""
    return f"{clipped(each.content, LESSON_CHARACTERS)}  [{each.id}]{mark}".replace("$", r"\$")


def _draw_uplift(axes: Axes, track: Track, found: LibraryEvidence) -> None:
    frame(axes, "Uplift of the whole library over serving nothing")
    if not track:
        say_on(axes, f"Uplift {found.uplift.label}.")
        return
    import numpy as np

    times = np.array([int(at * 1000) for at, _ in track], dtype="datetime64[ms]")
    means, lows, highs = zip(*((each.mean, each.low, each.high) for _, each in track), strict=True)
    axes.fill_between(times, lows, highs, color=HELPS, alpha=0.15, linewidth=0)
    axes.plot(times, means, color=HELPS, linewidth=1.8)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.margins(x=0.01)
    axes.xaxis.get_offset_text().set(fontsize=8, color=OPEN)
    axes.set_xlabel("time (UTC); shaded: the interval", fontsize=8, color=OPEN)
    axes.annotate(
        f"{means[-1]:+.3f}",
        (times[-1], means[-1]),
        (4, 4),
        textcoords="offset points",
        ha="right",
        color=HELPS,
        weight="bold",
    )
