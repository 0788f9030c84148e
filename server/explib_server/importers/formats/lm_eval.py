"""Samples of lm-evaluation-harness: `samples_*.jsonl`, one document and filter a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from explib.errors import InvalidInput
from explib.trajectories.conversation import is_conversation
from explib.trajectories.values import loads
from explib_server.importers.paths import as_field, lookup, objects, text_at
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
        """The lines of the filter that comes first; the same document once more is another attempt."""
        filters: dict[str | None, object] = {}
        for draft in _LINES.read(source):
            if isinstance(draft, BadRecord) or filters.setdefault(
                draft.group, draft.document.get("filter")
            ) == draft.document.get("filter"):
                yield draft


def _is_mine(document: Document, source: Source) -> bool:
    return "doc_id" in document and "resps" in document and "doc" in document


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    requests = _requests(document.get("arguments"))
    prompt = requests[0][0] if requests else None
    answer = _answer(document, requests)
    if prompt is None or answer is None:
        raise InvalidInput("The sample has no prompt or no response.")
    asked = _messages(prompt)
    case = text_at(document, "doc_hash") or f"{source.path.name.rpartition('_')[0]}:{document['doc_id']}"
    model = source.path.parent.name
    yield Draft(
        trajectory=[*asked, {"role": "assistant", "content": answer}],
        position=position,
        document=document,
        task=None if len(asked) > 1 else as_field(asked[-1].get("content")),
        reward=_metric(document),
        ground_truth=text_at(document, "target"),
        group=f"lm-eval:{case}",
        model=model.replace("__", "/") if "__" in model else None,
        names=(str(document["doc_id"]),),
    )


def _requests(arguments: object) -> list[list[object]]:
    """The arguments of each request, the prompt first: maps of `gen_args_N`, before 2024 lists."""
    requests = arguments.values() if isinstance(arguments, Mapping) else arguments
    found = (list(request.values()) if isinstance(request, Mapping) else request for request in _items(requests))
    return [_items(request) for request in found if _items(request)]


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else []


def _messages(prompt: object) -> list[Document]:
    """The prompt as messages, which chat templates write as JSON text."""
    text = prompt[0] if isinstance(prompt, list) and len(prompt) == 1 else prompt
    parsed = loads(text) if isinstance(text, str) and text.lstrip().startswith("[{") else text
    return objects(parsed) if is_conversation(parsed) else [{"role": "user", "content": as_field(text)}]


def _answer(document: Document, requests: list[list[object]]) -> str | None:
    """What the model wrote; where it only weighed given continuations, the likeliest."""
    filtered, whole = document.get("filtered_resps"), document.get("resps")
    weighed = [_likelihood(response) for response in _items(whole)]
    if not weighed or None in weighed:
        return _first(filtered) or _first(whole)
    if len(weighed) == 1:
        raise InvalidInput("The sample holds the likelihood of one given text: nothing that the model wrote or chose.")
    best = max(range(len(weighed)), key=lambda at: weighed[at] or 0.0)
    chosen = requests[best][1] if best < len(requests) and len(requests[best]) > 1 else None
    return chosen.strip() if isinstance(chosen, str) else None


def _likelihood(response: object) -> float | None:
    """The log-likelihood in `[[number, is_greedy]]`; None for a text."""
    pair = response[0] if isinstance(response, list) and response else None
    if not (isinstance(pair, list) and len(pair) == 2 and str(pair[1]) in ("True", "False")):
        return None
    try:
        return float(pair[0])
    except (TypeError, ValueError):
        return None


def _first(responses: object) -> str | None:
    while isinstance(responses, list) and responses:
        responses = responses[0]
    return None if isinstance(responses, list) else as_field(responses)


def _metric(document: Document) -> object:
    """The value of the first metric, whose name may be followed by the filter's; old files name none."""
    named = lookup(document, "metrics")
    if not isinstance(named, list):
        numbers = (value for key, value in document.items() if key not in ("doc_id", "target"))
        return next((value for value in numbers if isinstance(value, int | float)), None)
    for metric in named:
        for key, value in document.items():
            if key == metric or key.partition(",")[0] == metric:
                return value
    return None


_LINES = PerDocument("lm-eval", _is_mine, _drafts)
FORMAT = LmEval()
