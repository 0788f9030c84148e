"""Every format of an export."""

from __future__ import annotations

from explib.errors import InvalidInput
from explib_server.exporters import cursor, lossless, markdown, sections, skill, toon
from explib_server.exporters.exporter import Exporter

EXPORTERS: dict[str, Exporter] = {
    exporter.name: exporter
    for exporter in (
        markdown.EXPORTER, lossless.EXPORTER, toon.EXPORTER, sections.AGENTS, sections.CLAUDE, skill.EXPORTER,
        cursor.EXPORTER,
    )
}  # fmt: skip


def exporter_of(name: str) -> Exporter:
    """The format of that name. Raises InvalidInput, naming those that there are."""
    if name not in EXPORTERS:
        raise InvalidInput(f"There is no format {name[:40]!r}: pass one of {', '.join(EXPORTERS)}.")
    return EXPORTERS[name]
