"""Pictures of two diagrams, one above the other, in the colours of all our pictures. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from explib.errors import InvalidInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENDINGS = (".png", ".svg")
HELPS, HARMS, OPEN, INK, GRID = "#2a7f62", "#b3413b", "#7a828c", "#22272e", "#e3e6ea"
WIDTH = 9.0
"""Inches."""
DOTS = 150


def check_picture(path: Path) -> None:
    """Raises InvalidInput unless the file's ending is one that can be drawn, and matplotlib is installed."""
    if find_spec("matplotlib") is None:
        raise InvalidInput("Pictures need matplotlib: install it with `pip install 'explib[plot]'`.")
    if path.suffix.lower() not in ENDINGS:
        raise InvalidInput(f"{path.name!r} ends neither in .png nor in .svg: name the picture so.")


@contextmanager
def picture(path: Path, title: str, heights: tuple[float, float]) -> Iterator[tuple[Axes, Axes]]:
    """Two diagrams to fill, of so many inches, which are then written to the file. Raises InvalidInput."""
    check_picture(path)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"date.converter": "concise"}):
        figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained", facecolor="white")
        upper, lower = figure.subplots(2, 1, height_ratios=heights)
        figure.suptitle(title, x=0.012, ha="left", color=INK, weight="bold")
        yield upper, lower
        try:
            figure.savefig(path, dpi=DOTS)
        except OSError as error:
            raise InvalidInput(f"{path} cannot be written ({error.strerror or error}): name another file.") from error


def frame(axes: Axes, title: str) -> None:
    """The look of a diagram."""
    axes.set_title(title, loc="left", fontsize=10, color=INK, pad=8)
    axes.grid(axis="both", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8, length=0)


def say_on(axes: Axes, text: str) -> None:
    """Words in place of a diagram."""
    axes.set_axis_off()
    axes.text(0.0, 0.5, text, transform=axes.transAxes, color=OPEN, fontsize=10, wrap=True)
