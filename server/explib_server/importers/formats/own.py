"""Our own form, one object a line with the fields of `submit_trajectory`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from explib.errors import InvalidInput
from explib_server.importers.paths import text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.scores import ID_FIELDS
from explib_server.importers.sources import Source

_READ = {
    "task", "trajectory", "reward", "answer", "ground_truth", "feedback", "retrieval_id", "group", "library", "agent",
    "model", "idempotency_key", *ID_FIELDS,
}  # fmt: skip


def _is_mine(document: Document, source: Source) -> bool:
    return "trajectory" in document


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    if document.get("trajectory") is None:
        raise InvalidInput("There is no trajectory: each line needs a task and a trajectory.")
    options = source.run.options
    named = {str(path).split(".")[0] for path in (options.reward_field, options.group_by, options.task_field)}
    source.run.ignored.update(sorted(document.keys() - _READ - named))
    yield replace(
        draft_of(document, document["trajectory"], position),
        says_answer=True,
        retrieval_id=text_at(document, "retrieval_id"),
        library=text_at(document, "library"),
    )


def draft_of(document: Document, trajectory: object, position: str) -> Draft:
    """The attempt with all that stands in the fields of `submit_trajectory`."""
    return Draft(
        trajectory=trajectory,
        position=position,
        document=document,
        idempotency_key=text_at(document, "idempotency_key"),
        task=text_at(document, "task"),
        answer=text_at(document, "answer"),
        ground_truth=text_at(document, "ground_truth"),
        feedback=text_at(document, "feedback"),
        group=text_at(document, "group"),
        agent=text_at(document, "agent"),
        model=text_at(document, "model"),
        names=names_of(document),
    )


def names_of(document: Document) -> tuple[str, ...]:
    """The ids in a document by which a file of scores may name it."""
    return tuple(str(document[name]) for name in ID_FIELDS if isinstance(document.get(name), str | int))


FORMAT = PerDocument("explib", _is_mine, _drafts, is_strict=False)
