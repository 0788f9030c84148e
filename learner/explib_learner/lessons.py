"""From verdicts to lessons: one believed decision, one lesson; what later attempts contradict goes.

A lesson keeps its text while its evidence moves. It is proposed when its decision's verdict speaks for an option,
becomes active when the decision is believed, and goes after two learning runs that no longer bear it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from explib.evidence.observed import earned_status, observed_text
from explib.models.decisions import CURED, Code, CodebookEntry, Decision, GradedAttempt, Verdict
from explib.models.experiences import Experience
from explib.models.revisions import Citation, Operation
from explib_learner.analyst import NamedDecision, Wording
from explib_learner.grammar.keys import OPEN
from explib_learner.writing.templates import code

WEAK_RUNS = 2
"""Learning runs in a row that must not bear a lesson out before it goes."""
OPEN_BOUND = code(OPEN)
"""How a lesson's text shows a bound that code has yet to find."""
CITED = 40
"""Most attempts of one lesson that are cited, the newest; half of them are kept for those that followed."""
REFUTED_BELOW = 0.1
"""Probability of mattering below which a candidate with enough witnesses goes."""
REFUTING_WITNESSES = 12


@dataclass(slots=True)
class Plan:
    """The operations that verdicts ask for, and the lessons that still need words."""

    operations: list[Operation] = field(default_factory=list)
    wordings: list[Wording] = field(default_factory=list)
    weak_runs: dict[str, int] = field(default_factory=dict)
    """Decision id → runs in a row that no longer bear its lesson out, 0 where this one does."""


