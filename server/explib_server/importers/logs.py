"""ImportRun logs: what is named on the command line becomes records, one after the other, and what is wrong is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from explib.errors import InvalidInput
from explib.trajectories.values import keys_of
from explib_server.importers.drafts import complete
from explib_server.importers.records import BadRecord, Draft, Record, or_bad
from explib_server.importers.registry import choose, format_names
from explib_server.importers.sessions.places import is_of_project
from explib_server.importers.sources import ImportRun, Source, sources


def read(given: Iterable[str], import_run: ImportRun, format_name: str = "auto") -> Iterator[Record | BadRecord]:
    """The records of files, folders, patterns and standard input, each thing that cannot be read as a BadRecord.

    Raises InvalidInput for an unknown format name.
    """
    for source in sources(given, import_run):
        if isinstance(source, BadRecord):
            yield source
        elif not import_run.is_claimed(source.path):
            yield from _of_source(source, format_name)


def read_scores(source: Source) -> None:
    """Take the rewards of a file of scores. Raises InvalidInput."""
    options = source.run.options
    for position, document in source.documents():
        if isinstance(document, BadRecord):
            raise InvalidInput(f"{document.position}: {document.reason}")
        try:
            source.run.scores.add(document, options.reward_field, options.score_key)
        except InvalidInput as error:
            raise InvalidInput(f"{position}: {error}") from error


def _of_source(source: Source, format_name: str) -> Iterator[Record | BadRecord]:
    chosen = choose(source, format_name)
    if chosen is None:
        if source.is_named:
            yield BadRecord(source.name, _unknown(source))
        return
    try:
        for draft in chosen.read(source):
            yield from _records(draft, source)
    except InvalidInput as error:
        yield BadRecord(source.name, str(error))
    except RecursionError:
        yield BadRecord(source.name, "It is nested too deep: pass the messages or steps as they were.")


def _records(draft: Draft | BadRecord, source: Source) -> Iterator[Record | BadRecord]:
    if isinstance(draft, BadRecord):
        yield draft
        return
    import_run = source.run
    if not is_of_project(draft, import_run.options):
        return
    record = or_bad(draft.position, complete, draft, source.place, import_run.options, import_run.scores)
    if import_run.options.group_by and isinstance(record, Record) and record.group is None:
        import_run.ungrouped += 1
    yield record


def _unknown(source: Source) -> str:
    begin = next(iter(source.head), None)
    if isinstance(begin, BadRecord):
        return begin.reason
    seen = f" It begins with an object of {keys_of(begin)}." if isinstance(begin, Mapping) else ""
    return f"The format is not known.{seen} Name it with --format: {format_names()}."
