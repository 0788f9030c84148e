"""Pages of a library, of its history and of all libraries: what the tools show, no longer than agents want to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from explib.errors import InvalidInput
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import ProposedOperation
from explib.storage.store import Store
from explib.text.words import number_of
from explib_server.mcp.results.curation import (
    History,
    HistoryEntry,
    LibraryList,
    LibrarySummary,
    ListedExperience,
    ListedProposal,
    Listing,
)
from explib_server.render.bounds import clipped, page
from explib_server.render.pages import experience_line, proposal_line, revision_line

Status: TypeAlias = Literal["waiting", "candidate", "active", "retired"]
Item: TypeAlias = Experience | ProposedOperation


async def listing(
    store: Store, library: Library, status: Status | None, limit: int, after: str | None
) -> tuple[str, Listing]:
    """A page of what waits for review, then of the experiences that are served or have the status; as text and as data.

    Raises InvalidInput.
    """
    items = await _items(store, library, status)
    start = 0 if after is None else _place(items, after) + 1
    rest = items[start:]
    lines = [_line(item) for item in rest]
    shown = rest[: page(lines, limit)]
    following = shown[-1].id if len(shown) < len(rest) else None
    waiting = sum(isinstance(item, ProposedOperation) for item in items)
    heading = f"{library.name}, revision {library.revision}: {number_of(len(items) - waiting, 'experience')}"
    heading += f", waiting for review: {waiting}" if waiting else ""
    ending = [f"… {len(rest) - len(shown)} more: call again with after={following!r}"] if following else []
    return "\n".join([heading, *lines[: len(shown)], *ending]), Listing(
        library=library.name,
        revision=library.revision,
        total=len(items),
        proposals=[ListedProposal.of(item) for item in shown if isinstance(item, ProposedOperation)],
        experiences=[ListedExperience.of(item) for item in shown if isinstance(item, Experience)],
        next=following,
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


def _line(item: Item) -> str:
    return proposal_line(item) if isinstance(item, ProposedOperation) else experience_line(item)


async def history(store: Store, library: Library, limit: int, before: int | None) -> tuple[str, History]:
    """A page of the revisions, newest first, as text and as data. Raises InvalidInput."""
    page((), limit)
    if before is not None:
        before = max(0, min(before, library.revision + 1))  # whatever number it is, the database can hold it
    revisions = await store.revisions.history(library, limit + 1, before)
    entries = [HistoryEntry.of(revision) for revision in revisions]
    texts = [
        "\n".join([revision_line(revision), *_change_lines(entry)])
        for revision, entry in zip(revisions, entries, strict=True)
    ]
    count = page(texts, limit)
    following = entries[count - 1].revision if count < len(entries) else None
    ending = [f"… older ones: call again with before={following}"] if following else []
    heading = f"{library.name}, at revision {library.revision}" + ("" if texts else ": no revisions yet")
    answer = History(library=library.name, revision=library.revision, revisions=entries[:count], next=following)
    return "\n".join([heading, *texts[:count], *ending]), answer


def _change_lines(entry: HistoryEntry) -> list[str]:
    lines = []
    for change in entry.changes:
        was = f"{change.before!r} → " if change.before is not None and change.before != change.after else ""
        named = ", ".join(change.experiences)
        lines.append(f"   {change.operation} [{named}] ({change.status}) {was}{change.after!r}: {change.reason}")
    return [*lines, f"   and {entry.left_out} more changes"] if entry.left_out else lines


async def library_list(
    store: Store, libraries: Sequence[Library], limit: int, after: str | None
) -> tuple[str, LibraryList]:
    """A page of these libraries by name, as text and as data. Raises InvalidInput."""
    counts = await store.libraries.served()
    rest = [library for library in libraries if after is None or library.name > after]
    lines = [_library_line(library, counts.get(library.name, 0)) for library in rest]
    count = page(lines, limit)
    following = rest[count - 1].name if count < len(rest) else None
    ending = [f"… {len(rest) - count} more: call again with after={following!r}"] if following else []
    summaries = [
        LibrarySummary(
            name=library.name,
            objective=library.settings.objective,
            revision=library.revision,
            experiences=counts.get(library.name, 0),
            review=library.settings.review,
        )
        for library in rest[:count]
    ]
    text = "\n".join([*lines[:count], *ending]) or "no libraries yet: create_library makes one"
    return text, LibraryList(libraries=summaries, next=following)


def _library_line(library: Library, experiences: int) -> str:
    objective = f": {clipped(library.settings.objective)}" if library.settings.objective else ""
    review = ", reviewed by people" if library.settings.review else ""
    return f"{library.name} ({number_of(experiences, 'experience')}, revision {library.revision}{review}){objective}"
