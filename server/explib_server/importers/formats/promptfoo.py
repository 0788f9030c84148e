"""Results of promptfoo: `{evalId, results: {results: [{prompt, response, score, gradingResult, …}]}}`, or rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from explib.errors import InvalidInput
from explib.trajectories.conversation import is_conversation
from explib.trajectories.values import loads
from explib_server.importers.drafts import digest
from explib_server.importers.paths import as_field, lookup, objects, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import BadRecord, Draft, or_bad
from explib_server.importers.sources import Source


def _rows(document: Document) -> list[Document]:
    rows = objects(lookup(document, "results.results")) or objects(document.get("results")) or [document]
    return [row for row in rows if "response" in row and ("gradingResult" in row or "promptIdx" in row)]


def _is_mine(document: Document, source: Source) -> bool:
    return bool(_rows(document))


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft | BadRecord]:
    for at, row in enumerate(_rows(document)):
        yield or_bad(f"{position}/{at}", _draft, row, f"{position}/{at}", document)


def _draft(row: Document, position: str, document: Document) -> Draft:
    raw, answered = lookup(row, "prompt.raw"), lookup(row, "response.output")
    if answered is None:
        raise InvalidInput(f"There is no response: {str(row.get('error') or 'the provider gave none')[:200]}.")
    parsed = loads(raw) if isinstance(raw, str) and raw.lstrip().startswith("[") else raw
    asked = (
        parsed if isinstance(parsed, list) and is_conversation(parsed) else [{"role": "user", "content": as_field(raw)}]
    )
    variables = lookup(row, "testCase.vars") or row.get("vars")
    case = digest([variables, lookup(row, "testCase.assert")] if variables else [row.get("testIdx")])
    evaluation = text_at(document, "evalId")
    score = row.get("score")
    return Draft(
        trajectory=[*asked, _reply(answered)],
        position=position,
        document=row,
        trial=evaluation and f"promptfoo:{evaluation}:{row.get('id') or position.rpartition('/')[2]}",
        reward=row.get("success") if score is None else score,
        feedback=text_at(row, "gradingResult.reason") or text_at(row, "error"),
        group=f"promptfoo:{case}",
        model=text_at(row, "provider.id") or text_at(row, "provider"),
        names=(str(row.get("id")),),
    )


def _reply(output: object) -> Mapping[str, object]:
    """The answer as a message: a text, or what providers give of a message with calls."""
    parsed = loads(output) if isinstance(output, str) and output.lstrip()[:1] in ("{", "[") else output
    if isinstance(parsed, list) and parsed and all("function" in call for call in objects(parsed)) and objects(parsed):
        return {"role": "assistant", "content": None, "tool_calls": parsed}
    if isinstance(parsed, Mapping) and ("tool_calls" in parsed or "role" in parsed):
        return {"role": "assistant", **parsed}
    return {"role": "assistant", "content": as_field(output)}


FORMAT = PerDocument("promptfoo", _is_mine, _drafts)
