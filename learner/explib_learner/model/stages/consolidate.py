"""A batch's proposals against the whole library: merged, without conflicts, within the library's limit.

The model says only what is to be changed. A proposal that it doesn't mention, or whose change is refused, stays as it
was: what was paid for is not lost, and nothing is dropped without a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel

from explib.errors import ModelAnswerInvalid
from explib.models.experiences import Experience
from explib.models.libraries import LibrarySettings
from explib.models.revisions import Citation, Operation, Refusal
from explib.models.trajectories import Attempt
from explib.text.words import number_of
from explib_learner.checks.operations import DUPLICATE_SIMILARITY, OperationCheck, similarity
from explib_learner.model.asker import Asker
from explib_learner.prompting.fences import fenced
from explib_learner.prompting.files import PromptFile
from explib_learner.prompting.library_text import counts, experiences_text, learning_objective_text, objective_text

PLACEHOLDERS = frozenset({"objective", "learning_objective", "max_words", "limit", "size", "experiences", "proposals"})

Checked = tuple[tuple[Operation, ...], tuple[Refusal, ...]]


class ChangeAnswer(BaseModel):
    """One change as the model answers it; proposals by label."""

    action: Literal["ADD", "MODIFY", "MERGE", "DELETE", "DROP"]
    proposals: list[str] = []
    ids: list[str] = []
    content: str = ""
    reason: str = ""


class ConsolidationAnswer(BaseModel):
    """What the model answers."""

    changes: list[ChangeAnswer]


@dataclass(frozen=True, slots=True)
class Consolidation:
    """What is to be consolidated."""

    library: LibrarySettings
    experiences: tuple[Experience, ...]
    attempts: Mapping[str, Attempt]
    """Every attempt that the operations may cite, by id."""
    operations: tuple[Operation, ...]
    tries: int

    def size_with(self, operations: Sequence[Operation]) -> int:
        """How many experiences the library has after these operations."""
        return len(self.experiences) + sum(_growth(operation) for operation in operations)


async def consolidate(asker: Asker, prompt: PromptFile, task: Consolidation) -> Checked:
    """The consolidated operations and what was refused; no call where there is nothing to fit together."""
    proposals, repeated = folded(task.operations)
    loose = tuple(operation for operation in proposals if operation.kind != "KEEP")
    kept = tuple(operation for operation in proposals if operation.kind == "KEEP")
    size = task.size_with(loose)
    if len(loose) <= 1 and size <= task.library.max_experiences:
        return proposals, repeated
    labelled = {f"P{at + 1}": operation for at, operation in enumerate(loose)}
    values = {
        "objective": objective_text(task.library.objective),
        "learning_objective": learning_objective_text(task.library.learning_objective),
        "max_words": str(task.library.max_words),
        "limit": str(task.library.max_experiences),
        "size": str(size),
        "experiences": experiences_text(task.experiences),
        "proposals": _proposals_text(labelled, task.attempts),
    }
    question = asker.question("consolidate", prompt, ConsolidationAnswer, values)
    over = size > task.library.max_experiences
    answer = await asker.settle(
        question, ConsolidationAnswer, lambda answer: _structured(answer, labelled, task, over), task.tries
    )
    changed, refused = _applied(answer, labelled, task)
    fitting, too_many = _within_limit(changed, task)
    gone = {name for operation in fitting for name in _retired(operation)}
    still = tuple(operation for operation in kept if operation.target not in gone)
    lost = tuple(Refusal(each, f"{each.target} goes in the same batch") for each in kept if each.target in gone)
    return (*fitting, *still), (*repeated, *refused, *too_many, *lost)


def folded(operations: Sequence[Operation]) -> Checked:
    """Proposals that say the same become one with the evidence of all; the others are recorded as refused."""
    kept: list[Operation] = []
    refused: list[Refusal] = []
    for operation in operations:
        same = next((at for at, other in enumerate(kept) if _same(operation, other)), None)
        if same is None:
            kept.append(operation)
            continue
        kept[same] = replace(kept[same], citations=united((kept[same], operation)))
        refused.append(
            Refusal(operation, "another proposal of this batch says the same: its citations were added there")
        )
    return tuple(kept), tuple(refused)


def united(operations: Sequence[Operation]) -> tuple[Citation, ...]:
    """The citations of all, each attempt once; where one contradicts any of them, it counts against."""
    stances: dict[str, Citation] = {}
    for operation in operations:
        for citation in operation.citations:
            known = stances.get(citation.trajectory_id)
            if known is None or known.stance == "for":
                stances[citation.trajectory_id] = citation
    return tuple(stances.values())


def _same(one: Operation, other: Operation) -> bool:
    if (one.kind, one.target, one.merged) != (other.kind, other.target, other.merged):
        return False
    return not one.content or similarity(one.content, other.content or "") >= DUPLICATE_SIMILARITY


def _growth(operation: Operation) -> int:
    return {"ADD": 1, "DELETE": -1, "MERGE": -len(operation.merged)}.get(operation.kind, 0)


def _retired(operation: Operation) -> tuple[str, ...]:
    return (operation.target,) if operation.kind == "DELETE" and operation.target else operation.merged


def _touched(operation: Operation) -> tuple[str, ...]:
    return (operation.target, *operation.merged) if operation.target else ()


def _proposals_text(labelled: Mapping[str, Operation], attempts: Mapping[str, Attempt]) -> str:
    lines = []
    for label, operation in labelled.items():
        supporting, contradicting = counts(operation)
        groups = {
            attempts[citation.trajectory_id].trajectory.group_id
            for citation in operation.citations
            if citation.trajectory_id in attempts
        }
        what = " ".join(filter(None, (operation.kind, operation.target and f"[{operation.target}]")))
        evidence = f"for {supporting} in {number_of(len(groups), 'group')}, against {contradicting}"
        lines.append(f"{label} {what} ({evidence}) {operation.content or ''}\n   because: {operation.reason}")
    return fenced("proposals", "\n".join(lines)) if lines else "(none)"


def _structured(
    answer: ConsolidationAnswer, labelled: Mapping[str, Operation], task: Consolidation, over: bool
) -> tuple[ChangeAnswer, ...]:
    """The changes with clean labels and ids, or ModelAnswerInvalid with everything that is wrong with them."""
    known = {experience.id for experience in task.experiences}
    used: set[str] = set()
    problems: list[str] = []
    changes: list[ChangeAnswer] = []
    for at, change in enumerate(answer.changes):
        proposals = list(dict.fromkeys(label.strip().strip("[]").upper() for label in change.proposals))
        ids = list(dict.fromkeys(name.strip().strip("[]") for name in change.ids))
        clean = change.model_copy(update={"proposals": proposals, "ids": ids, "content": change.content.strip()})
        named = (*proposals, *ids)
        unknown = [name for name in named if name not in labelled and name not in known]
        twice = [name for name in named if name in used]
        problem = (
            (f"there is no {', '.join(unknown)}" if unknown else None)
            or (f"{', '.join(twice)} is in another change already" if twice else None)
            or _wrong_shape(clean, over)
        )
        if problem is not None:
            problems.append(f"changes.{at} ({change.action}): {problem}")
        used.update(named)
        changes.append(clean)
    if problems:
        raise ModelAnswerInvalid("; ".join(problems))
    return tuple(changes)


def _wrong_shape(change: ChangeAnswer, over: bool) -> str | None:
    action, proposals, ids = change.action, len(change.proposals), len(change.ids)
    if action in ("ADD", "MODIFY", "DROP") and not proposals:
        return "it needs proposals to rest on"
    wanted = {"ADD": ids == 0, "DROP": ids == 0, "MODIFY": ids == 1, "DELETE": ids == 1, "MERGE": ids > 1}
    if not wanted[action]:
        return f"{ids} ids are not what {action} takes"
    if action in ("ADD", "MODIFY", "MERGE") and not change.content:
        return "its content is empty"
    if action == "DELETE" and not proposals and not over:
        return "without a proposal a lesson is deleted only while the library is over its limit"
    return None


def _applied(changes: Sequence[ChangeAnswer], labelled: Mapping[str, Operation], task: Consolidation) -> Checked:
    """The changes as operations; proposals that none of them takes in stay, where they don't run against one."""
    check = OperationCheck(task.experiences, task.attempts, task.library)
    kept: list[Operation] = []
    refused: list[Refusal] = []
    settled: set[str] = set()
    for change in changes:
        sources = [labelled[label] for label in change.proposals]
        if change.action == "DROP":
            refused += [Refusal(source, f"left out in consolidation: {change.reason.strip()}") for source in sources]
            settled.update(change.proposals)
            continue
        operation = _operation(change, sources)
        reason = check.reason_against(operation, kept)
        if reason is None:
            kept.append(operation)
            settled.update(change.proposals)
        else:
            refused.append(Refusal(operation, reason))
    for label, proposal in labelled.items():
        if label not in settled:
            problem = _conflict(proposal, kept)
            if problem is None:
                kept.append(proposal)
            else:
                refused.append(Refusal(proposal, problem))
    return tuple(kept), tuple(refused)


