"""Every format, in the order in which they are asked: the surest first, then those of other packages, then any chat."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from explib.errors import InvalidInput
from explib_server.importers.formats import (
    agentbench,
    atif,
    chat,
    harbor,
    inspect_ai,
    langfuse,
    langsmith,
    lessons,
    lm_eval,
    mini_swe_agent,
    openhands,
    otlp,
    own,
    promptfoo,
    swe_agent,
    swe_bench,
    table,
    tau2,
    tau_bench,
    verifiers,
)
from explib_server.importers.records import Format
from explib_server.importers.sessions import claude_code, codex, copilot, copilot_changes, gemini, opencode
from explib_server.importers.sources import Source

ENTRY_POINTS = "explib.importers"
"""The group of entry points by which another package adds a format: each names an object that is a Format."""

_SURE: tuple[Format, ...] = (
    inspect_ai.ARCHIVE, inspect_ai.FORMAT, harbor.FORMAT, atif.FORMAT, tau_bench.FORMAT, tau2.FORMAT,
    mini_swe_agent.FORMAT, swe_agent.FORMAT, openhands.FORMAT, verifiers.FORMAT, promptfoo.FORMAT, lm_eval.FORMAT,
    agentbench.FORMAT, langfuse.FORMAT, langsmith.FORMAT, otlp.FORMAT, claude_code.FORMAT, codex.FORMAT, gemini.FORMAT,
    opencode.FORMAT, copilot_changes.FORMAT, copilot.FORMAT, swe_bench.FORMAT, lessons.FORMAT,
)  # fmt: skip
_GENERAL: tuple[Format, ...] = (own.FORMAT, table.FORMAT, chat.FORMAT)


@cache
def formats() -> tuple[Format, ...]:
    """Every format that is installed, in the order in which `auto` asks them."""
    added = tuple(point.load() for point in entry_points(group=ENTRY_POINTS))
    return (*_SURE, *added, *_GENERAL)


def format_names() -> str:
    """The names that `--format` takes, for help and errors."""
    return ", ".join(dict.fromkeys(known.name for known in formats()))


def choose(source: Source, name: str) -> Format | None:
    """The format of a file: the named one, else the first that recognises it; None where none does.

    Raises InvalidInput for a name that no format has.
    """
    known = formats() if name == "auto" else tuple(known for known in formats() if known.name == name)
    if not known:
        raise InvalidInput(f"There is no format {name!r}: pass auto or one of {format_names()}.")
    return next((each for each in known if each.recognises(source)), None if name == "auto" else known[-1])
