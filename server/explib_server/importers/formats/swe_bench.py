"""What lies beside the attempts of SWE-bench: reports, which grade them, and predictions, which are left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.scores import is_report
from explib_server.importers.sources import Source


@dataclass(frozen=True, slots=True)
class SweBench:
    """Takes the verdicts of a report for the attempts that are read after it."""

    name: str = "swe-bench"

    def recognises(self, source: Source) -> bool:
        """Tell a report or predictions by their fields."""
        return any(is_report(document) or _is_prediction(document) for document in source.head)

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """No attempt; the verdicts go to the scores of this import."""
        for _, document in source.documents():
            if isinstance(document, BadRecord):
                yield document
            elif is_report(document):
                source.run.scores.add(document, None, None)


def _is_prediction(document: object) -> bool:
    if not isinstance(document, Mapping):
        return False
    values = [document, *list(document.values())[:3]]
    return any(isinstance(value, Mapping) and "model_patch" in value for value in values)


FORMAT = SweBench()
