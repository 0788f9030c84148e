"""An experience, a revision and a history as Markdown: the same text for the resources and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from explib.evidence.votes import Tally, Vote
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import Change, ProposedOperation, Revision, Stance
from explib.models.trajectories import Trajectory
from explib.retrieval.entry import line_of
from explib.storage.store import Store
from explib.text.words import estimate_tokens, number_of
from explib_server.render.decisions import decision_section, reward_text
from explib_server.render.evidence import evidence_text, experience_evidence
from explib_server.render.following import following_text
from explib_server.render.times import when

if TYPE_CHECKING:
    from explib_server.application import Application

TASK_CHARACTERS = 80
SHOWN_REVISIONS = 20
SHOWN_GROUPS = 20
SHOWN_ATTEMPTS = 10
"""Of one group and stance."""
SHOWN_CHANGES = 50
SHOWN_TOKENS = 20_000
"""Of a library as text."""
TO_DECIDE = "to decide: explib experiences review ID approve (or reject), or explib ui"
"""Below what waits for review."""


async def lesson_page(application: Application, library: Library, lesson_id: str) -> str:
    """One experience (e3), or a lesson that is proposed and waits for review (p3). Raises NotFound."""
    if lesson_id.startswith("p"):
        return await proposal_page(application.store, library, lesson_id)
    return await experience_page(application, library, lesson_id)


async def lesson_fields(application: Application, library: Library, lesson_id: str) -> dict[str, object]:
    """The same as data: the experience with its evidence, or the proposal. Raises NotFound."""
    store = application.store
    if lesson_id.startswith("p"):
        return asdict(await store.proposals.get(library, lesson_id))
    experience = await store.revisions.experience(library, lesson_id)
    return {**asdict(experience), "evidence": asdict(await experience_evidence(store, library, experience))}


async def proposal_page(store: Store, library: Library, proposal_id: str) -> str:
    """One proposal with the decision that it comes from and its attempts. Raises UnknownProposal."""
    proposed = await store.proposals.get(library, proposal_id)
    operation = proposed.operation
    stances = {cited.trajectory_id: cited.stance for cited in operation.citations}
    asked = f"Decide: explib experiences review {proposal_id} approve|reject" if proposed.state == "waiting" else ""
    parts = [f"# {library.name} {proposal_id} ({proposed.state})\n{proposal_line(proposed)}", asked]
    parts.append(await _grounds(store, library, (operation.decision_id, operation.option), stances))
    return "\n\n".join(filter(None, parts))


async def experience_page(application: Application, library: Library, experience_id: str) -> str:
    """One experience with the attempts it rests on and the revisions that touched it. Raises UnknownExperience."""
    revisions = application.store.revisions
    experience = await revisions.experience(library, experience_id)
    stances = {cited.trajectory_id: cited.stance for cited in await revisions.citations(library, experience_id)}
    touched = await revisions.touching(library, experience, SHOWN_REVISIONS + 1)
    cast = await application.store.votes.on(library, experience_id)
    measured = await experience_evidence(application.store, library, experience)
    option = (experience.decision_id, experience.option)
    parts = [_heading(library, experience), await _grounds(application.store, library, option, stances)]
    way = following_text(measured, has_decision=experience.decision_id is not None)
    parts += ["\n".join(filter(None, ("## Since it is served", evidence_text(measured), way)))]
    parts += _votes(cast, experience.version)
    parts += [
        f"{_title(revision, '##')}\n{_changes(revision, experience_id)}" for revision in touched[:SHOWN_REVISIONS]
    ]
    parts += ["Older revisions: `explib history`."] if len(touched) > SHOWN_REVISIONS else []
    return "\n\n".join(parts)


def library_page(library: Library, experiences: Sequence[Experience], observed: Mapping[str, str]) -> str:
    """A library as text: each experience, then what attempts say of it (`observed`, by id); as much as one reads."""
    heading = f"# {library.name}, revision {library.revision}: {number_of(len(experiences), 'experience')}"
    lines, left = [heading], SHOWN_TOKENS
    for shown, experience in enumerate(experiences):
        numbers = observed.get(experience.id)
        line = line_of(experience) + (f"\n    {numbers}" if numbers else "")
        left -= estimate_tokens(line)
        if left < 0:
            more = f"… {len(experiences) - shown} more: list_experiences with after={experiences[shown - 1].id!r}"
            return "\n".join([*lines, more])
        lines.append(line)
    return "\n".join(lines)


def revision_page(revision: Revision) -> str:
    """One revision: cause, cost, what was changed and what was refused."""
    cost = revision.cost
    lines = [
        _title(revision, "#"),
        f"Cost: {number_of(cost.calls, 'model call')}, {cost.prompt_tokens} + {cost.completion_tokens} tokens",
        f"Groups: {_some(revision.groups, SHOWN_GROUPS) or 'none'}",
        "",
        *([f"- settings: {revision.settings}"] if revision.settings else []),
        _changes(revision),
    ]
    lines += [f"- refused {refusal.operation.kind}: {refusal.reason}" for refusal in revision.refusals[:SHOWN_CHANGES]]
    return "\n".join(lines)


def revision_line(revision: Revision) -> str:
    """One revision in a line."""
    kinds = [change.operation.kind for change in revision.changes]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    parts = (
        str(revision.number),
        when(revision.created_at),
        revision.author,
        counted,
        revision.cause,
        revision.settings,
    )
    return "  ".join(filter(None, parts))


def experience_line(experience: Experience) -> str:
    """One experience in a line, with its status and version."""
    return f"[{experience.id}] ({_standing(experience)}, version {experience.version}) {experience.content}"


def proposal_line(proposal: ProposedOperation) -> str:
    """One proposal in a line: what it would do, why, and what it rests on."""
    operation = proposal.operation
    named = " ".join(f"[{experience.id}]" for experience in proposal.before)
    stances = [cited.stance for cited in operation.citations]
    counts = f"{number_of(stances.count('for'), 'attempt')} for it, {stances.count('against')} against"
    what = " ".join(filter(None, (operation.kind, named, operation.content)))
    why = " ".join(filter(None, (operation.reason, operation.waits)))
    return f"{proposal.id}: {what} ({proposal.analyst}: {why}; {operation.note or counts})"


def _heading(library: Library, experience: Experience) -> str:
    support = experience.support
    analyst = experience.analyst + (f" ({experience.model})" if experience.model else "")
    origin = "Written by a person" if analyst == "person" else f"Learned by {analyst}"
    rests = (
        f" Rests on {number_of(support.supporting, 'attempt')} for it and {support.contradicting} against it, "
        f"in {number_of(support.groups, 'group')}. {support.note}"
    )
    return (
        f"# {library.name} {experience.id} ({_standing(experience)}, version {experience.version})\n"
        f"{experience.content}\n\n{origin} in revision {experience.created_revision}."
        f"{'' if experience.decision_id else rests}".rstrip()
    )


async def _grounds(
    store: Store, library: Library, option: tuple[str | None, str | None], stances: Mapping[str, Stance]
) -> str:
    """What a lesson rests on: its decision with all attempts that met it, else the attempts that were cited."""
    decision_id, letter = option
    if decision_id is not None:
        return await decision_section(store, library, (decision_id, letter), stances)
    return _provenance(await store.trajectories.heads(library, list(stances)), stances)


def _provenance(attempts: Sequence[Trajectory], stances: Mapping[str, Stance]) -> str:
    """The attempts by group and stance."""
    if not attempts:
        return "## Attempts\nnone"
    lines = [
        "## Attempts",
        "for: won and did as it says, or lost and did not; against: the others. Rewards in brackets.",
    ]
    groups = list(dict.fromkeys(attempt.group_id for attempt in attempts))
    for group in groups[:SHOWN_GROUPS]:
        members = [attempt for attempt in attempts if attempt.group_id == group]
        lines.append(f"- {group}: {' '.join(members[0].task.split())[:TASK_CHARACTERS]}")
        for stance in ("for", "against"):
            named = [f"{each.id} ({reward_text(each)})" for each in members if stances[each.id] == stance]
            lines += [f"  - {stance}: {_some(named, SHOWN_ATTEMPTS)}"] if named else []
    lines += [f"- and {number_of(len(groups) - SHOWN_GROUPS, 'more group')}"] if len(groups) > SHOWN_GROUPS else []
    return "\n".join(lines)


def _votes(cast: list[Vote], version: int) -> list[str]:
    """The votes on the current version; nothing where nobody has voted."""
    counted = [vote for vote in cast if vote.version == version]
    if not counted:
        return []
    lines = ["## Votes", f"{Tally.of(counted)}. Opinions, one a voter; rewards are measured apart."]
    lines += [f"- {'up' if vote.up else 'down'} ({vote.voter}): {vote.reason or 'no reason'}" for vote in counted]
    return ["\n".join(lines)]


def _changes(revision: Revision, experience_id: str | None = None) -> str:
    lines: list[str] = []
    changes = [change for change in revision.changes if experience_id is None or experience_id in _ids(change)]
    for change in changes[:SHOWN_CHANGES]:
        lines.append(f"- {change.operation.kind}: {change.operation.reason}")
        lines += [f"  - was [{item.id}] ({_standing(item)}) {item.content}" for item in change.before]
        lines += [f"  - now [{item.id}] ({_standing(item)}) {item.content}" for item in change.after]
    lines += [f"- and {number_of(len(changes) - SHOWN_CHANGES, 'more change')}"] if len(changes) > SHOWN_CHANGES else []
    return "\n".join(lines)


def _standing(experience: Experience) -> str:
    return f"{experience.status}, pinned" if experience.pinned else experience.status


def _title(revision: Revision, mark: str) -> str:
    return f"{mark} Revision {revision.number}, {when(revision.created_at)}, by {revision.author}: {revision.cause}"


def _ids(change: Change) -> set[str]:
    return {experience.id for experience in (*change.before, *change.after)}


def _some(named: Sequence[str], most: int) -> str:
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return ", ".join(named[:most]) + more
