"""History: revisions by number, one of them whole, and what differs between any two."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import Revision
from explib_server.application import Application
from explib_server.page.ask import Ask, Fields

SHOWN_CHANGES = 100


async def history(application: Application, library: Library, ask: Ask) -> Fields:
    """A page, newest first; `after` is the last number of the page before."""
    before = ask.number("after", library.revision + 1)
    found = await application.store.revisions.history(library, ask.limit + 1, before)
    shown = found[: ask.limit]
    return {
        "revision": library.revision,
        "revisions": [_line(each) for each in shown],
        "next": str(shown[-1].number) if len(found) > ask.limit else "",
    }


async def revision(application: Application, library: Library, ask: Ask) -> Fields:
    """The revision of this number with its changes and refusals. Raises UnknownRevision."""
    found = await application.store.revisions.get(library, ask.number("id", library.revision))
    changes = [
        {
            "kind": change.operation.kind,
            "reason": change.operation.reason,
            "before": [_lesson(each) for each in change.before],
            "after": [_lesson(each) for each in change.after],
        }
        for change in found.changes[:SHOWN_CHANGES]
    ]
    refused = [
        {"kind": each.operation.kind, "content": each.operation.content or "", "reason": each.reason}
        for each in found.refusals[:SHOWN_CHANGES]
    ]
    return {**_line(found), "changes": changes, "refusals": refused, "groups": len(found.groups)}


async def difference(application: Application, library: Library, ask: Ask) -> Fields:
    """From the library after revision `id` to that after revision `after`. Raises UnknownRevision."""
    first, last = ask.number("id", 0), ask.number("after", library.revision)
    found = await application.store.revisions.difference(library, first, last)
    return {
        "before": first,
        "after": last,
        "revision": library.revision,
        "added": [_lesson(each) for each in found.added],
        "removed": [_lesson(each) for each in found.removed],
        "changed": [[_lesson(old), _lesson(new)] for old, new in found.changed],
        "settings": [each.changed for each in found.settings],
    }


def _line(found: Revision) -> Fields:
    kinds = Counter(change.operation.kind for change in found.changes)
    return {
        "number": found.number,
        "at": found.created_at,
        "author": found.author,
        "cause": found.cause,
        "settings": found.settings,
        "added": kinds["ADD"],
        "changed": kinds["MODIFY"] + kinds["MERGE"],
        "removed": kinds["DELETE"],
        "kept": kinds["KEEP"],
        "refused": len(found.refusals),
        "lessons": list(dict.fromkeys(each.id for change in found.changes for each in change.after))[:8],
        "cost": asdict(found.cost),
    }


def _lesson(experience: Experience) -> Fields:
    return {
        "id": experience.id,
        "content": experience.content,
        "status": experience.status,
        "version": experience.version,
        "pinned": experience.pinned,
    }
