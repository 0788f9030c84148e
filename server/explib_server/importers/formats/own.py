"""Our own form, one object a line with the fields of `submit_trajectory`."""

from __future__ import annotations

from collections.abc import Iterator

from explib.errors import InvalidInput
from explib_server.importers.paths import text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.scores import ID_FIELDS
from explib_server.importers.sources import Source

_TEXTS = ("task", "answer", "ground_truth", "feedback", "retrieval_id", "group", "library", "agent", "model")
_READ = {*_TEXTS, "trajectory", "reward", "idempotency_key", *ID_FIELDS}


def _is_mine(document: Document, source: Source) -> bool:
    return "trajectory" in document


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    if document.get("trajectory") is None:
        raise InvalidInput("There is no trajectory: each line needs a task and a trajectory.")
    options = source.run.options
    named = {str(path).split(".")[0] for path in (options.reward_field, options.group_by, options.task_field)}
    source.run.ignored.update(sorted(document.keys() - _READ - named))
    key = text_at(document, "idempotency_key")
    texts = {name: text_at(document, name) for name in _TEXTS}
    yield Draft(
        trajectory=document["trajectory"],
        position=position,
        document=document,
        trial=key and f"key:{key}",
        says_answer=True,
        names=names_of(document),
        **texts,
    )


def names_of(document: Document) -> tuple[str, ...]:
    """The ids in a document by which a file of scores may name it."""
    return tuple(str(document[name]) for name in ID_FIELDS if isinstance(document.get(name), str | int))


FORMAT = PerDocument("explib", _is_mine, _drafts, is_strict=False)
