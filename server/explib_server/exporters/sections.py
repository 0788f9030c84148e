"""AGENTS.md and CLAUDE.md: a section between markers; the rest of the file belongs to people."""

from __future__ import annotations

from explib_server.exporters.contents import LibraryExport
from explib_server.exporters.exporter import Exporter, heading_of, lines_of
from explib_server.exporters.files import marked


def _write(export: LibraryExport) -> str:
    return marked(export.library, f"## Lessons from experience\n\n{heading_of(export)}\n\n{lines_of(export)}\n")


AGENTS = Exporter("agents-md", _write, ("AGENTS.md",), is_section=True)
CLAUDE = Exporter("claude-md", _write, ("CLAUDE.md",), is_section=True)