def _operation(change: ChangeAnswer, sources: Sequence[Operation]) -> Operation:
    kind = "ADD" if change.action == "DROP" else change.action
    return Operation(
        kind=kind,
        reason=change.reason.strip() or "; ".join(source.reason for source in sources),
        content=change.content if kind != "DELETE" else None,
        target=change.ids[0] if change.ids else None,
        merged=tuple(change.ids[1:]),
        citations=united(sources),
    )


def _conflict(proposal: Operation, kept: Sequence[Operation]) -> str | None:
    """Why a proposal can't stand beside the operations that are kept, or None."""
    for other in kept:
        both = set(_touched(proposal)).intersection(_touched(other))
        if both:
            return f"{', '.join(sorted(both))} is changed by another operation of this batch ({other.kind})"
        if proposal.content and other.content and similarity(proposal.content, other.content) >= DUPLICATE_SIMILARITY:
            return "another operation of this batch says the same"
    return None


def _within_limit(operations: tuple[Operation, ...], task: Consolidation) -> Checked:
    """Refuse the additions with the least evidence that the library has no room for."""
    excess = task.size_with(operations) - task.library.max_experiences
    additions = sorted(
        (operation for operation in operations if operation.kind == "ADD"),
        key=lambda operation: (counts(operation)[0] - counts(operation)[1], len(operation.citations)),
    )
    gone = additions[: max(0, excess)]
    reason = (
        f"the library is full ({number_of(task.library.max_experiences, 'experience')}) and nothing made room: "
        "raise max_experiences or retire some"
    )
    return tuple(each for each in operations if each not in gone), tuple(Refusal(each, reason) for each in gone)
