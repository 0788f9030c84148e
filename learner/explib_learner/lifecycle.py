"""What rewards decide: experiences are promoted, retired and brought back, revisions accepted and rolled back.

Every decision is a revision (or the end of a trial) with its numbers and its rule. Whoever looks, in whatever process,
looks at what was rewarded since the last look, which is written down: what one process leaves undone the next one does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from operator import add

from explib.errors import RevisionConflict
from explib.evidence.ledger import EMPTY, SHORTLIST, CounterKey, Counters, experience_key, revision_key
from explib.evidence.sums import NOTHING, ScoreSums
from explib.evidence.verdicts import FEWEST_REWARDS, reporting_is_biased, status_change, trial_outcome
from explib.history.replay import continued_ids
from explib.history.trials import rollback_operations
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.retrievals import Trial
from explib.models.revisions import Operation
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store
from explib.tasks import BackgroundTasks

log = logging.getLogger(__name__)
AUTHOR = "evidence"
COMMIT_TRIES = 5
GATHER_SECONDS = 0.1
"""How long a look waits for further rewards, so that many of them are looked at together."""


def trial_sums(trial: Trial, accounts: Mapping[CounterKey, Counters]) -> ScoreSums:
    """A trial by a coin has an account; one by draws adds up those of what it added."""
    parts = [accounts.get(key, EMPTY).believed for key in trial_keys(trial)]
    return replace(reduce(add, parts, NOTHING), n=max((part.n for part in parts), default=0))


def trial_keys(trial: Trial) -> list[CounterKey]:
    """The accounts that decide about a trial."""
    if trial.replaces:
        return [revision_key(trial.revision)]
    return [experience_key(identity, 1) for identity in trial.adds]


class Lifecycle:
    """Looks at what rewards have changed, and acts on it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[int, Library] = {}
        self._watching = BackgroundTasks()

    def rewarded(self, library: Library) -> None:
        """Look at the library soon, in the background."""
        self._waiting[library.id] = library
        if self._watching.idle:
            self._watching.start(self._watch(), "evidence", "evidence could not be looked at")

    async def flush(self) -> None:
        """Returns when nothing waits to be looked at."""
        await self._watching.flush()

    async def close(self) -> None:
        """Stop looking: what was not looked at waits for the next look, here or elsewhere."""
        await self._watching.end()

    async def _watch(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            _, library = self._waiting.popitem()
            try:
                await self.look(library)
            except Exception:  # the outermost loop: the next look catches up
                log.exception("the evidence of library %s could not be looked at", library.name)

    async def look(self, library: Library) -> list[int]:
        """Decide what the rewards since the last look decide; the revisions that came of it."""
        made: list[int] = []
        for tries_left in reversed(range(COMMIT_TRIES)):
            totals = await self._store.evidence.totals(library)
            if totals.judged >= totals.tick:
                break
            await self._store.evidence.count_due(library)
            current = await self._store.libraries.get(library.name)
            try:
                changed = await self._store.evidence.since(library, totals.judged, totals.tick)
                made += await self._judge(current, changed)
            except RevisionConflict:
                if not tries_left:
                    log.warning("%s changes faster than its evidence can be acted on: next time", library.name)
                continue
            await self._store.evidence.judged(library, totals.tick)
        return made

    async def _judge(self, library: Library, changed: dict[CounterKey, Counters]) -> list[int]:
        whole = changed.get(SHORTLIST, Counters())
        if reporting_is_biased(whole.missing) is not None:
            return []
        running = await self._store.trials.running(library)
        trials = [trial for trial in running if not changed.keys().isdisjoint(trial_keys(trial))]
        others = {key for trial in trials for key in trial_keys(trial)} - changed.keys()
        accounts = {**changed, **await self._store.evidence.of(library, others)}
        made: list[int] = []
        for trial in trials:
            number = await self._end(library, trial, trial_sums(trial, accounts))
            if number is not None:
                made.append(number)
                library = await self._store.libraries.get(library.name)
        number = await self._change(library, changed)
        return made if number is None else [*made, number]

    async def _end(self, library: Library, trial: Trial, sums: ScoreSums) -> int | None:
        found = trial_outcome(sums)
        if found is None:
            return None
        decision, reason = found
        operations: tuple[Operation, ...] = ()
        again: dict[str, int] = {}
        if decision == "roll back":
            then, now = await self._store.revisions.then_and_now(library, trial.against)
            operations = rollback_operations(trial, then, now)
            again = continued_ids(operations, then)
            if not operations:
                decision, reason = "accept", f"{reason}; a person pinned it, or it is gone already"
        ended = replace(
            trial,
            state="rolled back" if decision == "roll back" else "accepted",
            reason=reason,
            ended_at=time.time(),
        )
        cause = f"revision {trial.revision} {ended.state}: {reason}"
        return await self._commit(library, cause, operations, continues=again, ends=ended)

    async def _change(self, library: Library, changed: dict[CounterKey, Counters]) -> int | None:
        telling = {
            key for key, found in changed.items() if key[0] == "experience" and found.believed.n >= FEWEST_REWARDS
        }
        if not telling:
            return None
        found = await self._store.evidence.experiences(library, {key[1] for key in telling}, AUTHOR)
        final = await self._rolled_back(library) if any(each.status == "retired" for each, _ in found) else set[str]()
        operations: list[Operation] = []
        for each, by_evidence in found:
            key = experience_key(each.id, each.version)
            if key in telling and reporting_is_biased(changed[key].missing) is None:
                operation = _operation(each, changed[key].believed, by_evidence=by_evidence and each.id not in final)
                operations += [operation] if operation is not None else []
        if not operations:
            return None
        cause = "; ".join(f"{each.target}: {each.reason}" for each in operations)
        return await self._commit(library, cause, tuple(operations))

    async def _rolled_back(self, library: Library) -> set[str]:
        """What went with its revision, not by its own lift, which doesn't bring it back either."""
        ended = [trial for trial in await self._store.trials.all(library) if trial.state == "rolled back"]
        return {known for trial in ended for known in (*trial.adds, *trial.replaces)}

    async def _commit(
        self,
        library: Library,
        cause: str,
        operations: tuple[Operation, ...],
        *,
        continues: Mapping[str, int] | None = None,
        ends: Trial | None = None,
    ) -> int | None:
        proposal = Proposal(
            library, cause, AUTHOR, AUTHOR, operations, reviewed=True, continues=continues or {}, ends=ends
        )
        return (await self._store.revisions.commit(proposal)).revision


def _operation(known: Experience, sums: ScoreSums, *, by_evidence: bool) -> Operation | None:
    if known.status == "retired" and not by_evidence:
        return None  # by a person or the learner, for other reasons: theirs to bring back
    found = status_change(sums, known.status)
    if found is None or (known.pinned and found.decision == "retire"):
        return None
    if found.decision == "retire":
        return Operation("DELETE", found.reason, target=known.id)
    return Operation(
        "KEEP", found.reason, target=known.id, status="active" if found.decision == "promote" else "candidate"
    )
