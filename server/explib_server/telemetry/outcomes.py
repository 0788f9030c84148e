"""How a tool call ended, and who wants to know."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

Outcome: TypeAlias = Literal["ok", "refused", "failed"]
"""`refused`: the answer says what was wrong with the call. `failed`: a defect of ours."""


class Observer(Protocol):
    """Is told of every tool call."""

    def called(self, tool: str, outcome: Outcome, seconds: float) -> None:
        """One tool call has ended."""
        ...

    def submitted(self, *, duplicate: bool) -> None:
        """One trajectory was stored, or was there already."""
        ...
