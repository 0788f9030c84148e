"""Markdown: a heading and one lesson a line."""

from __future__ import annotations

from explib.text.words import number_of
from explib_server.exporters.contents import LibraryExport
from explib_server.exporters.exporter import Exporter, lines_of


def _write(export: LibraryExport) -> str:
    title = f"# {export.library}, revision {export.revision}: {number_of(len(export.lessons), 'lesson')}"
    return f"{title}\n\n{lines_of(export)}\n"


EXPORTER = Exporter("markdown", _write)
