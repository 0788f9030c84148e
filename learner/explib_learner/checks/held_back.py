"""Which proposals wait for a person also without review: what attempts do not bear out, or one submitter's alone do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from explib.models.experiences import Experience
from explib.models.revisions import Operation
from explib.models.trajectories import Attempt
from explib_learner.checks.grounding import WITNESSES, Grounds, Witness, grounds_of, witness_of
from explib_learner.checks.provenance import is_shared, only_submitter


def held_back(
    operations: Iterable[Operation], experiences: Sequence[Experience], attempts_by_id: Mapping[str, Attempt]
) -> tuple[Operation, ...]:
    """The operations, each that must wait marked with the reason; a text that the library has already is not judged.

    `attempts_by_id` are all attempts that were read: those cited, and those that tell whether the library is shared.
    """
    contents = {experience.id: experience.content for experience in experiences}
    shared = is_shared(attempts_by_id.values())
    witnesses: dict[str, Witness] = {}
    marked: list[Operation] = []
    for operation in operations:
        if operation.content is None or operation.content == contents.get(operation.target or ""):
            marked.append(operation)
            continue
        winners = [name for name in operation.winners if name in attempts_by_id]
        witnesses |= {name: witness_of(attempts_by_id[name]) for name in winners if name not in witnesses}
        grounds = grounds_of(operation.content, winners, witnesses)
        submitter = only_submitter([attempts_by_id[name].trajectory for name in winners]) if shared else None
        marked.append(replace(operation, waits=_reason(grounds, submitter)))
    return tuple(marked)


def _reason(grounds: Grounds, submitter: str | None) -> str:
    if grounds.missing:
        return (
            f"It waits for a person: fewer than {WITNESSES} attempts that followed it and won did what it says "
            f"({grounds.missing})."
        )
    if grounds.consequential and submitter is not None:
        return f"It waits for a person: all attempts that it rests on were handed in by {submitter}."
    return ""
