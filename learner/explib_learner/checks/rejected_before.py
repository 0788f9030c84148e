"""What a library has said no to, or has not decided yet, is not proposed again at once: it takes more evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from explib.models.experiences import Experience
from explib.models.revisions import Operation, ProposedOperation, Refusal
from explib_learner.checks.operations import DUPLICATE_SIMILARITY, similarity

GROWTH = 2
"""Times as many attempts as a lesson rested on when it was turned down: then it may be proposed again."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An operation that is not to be repeated until its evidence has grown; `attempts` None: as long as it waits."""

    operation: Operation
    why: str
    attempts: int | None = None
    waits_as: str = ""
    """Id of a proposal that only waits because attempts did not bear it out: what they bear out now releases it."""


def earlier_rejections(
    proposals: Sequence[ProposedOperation], experiences: Sequence[Experience], *, review: bool = False
) -> tuple[Rejection, ...]:
    """From a library's proposals that wait or were rejected, and from all of its experiences, retired ones too.

    `review`: everything waits for a person there.
    """
    proposed = (_proposed(each, releasable=not review and bool(each.operation.waits)) for each in proposals)
    return (*proposed, *map(_retired, (each for each in experiences if each.status == "retired")))


def reject_repeats(
    operations: Sequence[Operation], declined: Sequence[Rejection]
) -> tuple[tuple[Operation, ...], tuple[Refusal, ...]]:
    """Sort operations into new ones and repetitions of what was turned down, with the reason.

    What was held back for want of attempts, and has them now, is new: it names the proposal that it releases.
    """
    kept: list[Operation] = []
    refused: list[Refusal] = []
    for operation in operations:
        reason = next(_reasons(operation, declined), None) if operation.kind != "KEEP" else None
        if reason is None:
            kept.append(replace(operation, releases=_released(operation, declined)))
        else:
            refused.append(Refusal(operation, reason))
    return tuple(kept), tuple(refused)


def _reasons(operation: Operation, declined: Sequence[Rejection]) -> Iterator[str]:
    for each in declined:
        if _repeats(operation, each.operation):
            if each.attempts is None:
                if operation.waits or not each.waits_as:
                    yield each.why
            elif len(operation.citations) < GROWTH * each.attempts:
                yield (
                    f"{each.why}: it may come back when it rests on {GROWTH * each.attempts} attempts, "
                    f"not on {len(operation.citations)}"
                )


def _released(operation: Operation, declined: Sequence[Rejection]) -> tuple[str, ...]:
    return tuple(each.waits_as for each in declined if each.waits_as and _repeats(operation, each.operation))


def _repeats(operation: Operation, earlier: Operation) -> bool:
    """Whether it is the same change once more, or adds what was to be said."""
    same = (operation.kind, operation.target, operation.merged) == (earlier.kind, earlier.target, earlier.merged)
    if operation.content is None or earlier.content is None:
        return same and operation.content is earlier.content
    return (same or operation.kind == "ADD") and similarity(operation.content, earlier.content) >= DUPLICATE_SIMILARITY


def _proposed(proposal: ProposedOperation, *, releasable: bool) -> Rejection:
    if proposal.state == "waiting":
        waits_as = proposal.id if releasable else ""
        return Rejection(proposal.operation, f"it waits for review already, as {proposal.id}", waits_as=waits_as)
    said = f" ({proposal.reason})" if proposal.reason else ""
    why = f"{proposal.decided_by} rejected it as {proposal.id}{said}"
    return Rejection(proposal.operation, why, max(1, len(proposal.operation.citations)))


def _retired(known: Experience) -> Rejection:
    rested_on = known.support.supporting + known.support.contradicting
    why = f"{known.id} said the same and was retired in revision {known.updated_revision}"
    return Rejection(Operation("ADD", "", content=known.content), why, max(1, rested_on))
