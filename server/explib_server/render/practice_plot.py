"""A run of practice as a picture: its learning curve, and the lessons by effect. Needs matplotlib."""

from __future__ import annotations

from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from explib.evidence.interval import Interval
from explib_server.practice.proof import FEWEST_TASKS, Arm, t_quantile
from explib_server.practice.report import Report
from explib_server.render.evidence import LibraryEvidence
from explib_server.render.evidence_plot import draw_lifts, lifts_height
from explib_server.render.picture import HELPS, INK, OPEN, frame, picture, say_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 3.0
"""Inches of the learning curve."""


def draw_practice(report: Report, found: LibraryEvidence, path: Path) -> None:
    """Write the picture. Raises InvalidInput for another ending, and where matplotlib is not installed."""
    title = f"run {report.plan.run}: {report.library}, revision {report.revision}"
    with picture(path, title, (HEIGHT, lifts_height(found))) as (curve, lifts):
        _draw_curve(curve, report)
        draw_lifts(lifts, found)


def mean_interval(arm: Arm) -> Interval:
    """Mean@k as a share of the range, with Student's 95 % interval over tasks; fewer than six tasks have none."""
    means = [fmean(rewards) for rewards in arm.rewards.values()]
    half = t_quantile(len(means) - 1) * stdev(means) / sqrt(len(means)) if len(means) >= FEWEST_TASKS else 0.0
    return Interval(arm.mean, max(arm.mean - half, 0.0), min(arm.mean + half, 1.0))


def _draw_curve(axes: Axes, report: Report) -> None:
    k, settings = report.plan.options.rollouts, report.settings
    frame(axes, f"Mean@{k} of each batch, with its 95 % interval over tasks")
    batches = [batch for batch in report.batches if batch.graded]
    if not batches:
        say_on(axes, "No batch has rewards yet.")
        return
    for at, batch in enumerate(batches):
        share = mean_interval(batch.arm)
        low, mean, high = (
            settings.reward_min + each * settings.reward_width for each in (share.low, share.mean, share.high)
        )
        axes.plot([at, at], [low, high], color=HELPS, linewidth=2.2, alpha=0.45, solid_capstyle="round")
        axes.plot([at], [mean], "o", color=HELPS, markersize=5)
        axes.annotate(f"{mean:.3f}", (at, mean), (7, 6), textcoords="offset points", fontsize=8, color=INK)
    means = [settings.reward_min + batch.arm.mean * settings.reward_width for batch in batches]
    axes.plot(range(len(batches)), means, color=HELPS, linewidth=1.2)
    axes.set_xticks(range(len(batches)), [f"epoch {batch.epoch}, batch {batch.number}" for batch in batches])
    axes.set_xlim(-0.5, len(batches) - 0.5)
    axes.set_ylim(settings.reward_min, settings.reward_max * 1.02)
    axes.set_xlabel("learning comes after each batch", fontsize=8, color=OPEN)
