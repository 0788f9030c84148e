"""TOON, as a flat table: one lesson a row, its strings quoted where the format demands it (specification 3)."""

from __future__ import annotations

import re

from explib_server.exporters.contents import ExportedLesson, LibraryExport
from explib_server.exporters.exporter import Exporter

_FIELDS = ("id", "status", "learned", "for", "against", "lift", "content")
_STRUCTURAL = re.compile(r'[:,"\\\[\]{}\x00-\x1f]')
_NUMERIC = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ESCAPED = re.compile(r'[\\"\x00-\x1f]')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _write(export: LibraryExport) -> str:
    head = [f"library: {_text(export.library)}", f"revision: {export.revision}"]
    table = f"lessons[{len(export.lessons)}]{{{','.join(_FIELDS)}}}:" if export.lessons else "lessons[0]:"
    return "\n".join([*head, table, *map(_row, export.lessons)]) + "\n"


def _row(lesson: ExportedLesson) -> str:
    lift = "null" if lesson.lift is None else f"{round(lesson.lift.mean, 3) + 0.0:g}"
    counts = (str(lesson.support.supporting), str(lesson.support.contradicting))
    cells = (_text(lesson.id), lesson.status, lesson.learned, *counts, lift, _text(lesson.content))
    return "  " + ",".join(cells)


def _text(value: str) -> str:
    return '"' + _ESCAPED.sub(_escape, value) + '"' if _needs_quotes(value) else value


def _needs_quotes(value: str) -> bool:
    if not value or value != value.strip() or value[0] in "-#" or value in ("true", "false", "null"):
        return True
    return _STRUCTURAL.search(value) is not None or _NUMERIC.fullmatch(value) is not None


def _escape(matched: re.Match[str]) -> str:
    return _ESCAPES.get(matched[0]) or f"\\u{ord(matched[0]):04x}"


EXPORTER = Exporter("toon", _write)
