"""Quantiles, tables and JSON: what every benchmark of serving prints and keeps."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations of one kind, in milliseconds."""

    p50: float
    p95: float
    p99: float
    count: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """Of at least two durations in seconds."""
        cuts = statistics.quantiles([1000 * each for each in seconds], n=100, method="inclusive")
        return cls(cuts[49], cuts[94], cuts[98], len(seconds))


def numbers(text: str) -> list[int]:
    """`100,1000` as given on a command line."""
    return [int(each) for each in text.split(",")]


def parser(description: str | None) -> argparse.ArgumentParser:
    """A command line that knows `--json FILE`."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", type=Path, help="write the figures there")
    return made


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[str | int | float]]) -> None:
    """A plain table."""
    cells = [[_cell(each) for each in row] for row in (heads, *rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(heads))]
    print(f"\n{title}")
    for row in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def keep(path: Path | None, measured: object) -> None:
    """Write the figures as JSON, with when and on what they were measured."""
    if path is None:
        return
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()}
    kept = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine, "measured": measured}
    path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def _cell(value: str | int | float) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
