"""An experience, a revision and a history as Markdown: the same text for the resources and the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from explib.models import Change, Experience, Library, ProposedOperation, Revision, Stance, Trajectory
from explib.voting import Tally, Vote

if TYPE_CHECKING:
    from explib_server.runtime import Runtime

TASK_CHARACTERS = 80


async def experience_page(runtime: Runtime, library: Library, identity: str) -> str:
    """One experience with the attempts it rests on and the revisions that touched it. Raises UnknownExperience."""
    revisions = runtime.store.revisions
    known = await revisions.experience(library, identity)
    stances = {cited.trajectory_id: cited.stance for cited in await revisions.citations(library, identity)}
    attempts = await runtime.store.trajectories.heads(library, list(stances))
    touched = [each for each in await revisions.history(library, library.revision + 1) if _touches(each, identity)]
    cast = await runtime.store.votes.on(library, identity)
    parts = [_heading(library, known), _provenance(attempts, dict(stances)), *_votes(cast, known.version)]
    parts += [f"## Revision {each.number}, {when(each.created_at)}\n{_changes(each, identity)}" for each in touched]
    return "\n\n".join(parts)


def revision_page(revision: Revision) -> str:
    """One revision: cause, cost, what was changed and what was refused."""
    cost = revision.cost
    lines = [
        f"# Revision {revision.number}, {when(revision.created_at)}, by {revision.author}",
        f"Cause: {revision.cause}",
        f"Cost: {cost.calls} model calls, {cost.prompt_tokens} + {cost.completion_tokens} tokens",
        f"Groups: {', '.join(revision.groups) or 'none'}",
        "",
        _changes(revision),
    ]
    lines += [f"- refused {each.operation.kind}: {each.reason}" for each in revision.refusals]
    return "\n".join(lines)


def revision_line(revision: Revision) -> str:
    """One revision in a line."""
    kinds = [change.operation.kind for change in revision.changes]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    return f"{revision.number}  {when(revision.created_at)}  {revision.author}  {counted}  {revision.cause}"


def experience_line(known: Experience) -> str:
    """One experience in a line, with its status and version."""
    return f"[{known.id}] ({known.status}, version {known.version}) {known.content}"


def proposal_line(proposal: ProposedOperation) -> str:
    """One proposal in a line: what it would do, why, and what it rests on."""
    operation = proposal.operation
    named = " ".join(f"[{each.id}]" for each in proposal.before)
    stances = [each.stance for each in operation.citations]
    evidence = f"{stances.count('for')} attempts for it, {stances.count('against')} against"
    what = " ".join(filter(None, (operation.kind, named, operation.content)))
    return f"{proposal.id}: {what} ({proposal.analyst}: {operation.reason}; {evidence})"


def _heading(library: Library, known: Experience) -> str:
    support = known.support
    source = known.analyst + (f" ({known.model})" if known.model else "")
    return (
        f"# {library.name} {known.id} ({known.status}, version {known.version})\n{known.content}\n\n"
        f"Learned by {source} in revision {known.created_revision}. Rests on {support.supporting} attempts for it and "
        f"{support.contradicting} against it, in {support.groups} groups. {support.note}".rstrip()
    )


def _provenance(attempts: list[Trajectory], stances: dict[str, Stance]) -> str:
    """The attempts by group and stance."""
    lines = [
        "## Attempts",
        "for: won and did as it says, or lost and did not; against: the others. Rewards in brackets.",
    ]
    for group in dict.fromkeys(each.group_id for each in attempts):
        members = [each for each in attempts if each.group_id == group]
        lines.append(f"- {group}: {' '.join(members[0].task.split())[:TASK_CHARACTERS]}")
        for stance in ("for", "against"):
            named = [f"{each.id} ({each.reward:g})" for each in members if stances[each.id] == stance]
            lines += [f"  - {stance}: {', '.join(named)}"] if named else []
    return "\n".join(lines)


def _votes(cast: list[Vote], version: int) -> list[str]:
    """The votes on the current version; nothing where nobody has voted."""
    counted = [vote for vote in cast if vote.version == version]
    if not counted:
        return []
    lines = ["## Votes", f"{Tally.of(counted)}. Opinions, one a voter; rewards are measured apart."]
    lines += [f"- {'up' if vote.up else 'down'} ({vote.voter}): {vote.reason or 'no reason'}" for vote in counted]
    return ["\n".join(lines)]


def _changes(revision: Revision, identity: str | None = None) -> str:
    lines: list[str] = []
    for change in revision.changes:
        if identity is None or identity in _ids(change):
            lines.append(f"- {change.operation.kind}: {change.operation.reason}")
            lines += [f"  - was [{each.id}] ({each.status}) {each.content}" for each in change.before]
            lines += [f"  - now [{each.id}] ({each.status}) {each.content}" for each in change.after]
    return "\n".join(lines)


def _ids(change: Change) -> set[str]:
    return {each.id for each in (*change.before, *change.after)}


def _touches(revision: Revision, identity: str) -> bool:
    return any(identity in _ids(change) for change in revision.changes)


def when(seconds: float) -> str:
    """A time as people read it, to the minute, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
