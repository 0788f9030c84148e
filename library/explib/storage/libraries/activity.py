"""A library's activity by the plain SQL of `activity.sql`. Standard library only.

The status line runs it without SQLAlchemy, which takes longer to import than all the statements to run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from explib.models.activity import MOST_COUNTED, Activity
from explib.models.groups import RETRIED
from explib.models.revisions import LEARNER

RECENT = 200
"""Retrievals among which the last that served something is looked for."""


def statements() -> list[str]:
    """One for each thing that is read."""
    return Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").strip().removesuffix(";").split(";\n")


def parameters(library_id: int) -> dict[str, object]:
    """The values that the statements take."""
    fixed = {"most": MOST_COUNTED, "learner": LEARNER, "retried": f"{RETRIED}%", "recent": RECENT}
    return {"owner": library_id, **fixed}


def activity_of(rows: Iterable[Mapping[str, Any]]) -> Activity:
    """From the rows of the statements."""
    values = {name: value for row in rows for name, value in row.items()}
    if "served" in values:
        values["served"] = sum(served for *_, served in json.loads(values["served"]))
    return Activity(**values)
