"""The decision behind a lesson as people read it: its situation, its options, its verdict, who took which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from explib.evidence.observed import observed_text
from explib.models.decisions import UNCLEAR, CodebookEntry, Verdict
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import Stance
from explib.models.trajectories import Trajectory
from explib.storage.store import Store
from explib.text.words import number_of

SHOWN_ATTEMPTS = 12
"""Of one option."""
SHOWN_RIVALS = 5
_UNKNOWN = "not known yet: the attempts cannot be told from chance"
_UNGRADED = "read from attempts that nobody graded"


async def observations(store: Store, library: Library, experiences: Iterable[Experience]) -> dict[str, str]:
    """Experience id → what the attempts say of it, in a line; only of those that come from a decision."""
    options = {each.id: (each.decision_id, each.option) for each in experiences if each.decision_id is not None}
    if not options:
        return {}
    entries = await store.codebooks.entries(library, {decision_id for decision_id, _ in options.values()})
    verdicts = {entry.decision.id: entry.verdict for entry in entries}
    return {
        experience_id: verdict_line(verdicts.get(decision), letter)
        for experience_id, (decision, letter) in options.items()
    }


def verdict_line(verdict: Verdict | None, letter: str | None) -> str:
    """The verdict on an option with its numbers, e.g. `+.22 of the reward (.17 to .27), 22 against 11 attempts, …`."""
    if verdict is None:
        return "not judged yet"
    if verdict.state == "unknown" or verdict.better is None:
        return _UNKNOWN if verdict.followed or verdict.others else _UNGRADED
    if verdict.better != letter:
        return f"the attempts speak for another option: {observed_text(verdict)}"
    return observed_text(verdict)


async def decision_section(
    store: Store, library: Library, option: tuple[str, str | None], stances: Mapping[str, Stance]
) -> str:
    """The decision (id and the letter that the lesson recommends) as Markdown, with its attempts and their rewards."""
    decision_id, letter = option
    [entry] = await store.codebooks.entries(library, [decision_id])
    attempts = await store.codebooks.attempts(library, decision_id)
    rivals = entry.verdict.rivals[:SHOWN_RIVALS] if entry.verdict is not None else ()
    others = await store.codebooks.entries(library, rivals) if rivals else []
    parts = [_described(entry, letter), _standing(entry.verdict, letter)]
    parts += [_rivals(others)] if others else []
    parts.append("### Attempts\n" + ("\n".join(_attempt_lines(attempts, letter, stances)) or "none met it yet"))
    return "\n\n".join(parts)


def _described(entry: CodebookEntry, letter: str | None) -> str:
    decision = entry.decision
    lines = [f"## Decision {decision.id}, named by {_NAMERS.get(decision.source, decision.source)}"]
    lines.append(f"When {decision.situation}:")
    lines += [f"- {each.text}{' (this lesson)' if each.letter == letter else ''}" for each in decision.options]
    return "\n".join(lines)


_NAMERS = {"grammar": "the grammar", "model": "a model", "agent": "an agent", "person": "a person"}
_STATES = {
    "believed": "Believed",
    "candidate": "A candidate",
    "one of": "One of several that go together",
    "unknown": "Not known yet",
}


def _standing(verdict: Verdict | None, letter: str | None) -> str:
    """The verdict in words, with its numbers."""
    if verdict is None:
        return "Not judged yet."
    if verdict.state == "unknown":
        return f"{verdict_line(verdict, letter).capitalize()}."
    return f"{_STATES[verdict.state]}: {verdict_line(verdict, letter)}."


def _rivals(others: Sequence[CodebookEntry]) -> str:
    lines = ["The attempts cannot tell it apart from these; one that does only one of them would:"]
    return "\n".join([*lines, *(f"- {each.decision.id}: when {each.decision.situation}" for each in others)])


def _attempt_lines(
    attempts: Mapping[str, Sequence[Trajectory]], letter: str | None, stances: Mapping[str, Stance]
) -> list[str]:
    """Who followed, who did otherwise, of whom it cannot be told; each with the mean reward."""
    followed = attempts.get(letter or "", ())
    unclear = attempts.get(UNCLEAR, ())
    others = [each for option, took in attempts.items() if option not in (letter, UNCLEAR) for each in took]
    sides = (("followed", followed), ("did otherwise", others), ("cannot be told", unclear))
    return [_side(words, members, stances) for words, members in sides if members]


def _side(words: str, attempts: Sequence[Trajectory], stances: Mapping[str, Stance]) -> str:
    rewards = [attempt.reward for attempt in attempts if attempt.reward is not None]
    mean = f", mean reward {fmean(rewards):.2f}" if rewards else ""
    named = [_attempt(attempt, stances.get(attempt.id)) for attempt in attempts[:SHOWN_ATTEMPTS]]
    named += [f"and {len(attempts) - SHOWN_ATTEMPTS} more"] if len(attempts) > SHOWN_ATTEMPTS else []
    return f"- {words}: {number_of(len(attempts), 'attempt')}{mean}\n  {', '.join(named)}"


def _attempt(attempt: Trajectory, stance: Stance | None) -> str:
    return f"{attempt.id} ({reward_text(attempt)}{', contradicting' if stance == 'against' else ''})"


def reward_text(attempt: Trajectory) -> str:
    """The reward of an attempt, or that it has none."""
    return "no reward" if attempt.reward is None else f"{attempt.reward:g}"
