"""Rows of lists that calls chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from explib_learner.grammar.records import Rows, Scalar
from explib_learner.grammar.trace import Call


class Choice(NamedTuple):
    """An argument that names one row of the newest list with it."""

    at: int
    """Position of the call."""
    tool: str
    argument: str
    lister: str
    """The tool that answered with the list."""
    rows: Rows
    row: Mapping[str, Scalar]


def choices_of(calls: Sequence[Call]) -> Iterator[Choice]:
    """All choices of an attempt, in the order of its calls."""
    lists: list[tuple[str, Rows]] = []
    for at, call in enumerate(calls):
        for name, value in call.arguments.items():
            if isinstance(value, bool) or name.startswith("#"):
                continue
            for lister, rows in reversed(lists):
                chosen = [row for row in rows.rows if any(_named(key, leaf, name, value) for key, leaf in row.items())]
                if len(chosen) == 1:
                    yield Choice(at, call.name, name, lister, rows, chosen[0])
                    break
        lists.extend((call.name, rows) for rows in call.answer.lists)


def _named(key: str, leaf: Scalar, name: str, value: Scalar) -> bool:
    if isinstance(value, float):
        return leaf == value and not isinstance(leaf, bool) and (key == name or name.endswith(f"_{key}"))
    return leaf == value
