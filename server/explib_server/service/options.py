"""The options of `explib serve` that a relay understands. Standard library only: typer takes 100 ms."""

from __future__ import annotations

from collections.abc import Sequence

RELAYED = {"--tools": ("agent", "learn", "all"), "--transport": ("stdio",), "--learner": ("detached",)}
"""With these values the service serves; with any other, this process."""


def toolset(arguments: Sequence[str]) -> str | None:
    """The toolset that is asked for; None where another option or value is among the arguments."""
    found = {"--tools": "agent"}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        value = value if equals else next(rest, "")
        if value not in RELAYED.get(name, ()):
            return None
        found[name] = value
    return found["--tools"]
