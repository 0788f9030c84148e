"""Lessons that `explib export --format json` wrote: they are no attempts, and wait in the run until it has ended."""

from __future__ import annotations

from collections.abc import Iterator

from explib.errors import InvalidInput
from explib_server.exporters.lossless import VERSION, is_export, read_lesson
from explib_server.importers.paths import text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import BadRecord, Draft, ForeignLesson
from explib_server.importers.sources import Source


def _is_mine(document: Document, source: Source) -> bool:
    return is_export(document)


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft | BadRecord]:
    lessons, library = document.get("lessons"), text_at(document, "library") or "unknown"
    if document.get("version") != VERSION or not isinstance(lessons, list):
        raise InvalidInput(f"The export is of another version or has no lessons: export it again as version {VERSION}.")
    for at, value in enumerate(lessons):
        try:
            lesson = read_lesson(value)
        except InvalidInput as error:
            yield BadRecord(f"{position}/{at}", str(error))
        else:
            source.run.lessons.append(ForeignLesson(lesson, library, f"{position}/{at}"))


FORMAT = PerDocument("lessons", _is_mine, _drafts)
