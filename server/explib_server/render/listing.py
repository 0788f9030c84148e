"""Pages of a library, of its history and of all libraries: answers of tools, no longer than agents want to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from explib.errors import InvalidInput
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import ProposedOperation
from explib.storage.store import Store
from explib_server.mcp.results.curation import (
    History,
    HistoryEntry,
    LibraryList,
    LibrarySummary,
    ListedExperience,
    ListedProposal,
    Listing,
)
from explib_server.render.bounds import check_limit, clipped, page

Status: TypeAlias = Literal["waiting", "candidate", "active", "retired"]
Item: TypeAlias = Experience | ProposedOperation


async def listing(store: Store, library: Library, status: Status | None, limit: int, after: str | None) -> Listing:
    """A page of what waits for review, then of the experiences that are served or have the status.

    Raises InvalidInput.
    """
    items = await _items(store, library, status)
    start = 0 if after is None else _place(items, after) + 1
    rest = items[start:]
    shown = page((_listed(item) for item in rest), limit)
    return Listing(
        library=library.name,
        revision=library.revision,
        total=len(items),
        proposals=[item for item in shown if isinstance(item, ListedProposal)],
        experiences=[item for item in shown if isinstance(item, ListedExperience)],
        next=shown[-1].id if len(shown) < len(rest) else None,
    )


async def _items(store: Store, library: Library, status: Status | None) -> list[Item]:
    waiting = await store.proposals.all(library, "waiting") if status in {None, "waiting"} else []
    if status == "waiting":
        return [*waiting]
    experiences = await store.revisions.experiences(library, retired=status == "retired")
    return [*waiting, *(experience for experience in experiences if status in {None, experience.status})]


def _place(items: Sequence[Item], after: str) -> int:
    """Where the item is; where it is no longer there, the last one before it."""
    kind, digits = after[:1], after[1:]
    if kind not in {"e", "p"} or not (digits.isdecimal() and len(digits) <= len("999999999")):
        raise InvalidInput(f"after is {after[:40]!r}: pass the id of the last item of the page before, e.g. e20.")
    place = (kind == "e", int(digits))  # proposals come first
    return sum((item.id[0] == "e", int(item.id[1:])) <= place for item in items) - 1


def _listed(item: Item) -> ListedExperience | ListedProposal:
    return ListedProposal.of(item) if isinstance(item, ProposedOperation) else ListedExperience.of(item)


async def history(store: Store, library: Library, limit: int, before: int | None) -> History:
    """A page of the revisions, newest first. Raises InvalidInput."""
    check_limit(limit)
    if before is not None:
        before = max(0, min(before, library.revision + 1))  # whatever number it is, the database can hold it
    revisions = await store.revisions.history(library, limit + 1, before)
    shown = page(map(HistoryEntry.of, revisions), limit)
    following = shown[-1].revision if len(shown) < len(revisions) else None
    return History(library=library.name, revision=library.revision, revisions=shown, next=following)


async def library_list(store: Store, libraries: Sequence[Library], limit: int, after: str | None) -> LibraryList:
    """A page of these libraries by name. Raises InvalidInput."""
    counts = await store.libraries.served()
    rest = [library for library in libraries if after is None or library.name > after]
    summaries = (
        LibrarySummary(
            name=library.name,
            objective=clipped(library.settings.objective),
            revision=library.revision,
            experiences=counts.get(library.name, 0),
            review=library.settings.review,
        )
        for library in rest
    )
    shown = page(summaries, limit)
    note = "" if libraries else "No libraries yet: create_library makes one."
    return LibraryList(libraries=shown, next=shown[-1].name if len(shown) < len(rest) else None, note=note)