class Evidence:
    """Who followed an option and who did not, with the rewards; what other believed decisions explain is taken out."""

    def __init__(
        self, entries: Iterable[CodebookEntry], codes: Iterable[Code], graded: Iterable[GradedAttempt]
    ) -> None:
        self._rewards = {attempt.trajectory_id: attempt.reward for attempt in graded}
        self._letters: dict[str, dict[str, str]] = {}
        for told in codes:
            self._letters.setdefault(told.decision_id, {})[told.trajectory_id] = told.letter
        self._verdicts = {each.decision.id: each.verdict for each in entries if each.verdict is not None}
        self._believed = [
            each for each in self._verdicts.values() if each.state == "believed" and each.merged_into is None
        ]

    def of(self, decision: Decision, option: str) -> tuple[Citation, ...]:
        """The attempts that a lesson about the decision cites."""
        return self.shown(decision.id, option) if decision.speaks_for_itself else self.citations(decision.id, option)

    def shown(self, decision_id: str, option: str) -> tuple[Citation, ...]:
        """Attempts that show a decision by what happened inside them, whatever their rewards."""
        letters = self._letters.get(decision_id, {})
        shown = sorted(letters, reverse=True)[:CITED]
        return tuple(Citation(attempt, "for", followed=letters[attempt] in (option, CURED)) for attempt in shown)

    def speaks_otherwise(self, decision_id: str, option: str | None) -> bool:
        """Whether the graded attempts speak for another option, however weakly."""
        verdict = self._verdicts.get(decision_id)
        return verdict is not None and verdict.better not in (None, option)

    def twin(self, decision_id: str) -> str | None:
        """The decision that splits the attempts alike and speaks for this one too."""
        verdict = self._verdicts.get(decision_id)
        return None if verdict is None else verdict.merged_into

    def citations(self, decision_id: str, option: str) -> tuple[Citation, ...]:
        """For: followed and nearer to the mean of those that followed, or neither; against: the others.

        So who followed and lost for another believed reason is not against.
        """
        letters = self._letters.get(decision_id, {})
        unexplained = {
            attempt: self._unexplained(attempt, decision_id) for attempt in letters if attempt in self._rewards
        }
        newest = sorted(unexplained, reverse=True)
        followed, others = ([each for each in newest if (letters[each] == option) is took] for took in (True, False))
        if not unexplained:
            return ()
        middle = fmean(fmean(unexplained[each] for each in side) for side in (followed, others) if side)
        kept = {*followed[: max(CITED // 2, CITED - len(others))], *others[: max(CITED // 2, CITED - len(followed))]}
        chosen = [attempt for attempt in newest if attempt in kept and unexplained[attempt] != middle]
        return tuple(
            Citation(
                attempt,
                "for" if (letters[attempt] == option) == (unexplained[attempt] > middle) else "against",
                followed=letters[attempt] == option,
            )
            for attempt in chosen
        )

    def _unexplained(self, attempt: str, decision_id: str) -> float:
        """The reward without what the attempt gained by the better options of other believed decisions."""
        others = (each for each in self._believed if each.decision_id != decision_id)
        gained = (
            each.effect for each in others if self._letters.get(each.decision_id, {}).get(attempt, "") == each.better
        )
        return self._rewards[attempt] - sum(gained)


def plan(entries: Sequence[CodebookEntry], experiences: Sequence[Experience], evidence: Evidence) -> Plan:
    """The changes that the newest verdicts ask for. What a person pinned is left alone."""
    lessons = {each.decision_id: each for each in experiences if each.decision_id is not None}
    planned = Plan()
    for entry in entries:
        verdict = entry.verdict
        if verdict is None or (verdict.merged_into is not None and entry.decision.id not in lessons):
            continue
        experience = lessons.get(entry.decision.id)
        if experience is None:
            _propose(planned, entry, verdict)
        elif not experience.pinned:
            _follow(planned, entry, verdict, experience, evidence)
    return planned


def _propose(planned: Plan, entry: CodebookEntry, verdict: Verdict) -> None:
    if earned_status(verdict) is not None and verdict.better is not None:
        planned.wordings.append(Wording(entry.decision, verdict.better, verdict))


def _follow(planned: Plan, entry: CodebookEntry, verdict: Verdict, experience: Experience, evidence: Evidence) -> None:
    """Promote a lesson that is borne out; let one go that no longer is."""
    decision_id = entry.decision.id
    planned.weak_runs[decision_id] = 0
    if _weak(verdict, experience):
        runs = entry.weak_runs + 1
        planned.weak_runs[decision_id] = runs
        if runs >= WEAK_RUNS:
            planned.operations.append(
                Operation(
                    kind="DELETE",
                    reason="Later attempts no longer bear it out.",
                    target=experience.id,
                    citations=evidence.of(entry.decision, experience.option or ""),
                    speaks_for_itself=entry.decision.speaks_for_itself,
                    note=observed_text(verdict),
                )
            )
            _propose(planned, entry, verdict)
    elif experience.status == "candidate" and earned_status(verdict) == "active":
        planned.operations.append(
            Operation(
                kind="MODIFY",
                reason="More attempts bear the candidate out.",
                content=experience.content,
                target=experience.id,
                citations=evidence.of(entry.decision, experience.option or ""),
                speaks_for_itself=entry.decision.speaks_for_itself,
                status="active",
                note=observed_text(verdict),
                decision_id=decision_id,
                option=experience.option,
            )
        )


def _weak(verdict: Verdict, experience: Experience) -> bool:
    """The verdict speaks for another option, or no longer for any though the lesson was active or had its chance."""
    if verdict.state == "unknown":
        had_its_chance = verdict.witnesses >= REFUTING_WITNESSES and verdict.inclusion < REFUTED_BELOW
        return experience.status == "active" or had_its_chance
    return verdict.better != experience.option


def additions(
    wordings: Sequence[Wording],
    texts: Mapping[str, str],
    evidence: Evidence,
    named: Mapping[str, NamedDecision],
    entries: Iterable[CodebookEntry],
) -> tuple[Operation, ...]:
    """An ADD for each lesson that got words; `named` by the decision's id in the library, where this run named it."""
    usual = "Attempts that did this got more of the reward than those that did otherwise."
    known = {entry.decision.id: entry for entry in entries}
    return tuple(
        Operation(
            kind="ADD",
            reason=_confounded(wording, known) or _reason(named.get(wording.decision.id)) or usual,
            said=named[wording.decision.id].said if wording.decision.id in named else "",
            content=texts[wording.decision.id],
            citations=evidence.of(wording.decision, wording.letter),
            speaks_for_itself=wording.decision.speaks_for_itself,
            status=earned_status(wording.verdict),
            note=observed_text(wording.verdict),
            decision_id=wording.decision.id,
            option=wording.letter,
        )
        for wording in wordings
        if wording.decision.id in texts
    )


def _confounded(wording: Wording, known: Mapping[str, CodebookEntry]) -> str | None:
    """That the attempts cannot tell the decision from another one, and which attempt would; None where they can."""
    rivals = [known[rival] for rival in wording.verdict.rivals if rival in known]
    if wording.verdict.state != "one of" or not rivals or rivals[0].verdict is None:
        return None
    own, other = _text(wording.decision, wording.letter), _text(rivals[0].decision, rivals[0].verdict.better)
    return (
        f"This or what the same attempts also did helps: {other} (when {rivals[0].decision.situation}). An attempt "
        f"that does only one of both would tell: {own}, and not the other."
    )


def _reason(named: NamedDecision | None) -> str:
    return named.reason if named is not None else ""


def _text(decision: Decision, letter: str | None) -> str:
    return next((option.text for option in decision.options if option.letter == letter), "")


def first_words(
    named: Mapping[str, NamedDecision], taken: Iterable[str | None], evidence: Evidence
) -> tuple[Operation, ...]:
    """An ADD for each decision that was named with a lesson and has none yet: a candidate from its first group on.

    `named` by the decision's id in the library; `taken`: decisions that have a lesson or are about to get one. None
    has a bound that is still to be found, or what all graded attempts together speak against.
    """
    spoken_for = {*taken, *(each for each, decision in named.items() if decision.lesson)}
    has_lesson = set(taken)
    return tuple(
        Operation(
            kind="ADD",
            reason=decision.reason,
            content=decision.lesson,
            said=decision.said,
            citations=evidence.citations(decision_id, decision.better or "")
            or evidence.shown(decision_id, decision.better or ""),
            status="candidate",
            decision_id=decision_id,
            option=decision.better,
        )
        for decision_id, decision in named.items()
        if decision.lesson
        and OPEN_BOUND not in decision.lesson
        and decision_id not in has_lesson
        and not evidence.speaks_otherwise(decision_id, decision.better)
        and evidence.twin(decision_id) not in spoken_for
    )
