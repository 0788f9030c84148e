"""How much of a library one learning run may change: what a gullible answer can do at once stays small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from explib.models.revisions import Operation
from explib.text.words import number_of
from explib_learner.analysis import Analysis
from explib_learner.analyst import Batch, Failure

FEWEST = 2
"""Lessons that a run may always add, change or retire."""
YOUNG = 20
"""Lessons up to which one run may fill a young library."""


def within_share(analysis: Analysis, batch: Batch) -> Analysis:
    """The analysis with as many operations as one run may make; the others wait for the next run.

    What verdicts ask for they ask for again. Candidates in a model's words would be lost: a group whose candidates all
    wait is not learned yet, but analysed again.
    """
    contents = {experience.id: experience.content for experience in batch.experiences}
    changes_left = max(FEWEST, int(batch.library.settings.answer_share * len(contents)))
    all_left = max(changes_left, YOUNG - len(contents))
    kept: list[Operation] = []
    waiting: list[Operation] = []
    for operation in analysis.operations:
        lessons = _lessons_changed(operation, contents)
        if lessons > (all_left if operation.kind == "ADD" else min(changes_left, all_left)):
            waiting.append(operation)
            continue
        kept.append(operation)
        all_left -= lessons
        changes_left -= 0 if operation.kind == "ADD" else lessons
    if not waiting:
        return analysis
    note = f"{number_of(len(waiting), 'change')} left for the next run (answer_share)."
    failures = (*analysis.failures, *_unlearned(waiting, kept, analysis, batch))
    return replace(analysis, operations=tuple(kept), failures=failures, note=f"{analysis.note} {note}".lstrip())


def _lessons_changed(operation: Operation, contents: Mapping[str, str]) -> int:
    """How many lessons an operation adds, retires or gives another text; a promotion is none of these."""
    if operation.kind == "KEEP" or (operation.target and operation.content == contents.get(operation.target)):
        return 0
    return 1 + len(operation.merged)


def _unlearned(
    waiting: Sequence[Operation], kept: Sequence[Operation], analysis: Analysis, batch: Batch
) -> Iterator[Failure]:
    """Groups that named decisions whose candidates all wait."""
    origins = {entry.decision.id: entry.decision.named_from for entry in analysis.codebook.entries}
    heard = {group for each in kept for group in origins.get(each.decision_id or "", ())}
    unheard = {group for each in waiting for group in origins.get(each.decision_id or "", ())} - heard
    for group in batch.groups:
        if group.group.id in unheard:
            reason = (
                "its lesson is left for the next run: one run may change only a share of the library (answer_share)"
            )
            yield Failure(group.group.id, reason, counts=False)
