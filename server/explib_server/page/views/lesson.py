"""One lesson or proposal: what it says, what is known of it, the decision and the attempts that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from explib.models.decisions import UNCLEAR, CodebookEntry, Verdict
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import Citation, ProposedOperation, Revision
from explib.models.trajectories import Trajectory
from explib.storage.store import Store
from explib_server.application import Application
from explib_server.page.ask import Ask, Fields
from explib_server.page.views.attempts import head
from explib_server.page.views.lessons import row
from explib_server.render.evidence import experience_evidence

SHOWN_ATTEMPTS = 30
"""Of one side."""
SHOWN_RIVALS = 5
SHOWN_REVISIONS = 20


async def lesson(application: Application, library: Library, ask: Ask) -> Fields:
    """An experience. Raises UnknownExperience."""
    store = application.store
    found = await store.revisions.experience(library, ask.id)
    evidence = await experience_evidence(store, library, found)
    grounds = await _grounds(store, library, Source.of(found, await store.revisions.citations(library, ask.id)))
    touched = await store.revisions.touching(library, found, SHOWN_REVISIONS)
    votes = [vote for vote in await store.votes.on(library, ask.id) if vote.version == found.version]
    return {
        **row(found, evidence, grounds.verdict, library),
        "model": found.model,
        "note": found.support.note,
        "created_revision": found.created_revision,
        "helps": evidence.helps,
        "following": asdict(evidence.following),
        "ballots": [{"voter": vote.voter, "up": vote.up, "reason": vote.reason} for vote in votes],
        "versions": [version for revision in touched for version in _versions(revision, ask.id)],
        **grounds.fields(),
    }


async def proposal(store: Store, library: Library, proposed: ProposedOperation) -> Fields:
    """A proposal with its grounds."""
    operation = proposed.operation
    source = Source(operation.decision_id, operation.option, operation.citations)
    grounds = await _grounds(store, library, source)
    return {
        "id": proposed.id,
        "kind": operation.kind,
        "content": operation.content or "",
        "before": [{"id": each.id, "content": each.content, "version": each.version} for each in proposed.before],
        "reason": operation.reason,
        "waits": operation.waits,
        "analyst": proposed.analyst,
        "model": proposed.model,
        "state": proposed.state,
        "at": proposed.created_at,
        "decided_by": proposed.decided_by,
        "for": len([cited for cited in operation.citations if cited.stance == "for"]),
        "against": len([cited for cited in operation.citations if cited.stance == "against"]),
        **grounds.fields(),
    }


@dataclass(frozen=True, slots=True)
class Source:
    """Where a lesson comes from."""

    decision_id: str | None
    option: str | None
    citations: Sequence[Citation]

    @classmethod
    def of(cls, experience: Experience, citations: Sequence[Citation]) -> Source:
        """The source of an experience."""
        return cls(experience.decision_id, experience.option, citations)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a lesson rests on: its decision, where it has one, and the attempts on both sides of it."""

    entry: CodebookEntry | None
    option: str | None
    attempts: Mapping[str, Sequence[Trajectory]]
    """Letter → attempts; without a decision `for` and `against`."""
    rivals: Sequence[CodebookEntry] = ()

    @property
    def verdict(self) -> Verdict | None:
        """The newest verdict on the decision."""
        return None if self.entry is None else self.entry.verdict

    def fields(self) -> Fields:
        """As the page reads it; `pair` are the two attempts that show the difference best."""
        mine = "for" if self.entry is None else self.option or ""
        did = list(self.attempts.get(mine, ()))
        others = [each for letter, took in self.attempts.items() if letter not in {mine, UNCLEAR} for each in took]
        return {
            "decision": None if self.entry is None else self._decision(self.entry),
            "rivals": [{"id": each.decision.id, "situation": each.decision.situation} for each in self.rivals],
            "did": _side(did),
            "did_not": _side(others),
            "unclear": len(self.attempts.get(UNCLEAR, ())),
            "pair": _pair(did, others),
        }

    def _decision(self, entry: CodebookEntry) -> Fields:
        decision, verdict = entry.decision, entry.verdict
        return {
            "id": decision.id,
            "source": decision.source,
            "situation": decision.situation,
            "alone": decision.speaks_for_itself,
            "options": [
                {
                    "letter": each.letter,
                    "text": each.text,
                    "this": each.letter == self.option,
                    "attempts": len(self.attempts.get(each.letter, ())),
                    "mean": _mean(self.attempts.get(each.letter, ())),
                }
                for each in decision.options
            ],
            "verdict": None if verdict is None else asdict(verdict),
        }


async def _grounds(store: Store, library: Library, source: Source) -> Grounds:
    if source.decision_id is None:
        return await _cited(store, library, source)
    [entry] = await store.codebooks.entries(library, [source.decision_id])
    rivals = () if entry.verdict is None else entry.verdict.rivals[:SHOWN_RIVALS]
    attempts = await store.codebooks.attempts(library, source.decision_id)
    if not attempts:  # it speaks for itself: what bears it out lies inside the attempts that are cited
        cited = (await _cited(store, library, source)).attempts
        attempts = {source.option or "": list(cited["for"]), "against": list(cited["against"])}
    return Grounds(entry, source.option, attempts, await store.codebooks.entries(library, rivals) if rivals else ())


async def _cited(store: Store, library: Library, source: Source) -> Grounds:
    """The attempts that were cited, by their stance."""
    stances = {cited.trajectory_id: cited.stance for cited in source.citations}
    heads = await store.trajectories.heads(library, list(stances)) if stances else []
    sides = {stance: [each for each in heads if stances[each.id] == stance] for stance in ("for", "against")}
    return Grounds(None, None, sides)


def _side(attempts: Sequence[Trajectory]) -> Fields:
    return {
        "count": len(attempts),
        "mean": _mean(attempts),
        "shown": [head(each) for each in attempts[:SHOWN_ATTEMPTS]],
    }


def _mean(attempts: Sequence[Trajectory]) -> float | None:
    rewards = [each.reward for each in attempts if each.reward is not None]
    return fmean(rewards) if rewards else None


def _pair(did: Sequence[Trajectory], others: Sequence[Trajectory]) -> list[str]:
    """The best that did as the lesson says, and the worst that did not; of one task where there is such a pair."""

    def reward(each: Trajectory) -> float:
        return 0.5 if each.reward is None else each.reward

    shared = {each.group_id for each in did} & {each.group_id for each in others}
    left = [each for each in did if not shared or each.group_id in shared]
    if not left:
        return [min(others, key=reward).id] if others else []
    best = max(left, key=reward)
    right = [each for each in others if not shared or each.group_id == best.group_id]
    return [best.id, min(right, key=reward).id] if right else [best.id]


def _versions(revision: Revision, experience_id: str) -> list[Fields]:
    """What a revision made of the experience."""
    made: list[Fields] = []
    for change in revision.changes:
        before = next((each for each in change.before if each.id == experience_id), None)
        after = next((each for each in change.after if each.id == experience_id), None)
        if after is not None:
            made.append(
                {
                    "revision": revision.number,
                    "at": revision.created_at,
                    "author": revision.author,
                    "kind": change.operation.kind,
                    "reason": change.operation.reason,
                    "version": after.version,
                    "status": after.status,
                    "before": "" if before is None else before.content,
                    "after": after.content,
                }
            )
    return made
