"""Cursor rules: one `.mdc` file that Cursor offers its agent by the description."""

from __future__ import annotations

import json

from explib_server.exporters.contents import LibraryExport
from explib_server.exporters.exporter import Exporter, heading_of, lines_of, made_by
from explib_server.exporters.skill import description_of


def _write(export: LibraryExport) -> str:
    head = f"description: {json.dumps(description_of(export), ensure_ascii=False)}\nglobs:\nalwaysApply: false"
    body = "\n\n".join([made_by(export), heading_of(export), lines_of(export)])
    return f"---\n{head}\n---\n\n{body}\n"


EXPORTER = Exporter("cursor", _write, (".cursor/rules/{name}.mdc",))
