"""Samples of lm-evaluation-harness: `samples_*.jsonl`, one document and filter a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explib.errors import InvalidInput
from explib_server.importers.paths import as_field, lookup, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sources import Source


@dataclass(frozen=True, slots=True)
class LmEval:
    """Reads samples; what several filters repeat of one document is one attempt."""

    name: str = "lm-eval"

    def recognises(self, source: Source) -> bool:
        """Tell by the fields that every sample has."""
        return _LINES.recognises(source)

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The first line of each document."""
        seen: set[str] = set()
        for draft in _LINES.read(source):
            if isinstance(draft, Draft):
                if draft.names[0] in seen:
                    continue
                seen.add(draft.names[0])
            yield draft


def _is_mine(document: Document, source: Source) -> bool:
    return "doc_id" in document and "resps" in document and "doc" in document


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    prompt = _prompt(document.get("arguments"))
    answer = _first(document.get("filtered_resps")) or _first(document.get("resps"))
    if prompt is None or answer is None:
        raise InvalidInput("The sample has no prompt or no response.")
    case = text_at(document, "doc_hash") or f"{source.path.name.rpartition('_')[0]}:{document['doc_id']}"
    yield Draft(
        trajectory=[{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}],
        position=position,
        document=document,
        task=prompt,
        reward=_metric(document),
        ground_truth=text_at(document, "target"),
        group=f"lm-eval:{case}",
        names=(str(document["doc_id"]),),
    )


def _prompt(arguments: object) -> str | None:
    """The first argument of the first request."""
    while isinstance(arguments, Mapping | list) and arguments:
        arguments = next(iter(arguments.values())) if isinstance(arguments, Mapping) else arguments[0]
    return arguments if isinstance(arguments, str) else None


def _first(responses: object) -> str | None:
    while isinstance(responses, list) and responses:
        responses = responses[0]
    return None if isinstance(responses, list) else as_field(responses)


def _metric(document: Document) -> object:
    """The value of the first metric, whose name may be followed by the filter's."""
    named = lookup(document, "metrics")
    for metric in named if isinstance(named, list) else ():
        for key, value in document.items():
            if key == metric or key.partition(",")[0] == metric:
                return value
    return None


_LINES = PerDocument("lm-eval", _is_mine, _drafts)
FORMAT = LmEval()
