"""Which revisions are tried, what their two arms serve, and how one is rolled back. Pure functions.

What a learner's revision changed is tried by a coin: half of the retrievals that it matters to get the library as it
was last accepted. What only added is tried by the draws of what it added. Removing is not tried: the lift of what is
removed is known already, and where rewards say that it helps the removal is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from explib.evidence.policy import lesson_class
from explib.history.replay import LibraryState, restore_operations
from explib.models.experiences import Experience, Lesson
from explib.models.retrievals import Trial
from explib.models.revisions import Change, Operation

MOST_COINS = 4
"""Trials by a coin at a time: each halves the share of retrievals that see the newest of everything."""


def start_trial(number: int, changes: Sequence[Change], running: Sequence[Trial], now: float) -> Trial | None:
    """The trial of a learner's revision, or None where it has nothing to try or too many are running.

    A trial whose experiences it changes again goes on in it, still against what that one was tried against.
    """
    adds, replaces = _effects(changes)
    if not adds and not replaces:
        return None
    taken = [trial for trial in running if affected_ids(trial, changes)]
    against = min([number - 1, *(trial.against for trial in taken)])
    for trial in reversed(taken):
        if trial.replaces:
            adds |= set(trial.adds)
            replaces |= trial.replaces
        else:
            replaces |= {known: () for known in replaces if known in trial.adds}
    adds -= replaces.keys()
    going = sum(bool(trial.replaces) for trial in running if trial not in taken)
    if replaces and going >= MOST_COINS:
        return None
    return Trial(number, "running", replaces, tuple(sorted(adds)), against=against, started_at=now)


def _effects(changes: Iterable[Change]) -> tuple[set[str], dict[str, tuple[Lesson, ...]]]:
    """What was added, and what was there instead of what was changed."""
    adds: set[str] = set()
    replaces: dict[str, tuple[Lesson, ...]] = {}
    for change in changes:
        first = change.after[0]
        if change.operation.kind == "ADD":
            adds.add(first.id)
        elif change.operation.kind in ("MODIFY", "MERGE") and first.id not in adds and _differs(change):
            served = tuple(lesson_of(known) for known in change.before if known.status != "retired")
            replaces.setdefault(first.id, served)
    return adds, replaces


def _differs(change: Change) -> bool:
    return any(before.version != after.version for before, after in zip(change.before, change.after, strict=True)) or (
        len(change.before) > 1
    )


def lesson_of(known: Experience) -> Lesson:
    """An experience as it is served."""
    learned = lesson_class(pinned=known.pinned, support=known.support)
    return Lesson(known.id, known.content, known.status, known.version, learned)


def affected_ids(trial: Trial, changes: Iterable[Change]) -> set[str]:
    """The experiences on trial that the changes give another text, retire or put back."""
    mine = {*trial.replaces, *trial.adds, *(known.id for old in trial.replaces.values() for known in old)}
    changed = {
        after.id
        for change in changes
        for before, after in zip(change.before, change.after, strict=False)
        if before.version != after.version or (before.status == "retired") != (after.status == "retired")
    }
    return mine & changed


def drop_changed(trial: Trial, gone: set[str]) -> Trial | None:
    """What is left of a trial by draws when some of what was added has changed; None where nothing is."""
    left = tuple(known for known in trial.adds if known not in gone)
    return replace(trial, adds=left) if left and not trial.replaces else None


def rollback_operations(trial: Trial, then: LibraryState, now: LibraryState) -> tuple[Operation, ...]:
    """What puts back what the trial is tried against. What a person pinned stays; so does what has changed since."""
    added = {*trial.adds, *(known for known, old in trial.replaces.items() if not old)}
    gone = [known for known in sorted(added) if _may_go(now, known)]
    back = [lesson for old in trial.replaces.values() for lesson in old if _may_come(now, lesson)]
    why = f"revision {trial.revision} costs reward"
    return (
        *(Operation("DELETE", why, target=known) for known in gone),
        *(restore_operations(then, lesson.id, trial.against) for lesson in back),
    )


def _may_go(now: LibraryState, known: str) -> bool:
    served = now.served(known)
    return served is not None and not served.pinned


def _may_come(now: LibraryState, lesson: Lesson) -> bool:
    known = now.experiences.get(lesson.id)
    return known is not None and not known.pinned and (known.content != lesson.content or known.status == "retired")
