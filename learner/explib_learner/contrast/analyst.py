"""The `contrast` analyst: learning without a model, by a stratified test of what winners did and losers did not.

A run looks at all groups of the library whose rewards differ, so it proposes the same for the same data: nothing, once
its lessons are there. Later data can support a candidate (MODIFY to active), refute a lesson (DELETE: p over .05, or
the other way round) or change its counts (KEEP with the new evidence). Each run tests anew on all data; the
correction is for the events of one run, not for how often it is run.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import TypeAlias

from explib.models.experiences import Experience
from explib.models.revisions import Citation, Operation, Refusal
from explib_learner.analyst import Analysis, Batch
from explib_learner.contrast.explanation import citations, note, reason, summary
from explib_learner.contrast.findings import Finding, Survey, is_synonym, select, survey

_WORD = re.compile(r"\w[\w.-]*\w|\w")
BATCH_GROUPS = 500
_GROWTH = 1.5
"""Times as many attempts as it rested on: then an experience's counts are brought up to date."""
_NEAR = 0.75
"""Share of common words from which two lessons about the same names are one."""


class ContrastAnalyst:
    """An analyst that is statistics, not a model: no cost, no network, the same answer to the same data."""

    @property
    def name(self) -> str:
        """Always `contrast`."""
        return "contrast"

    @property
    def model(self) -> str | None:
        """None: no model speaks."""
        return None

    @property
    def batch_groups(self) -> int:
        """All that is ready: one survey draws on every group anyway."""
        return BATCH_GROUPS

    @property
    def reads_history(self) -> bool:
        """Statistics need every group."""
        return True

    async def advantages(self, batch: Batch) -> Analysis:
        """What separates winners from losers over the library's whole history, beyond what is known already."""
        found = await asyncio.to_thread(survey, (*batch.history, *batch.groups))
        chosen = await asyncio.to_thread(select, found)
        known = _known(batch, found)
        operations = (*_revised(known, found), *_added(chosen, known, batch, found))
        return Analysis(operations=operations, note=summary(found))

    async def consolidate(self, batch: Batch, operations: tuple[Operation, ...]) -> Analysis:
        """The operations as they are, but one for each split of attempts and one for each experience."""
        said = {experience.content: experience.id for experience in batch.experiences}
        kept: list[Operation] = []
        refusals: list[Refusal] = []
        for operation in operations:
            clash = next((why for other in kept if (why := _clash(operation, other))), None)
            if operation.kind == "ADD" and operation.content in said:
                clash = f"{said[operation.content]} says the same"
            if clash is None:
                kept.append(operation)
            else:
                refusals.append(Refusal(operation, clash))
        return Analysis(operations=tuple(kept), refusals=tuple(refusals))


Known: TypeAlias = tuple[tuple[Experience, Finding], ...]


def _known(batch: Batch, found: Survey) -> Known:
    """Experiences of earlier contrast runs whose event was tested now, with what is found of it today."""
    events = {
        content: (finding, did)
        for finding in found.findings
        for did in (True, False)
        if (content := finding.event.lesson(did=did)) is not None
    }
    known: list[tuple[Experience, Finding]] = []
    for experience in batch.experiences:
        if experience.analyst == "contrast" and experience.content in events:
            finding, did = events[experience.content]
            known.append((experience, finding if finding.did == did else finding.reversed()))
    return tuple(known)


def _revised(known: Known, found: Survey) -> Iterator[Operation]:
    """DELETE of what later data refute, MODIFY of candidates that they support, KEEP with new evidence of the rest."""
    for experience, finding in known:
        if not finding.suggestive:
            yield Operation(
                kind="DELETE",
                reason=f"Later data do not bear it out: {reason(finding, found)}",
                target=experience.id,
                citations=citations(finding, found),
                note=note(finding, found),
            )
        elif experience.status == "candidate" and finding.standing == "supported":
            yield Operation(
                kind="MODIFY",
                reason=f"Later data support the candidate: {reason(finding, found)}",
                content=experience.content,
                target=experience.id,
                citations=citations(finding, found),
                status="active",
                note=note(finding, found),
            )
        elif experience.support.note != note(finding, found) and _grown(experience, cited := citations(finding, found)):
            yield Operation(
                kind="KEEP",
                reason=f"Counted again: {reason(finding, found)}",
                target=experience.id,
                citations=cited,
                status=experience.status,
                note=note(finding, found),
            )


def _grown(known: Experience, cited: tuple[Citation, ...]) -> bool:
    """Whether the evidence has grown so much that it is worth a revision of its own."""
    return len(cited) >= _GROWTH * (known.support.supporting + known.support.contradicting)


def _added(chosen: tuple[Finding, ...], known: Known, batch: Batch, found: Survey) -> Iterator[Operation]:
    """ADD of each chosen finding that no experience says yet."""
    alive = [finding for _, finding in known if finding.suggestive]
    for finding in chosen:
        content = finding.content
        if content is None:
            continue
        if any(is_synonym(finding, other, found) for other in alive):
            continue
        if any(_says_the_same(content, experience.content) for experience in batch.experiences):
            continue
        yield Operation(
            kind="ADD",
            reason=reason(finding, found),
            content=content,
            citations=citations(finding, found),
            status="active" if finding.standing == "supported" else "candidate",
            note=note(finding, found),
        )


def _says_the_same(lesson: str, other: str) -> bool:
    """Whether two lessons name the same things in the same order, agree in "not", and share most words."""
    mine, theirs = _words(lesson), _words(other)
    names = [word for word in mine if "_" in word or "." in word]
    if names != [word for word in theirs if "_" in word or "." in word]:
        return False
    if ("not" in mine or "without" in mine) != ("not" in theirs or "without" in theirs):
        return False
    if not names:
        return mine == theirs
    return len(set(mine) & set(theirs)) >= _NEAR * len(set(mine) | set(theirs))


def _words(lesson: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(lesson)]


def _clash(operation: Operation, other: Operation) -> str | None:
    """Why the second operation leaves no room for the first, or None."""
    if operation.kind == other.kind == "ADD":
        if operation.content == other.content:
            return "another operation of this run adds the same text"
        if operation.citations and _split(operation.citations) == _split(other.citations):
            return f"the same split of attempts is already in: {other.content}"
    if operation.target is not None and operation.target == other.target:
        return f"another operation of this run already changes {operation.target}"
    return None


def _split(cited: tuple[Citation, ...]) -> frozenset[Citation]:
    return frozenset(cited)
