"""This week: whether it helps, the signs of life, what changed in seven days, what waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from explib.evidence.following import together
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import LEARNER, Change, OperationKind, Revision
from explib.storage.revisions.proposal import AUTOMATIC
from explib_server.application import Application
from explib_server.page.ask import Ask, Fields
from explib_server.page.views.lessons import Known, decided, known_of, row
from explib_server.page.views.practice import newest_proof
from explib_server.render.evidence import Uplift, evidence_of, library_uplift
from explib_server.render.heartbeat import heartbeat, waits_for
from explib_server.render.times import DAY

WEEK_SECONDS = 7 * DAY
MOST_REVISIONS = 200
SHOWN_BEST = 3
SHOWN_CHANGES = 12
"""Of each kind."""
_GROUPS: dict[OperationKind, str] = {"ADD": "new", "MODIFY": "improved", "MERGE": "improved", "DELETE": "taken_back"}


async def week(application: Application, library: Library, _ask: Ask) -> Fields:
    """The start view."""
    store, now = application.store, application.store.clock()
    overview = await store.libraries.overview(library)
    activity = await store.measures.activity(library)
    pulses = heartbeat(activity, now)
    known = await known_of(application, library)
    lessons = [lesson for lesson in known.lessons if lesson.status != "retired"]
    ways = together((await store.followings.of(library, lessons)).values())
    revisions = await store.revisions.history(library, MOST_REVISIONS)
    recent = [revision for revision in revisions if revision.created_at > now - WEEK_SECONDS]
    return {
        "now": now,
        "revision": library.revision,
        "objective": library.settings.objective,
        "lessons": len(lessons),
        "attempts": overview.trajectories,
        "graded": overview.graded,
        "uplift": _uplift(await library_uplift(store, library), library),
        "proof": await newest_proof(application, library),
        "heartbeat": [asdict(pulse) for pulse in pulses],
        "waits_for": waits_for(pulses),
        "changes": _changes(recent),
        "waiting": await store.proposals.count(library),
        "following": asdict(ways),
        "best": await _best(application, library, lessons, known),
    }


def _uplift(found: Uplift, library: Library) -> Fields:
    """The lift as a share of the reward's range."""
    width = library.settings.reward_width
    lift = None if found.lift is None else asdict(found.lift.times(1 / width))
    return {"lift": lift, "rewards": found.rewards, "label": found.label}


def _changes(revisions: Sequence[Revision]) -> Fields:
    """Kind of change → how many, and the newest of them; a lesson that came back or went by hand is by people."""
    groups: dict[str, list[Fields]] = {"new": [], "improved": [], "taken_back": [], "by_people": []}
    for revision in revisions:
        for change in revision.changes:
            if (kind := _kind(revision, change)) is not None:
                groups[kind].append(_change(revision, change))
    return {kind: {"count": len(made), "shown": made[:SHOWN_CHANGES]} for kind, made in groups.items()}


def _kind(revision: Revision, change: Change) -> str | None:
    if revision.author not in AUTOMATIC:
        return "by_people"
    return _GROUPS.get(change.operation.kind)


def _change(revision: Revision, change: Change) -> Fields:
    after = change.after[0]
    return {
        "id": after.id,
        "content": after.content,
        "kind": _did(change),
        "status": after.status,
        "revision": revision.number,
        "at": revision.created_at,
        "author": "" if revision.author == LEARNER else revision.author,
        "reason": change.operation.reason,
    }


def _did(change: Change) -> str:
    """The operation; a KEEP that pins or unpins is that."""
    if change.operation.kind == "KEEP" and change.before and change.before[0].pinned != change.after[0].pinned:
        return "PIN" if change.after[0].pinned else "UNPIN"
    return change.operation.kind


async def _best(
    application: Application, library: Library, lessons: Sequence[Experience], known: Known
) -> list[Fields]:
    """The lessons that attempts speak for most, by their decisions' effects."""
    spoken = [lesson for lesson in lessons if decided(lesson, known.verdicts)[0]]
    strongest = sorted(spoken, key=lambda lesson: -decided(lesson, known.verdicts)[1])[:SHOWN_BEST]
    evidence = await evidence_of(application.store, library, strongest)
    pairs = zip(strongest, evidence, strict=True)
    return [row(lesson, found, known.verdicts.get(lesson.decision_id or ""), library) for lesson, found in pairs]
