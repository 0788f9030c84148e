"""Logs of Inspect AI: `.json`, and `.eval`, which is a ZIP of samples (deflated or Zstandard)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explib.errors import InvalidInput
from explib_server.importers.compression import DAMAGED, zipfile
from explib_server.importers.documents import parse
from explib_server.importers.formats.chat import model_of
from explib_server.importers.paths import as_field, lookup, mapping, objects, submap, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import BadRecord, Draft, or_bad
from explib_server.importers.sources import Source

_ATTACHED = "attachment://"
_LARGEST_SAMPLE = 1 << 30
"""Bytes, unpacked."""


@dataclass(frozen=True, slots=True)
class InspectArchive:
    """Reads `.eval` files, one sample after the other."""

    name: str = "inspect"

    def recognises(self, source: Source) -> bool:
        """Tell by its ending and its first bytes that it is a ZIP of a log."""
        if source.suffix not in (".eval", ""):
            return False
        with source.open() as file:
            return file.read(4) == b"PK\x03\x04"

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The samples in their order. Raises InvalidInput for a damaged archive."""
        with source.open() as file:
            try:
                with zipfile.ZipFile(file) as archive:
                    yield from _samples(archive, source.name)
            except (*DAMAGED, NotImplementedError, RuntimeError, KeyError) as error:
                raise InvalidInput(f"The archive is damaged ({error}): what was read before is taken.") from error


def _samples(archive: zipfile.ZipFile, name: str) -> Iterator[Draft | BadRecord]:
    names = archive.namelist()
    begin = "header.json" if "header.json" in names else "_journal/start.json"
    header = mapping(parse(archive.read(begin).decode("utf-8", "replace")), begin)
    for entry in archive.infolist():
        if not (entry.filename.startswith("samples/") and entry.filename.endswith(".json")):
            continue
        position = f"{name}/{entry.filename.removeprefix('samples/').removesuffix('.json')}"
        try:
            if entry.file_size > _LARGEST_SAMPLE:
                raise InvalidInput(f"The sample has {entry.file_size:,} bytes, more than are read.")
            sample = mapping(parse(archive.read(entry).decode("utf-8", "replace")), "The sample")
            yield _draft(sample, position, submap(header, "eval"))
        except (InvalidInput, zlib.error, zipfile.BadZipFile) as error:
            yield BadRecord(position, str(error))


def _is_mine(document: Document, source: Source) -> bool:
    return isinstance(document.get("eval"), Mapping) and "plan" in document


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft | BadRecord]:
    samples = objects(document.get("samples"))
    if not samples:
        raise InvalidInput("The log has no samples: it holds only its header.")
    for sample in samples:
        where = f"{position}/{sample.get('id')}_epoch_{sample.get('epoch')}"
        yield or_bad(where, _draft, sample, where, submap(document, "eval"))


def _draft(sample: Document, position: str, run: Document) -> Draft:
    sample_id, epoch = sample.get("id"), sample.get("epoch")
    messages = _attached(sample.get("messages"), submap(sample, "attachments"))
    if not isinstance(messages, list) or not messages:
        raise InvalidInput("The sample has no messages: it failed before its first one.")
    asked = sample.get("input")
    scorer, score = _score(sample, run)
    remarks = (text_at(sample, "error.message"), as_field(lookup(score, "explanation")))
    return Draft(
        trajectory=messages,
        position=position,
        document=sample,
        trial=f"inspect:{run.get('eval_id') or run.get('run_id')}:{run.get('created')}:{sample_id}:{epoch}",
        task=as_field(_attached(asked, submap(sample, "attachments"))) if isinstance(asked, str) else None,
        reward=score,
        reward_at=scorer,
        ground_truth=as_field(sample.get("target")),
        feedback="\n".join(remark for remark in remarks if remark) or None,
        group=f"inspect:{run.get('task')}:{sample_id}",
        model=text_at(sample, "output.model") or model_of(messages) or text_at(run, "model"),
        names=(f"{sample_id}_epoch_{epoch}", str(sample_id)),
    )


def _score(sample: Document, run: Document) -> tuple[str, object]:
    """The score of the first scorer that the run names, else of the first one, and where it stands."""
    scores = sample.get("scores")
    if not isinstance(scores, Mapping):
        return "score", sample.get("score")
    names = [str(scorer.get("name")) for scorer in objects(run.get("scorers"))]
    return next(((f"scores.{name}", scores[name]) for name in [*names, *scores] if name in scores), ("scores", None))


def _attached(value: object, attachments: Document) -> object:
    """The value with the texts that the log keeps apart."""
    if not attachments:
        return value
    if isinstance(value, str):
        return attachments.get(value.removeprefix(_ATTACHED), value) if value.startswith(_ATTACHED) else value
    if isinstance(value, Mapping):
        return {key: _attached(item, attachments) for key, item in value.items()}
    return [_attached(item, attachments) for item in value] if isinstance(value, list) else value


ARCHIVE = InspectArchive()
FORMAT = PerDocument("inspect", _is_mine, _drafts)
