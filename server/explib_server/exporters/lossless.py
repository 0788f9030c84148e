"""JSON with everything that is known of each lesson: what `explib import` reads back."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from explib.errors import InvalidInput
from explib_server.exporters.contents import ExportedLesson, LibraryExport
from explib_server.exporters.exporter import Exporter

FORMAT = "explib-lessons"
VERSION = 1
_EXPORT = TypeAdapter(LibraryExport)
_LESSON = TypeAdapter(ExportedLesson)


def _write(export: LibraryExport) -> str:
    fields = _EXPORT.dump_python(export, mode="json")
    return json.dumps({"format": FORMAT, "version": VERSION, **fields}, ensure_ascii=False, indent=1) + "\n"


def is_export(document: Mapping[str, object]) -> bool:
    """Tell an export by its first field."""
    return document.get("format") == FORMAT


def read_lesson(value: object) -> ExportedLesson:
    """One lesson of an export. Raises InvalidInput, naming what is wrong with it."""
    try:
        return _LESSON.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"The lesson cannot be read: {where or 'it'}: {first['msg']}.") from error


EXPORTER = Exporter("json", _write)
