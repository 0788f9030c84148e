"""A library's codebook during one learning run: decisions under stable ids, codes, and what of both is new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from explib.models.decisions import Code, CodebookEntry, CodebookUpdate, Decision, Verdict
from explib.models.trajectories import Attempt
from explib_learner.analyst import Coder, NamedDecision


class RunCodebook:
    """Decisions by id and by key; a decision that is named again keeps the id that it has."""

    def __init__(self, entries: Iterable[CodebookEntry], codes: Iterable[Code]) -> None:
        self._entries = {entry.decision.id: entry for entry in entries}
        self._ids = {entry.decision.key: entry.decision.id for entry in self._entries.values()}
        self._letters = {(code.decision_id, code.trajectory_id): code.letter for code in codes}
        self._next = 1 + max((int(decision_id[1:]) for decision_id in self._entries), default=0)
        self._changed: set[str] = set()
        self._new_codes: dict[tuple[str, str], str] = {}

    @property
    def entries(self) -> tuple[CodebookEntry, ...]:
        """Every decision, oldest first."""
        return tuple(self._entries.values())

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The same without their verdicts."""
        return tuple(entry.decision for entry in self._entries.values())

    @property
    def codes(self) -> tuple[Code, ...]:
        """Every code, the new ones included."""
        return tuple(Code(decision_id, attempt, letter) for (decision_id, attempt), letter in self._letters.items())

    def verdict(self, decision_id: str) -> Verdict | None:
        """The newest verdict on a decision; None before the first."""
        return self._entries[decision_id].verdict

    def enter(self, named: NamedDecision) -> str:
        """Take a named decision in, with the codes that came with it; its id in this library."""
        decision = named.decision
        decision_id = self._ids.get(decision.key)
        if decision_id is None:
            decision_id = f"d{self._next}"
            self._next += 1
            self._ids[decision.key] = decision_id
            self._put(CodebookEntry(replace(decision, id=decision_id)))
        else:
            self._widen(decision_id, decision.named_from)
        if named.verdict is not None:
            self.judged(replace(named.verdict, decision_id=decision_id))
        self.coded(Code(decision_id, attempt, letter) for attempt, letter in named.letters.items())
        return decision_id

    def _widen(self, decision_id: str, named_from: tuple[str, ...]) -> None:
        """A decision that is named from further groups does not count in those either."""
        entry = self._entries[decision_id]
        groups = tuple(dict.fromkeys((*entry.decision.named_from, *named_from)))
        if groups != entry.decision.named_from:
            self._put(replace(entry, decision=replace(entry.decision, named_from=groups)))

    def coded(self, codes: Iterable[Code]) -> None:
        """Take codes in; the newest of an attempt and decision holds."""
        for code in codes:
            place = (code.decision_id, code.trajectory_id)
            if self._letters.get(place) != code.letter:
                self._letters[place] = self._new_codes[place] = code.letter

    def judged(self, verdict: Verdict) -> None:
        """Take a decision's new verdict in."""
        self._put(replace(self._entries[verdict.decision_id], verdict=verdict))

    def missing(self, attempts: Sequence[Attempt], coder: Coder, done: Iterable[str]) -> dict[str, list[Decision]]:
        """Trajectory id → decisions that this coder can code and that the attempt has no code for.

        `done` are attempts that were coded by an earlier run: only new decisions are missing there.
        """
        coded = set(done)
        able = [entry for entry in self._entries.values() if coder.codes(entry.decision)]
        fresh = {entry.decision.id for entry in able if entry.verdict is None}
        missing: dict[str, list[Decision]] = defaultdict(list)
        for attempt in attempts:
            attempt_id = attempt.trajectory.id
            for entry in able:
                decision = entry.decision
                if (decision.id, attempt_id) not in self._letters and (attempt_id not in coded or decision.id in fresh):
                    missing[attempt_id].append(decision)
        return dict(missing)

    def weakened(self, decision_id: str, runs: int) -> None:
        """Note how many runs in a row no longer bear out the decision's lesson."""
        self._put(replace(self._entries[decision_id], weak_runs=runs))

    def forget(self, decision_ids: Iterable[str]) -> None:
        """Drop decisions that this run has named, with their codes: nothing speaks for them."""
        gone = set(decision_ids)
        for decision_id in gone:
            del self._ids[self._entries.pop(decision_id).decision.key]
        self._changed -= gone
        for letters in (self._letters, self._new_codes):
            for place in [place for place in letters if place[0] in gone]:
                del letters[place]

    def update(self) -> CodebookUpdate:
        """What this run has brought."""
        changed = tuple(self._entries[decision_id] for decision_id in sorted(self._changed))
        new = (Code(decision_id, attempt, letter) for (decision_id, attempt), letter in self._new_codes.items())
        return CodebookUpdate(changed, tuple(new))

    def _put(self, entry: CodebookEntry) -> None:
        self._entries[entry.decision.id] = entry
        self._changed.add(entry.decision.id)
