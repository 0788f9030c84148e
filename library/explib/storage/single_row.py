"""One row at a glance: what every call asks first, by the shortest way that its engine has.

The usual way of a read (a pooled connection, its thread, a transaction) takes most of a millisecond, half of what a
whole empty MCP call takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from sqlalchemy import Select

Row: TypeAlias = "tuple[Any, ...] | None"


class SingleRowReader(Protocol):
    """Reads single rows, each as of the moment of its call."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What `first` raises where it cannot read now: the usual way will do, or explain what is wrong."""
        ...

    async def first(self, statement: Select[Any], values: Mapping[str, object]) -> Row:
        """The first row as the driver gives it, or None. Cast what the engines give differently."""
        ...

    async def close(self) -> None:
        """Give the connection back."""
        ...
