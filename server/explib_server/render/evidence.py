"""What can be said of a library's experiences by now: the same numbers for status, resources, `explib evidence`, plots.

Lifts and intervals are in the library's rewards. Where a number would mean nothing, there is none, and it is said why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explib.evidence.belief import SEVERAL
from explib.evidence.following import NOT_SEEN, Following
from explib.evidence.interval import Interval, interval, rewards_needed
from explib.evidence.ledger import HOLDOUT, SHORTLIST, CounterKey, Counters, experience_key
from explib.evidence.policy import lesson_class
from explib.evidence.posterior import REVISION_SCALE
from explib.evidence.sums import NOTHING
from explib.evidence.verdicts import FEWEST_REWARDS, lift_summary, reporting_is_biased
from explib.evidence.votes import Tally
from explib.models.decisions import Verdict
from explib.models.experiences import Experience, ExperienceStatus, LessonClass
from explib.models.libraries import Library
from explib.text.words import number_of

if TYPE_CHECKING:
    from explib.storage.store import Store

TRACK_POINTS = 200
UNCLAIMED = "nothing can be claimed"
UNKNOWN = "not known yet: "
UNEXPLORED = "not measured: exploration is off"
LEARNED: Mapping[LessonClass, str] = {
    "A": "borne out",
    "B": "seen once",
    "C": "origin unknown",
    "D": "in doubt",
}
"""How a lesson was learned, in words."""
NOT_EXPLORING = "not measured (exploration is off: all that fits is served, so rewards cannot show what it changes)"


@dataclass(frozen=True, slots=True)
class ExperienceEvidence:
    """One version of an experience: what was counted, and what follows. Votes are opinions and stand apart."""

    id: str
    version: int
    status: ExperienceStatus
    content: str
    served: int
    rewarded: int
    """Rewards of retrievals in which it was served."""
    rewards: int
    """Rewards of retrievals in which chance decided on it, served or withheld: what the lift rests on."""
    lift: Interval | None
    helps: float | None
    """P(lift > 0)."""
    label: str
    votes: Tally
    learned: LessonClass
    """How it was learned, which is what it is served by until rewards say more."""
    following: Following
    """What became of it in the newest attempts that it was served to."""


@dataclass(frozen=True, slots=True)
class Uplift:
    """What the library as a whole does to the reward, against retrievals that got nothing."""

    holdout: float
    rewards: int
    lift: Interval | None
    label: str


@dataclass(frozen=True, slots=True)
class EndedTrial:
    """A revision that was rolled back, and the numbers."""

    revision: int
    reason: str


@dataclass(frozen=True, slots=True)
class LibraryEvidence:
    """Everything that is known of a library by its rewards."""

    library: str
    revision: int
    retrievals: int
    rewards: int
    submitters: int
    """Who reported them; from FEWEST_SUBMITTERS on each counts once, below that each reward."""
    exploration: bool
    uplift: Uplift
    trials: dict[str, int]
    """State of a trial → how many revisions are in it."""
    rolled_back: tuple[EndedTrial, ...]
    unclaimed: str | None
    """Why nothing can be claimed, where rewards are missing in a way that depends on what was served."""
    experiences: tuple[ExperienceEvidence, ...]


async def library_evidence(store: Store, library: Library) -> LibraryEvidence:
    """The evidence of the whole library; retired experiences too where something is known of them."""
    view = await _view(store, library, await store.revisions.experiences(library, retired=True))
    totals = await store.evidence.totals(library)
    trials = await store.trials.all(library)
    return LibraryEvidence(
        library=library.name,
        revision=library.revision,
        retrievals=totals.retrievals,
        rewards=totals.rewards,
        submitters=view.submitters,
        exploration=library.settings.exploration,
        uplift=view.uplift(),
        trials=dict(Counter(each.state for each in trials)),
        rolled_back=tuple(EndedTrial(each.revision, each.reason) for each in trials if each.state == "rolled back"),
        unclaimed=reporting_is_biased(view.accounts[SHORTLIST].missing, "more lessons are"),
        experiences=tuple(each for each in view.all() if each.status != "retired" or each.rewards),
    )


async def experience_evidence(store: Store, library: Library, experience: Experience) -> ExperienceEvidence:
    """The evidence of an experience in its current version, with every retrieval that is recorded by now."""
    [found] = await evidence_of(store, library, [experience])
    return found


async def evidence_of(store: Store, library: Library, experiences: Sequence[Experience]) -> list[ExperienceEvidence]:
    """The evidence of these experiences, in their order."""
    return (await _view(store, library, experiences)).all() if experiences else []


async def library_uplift(store: Store, library: Library) -> Uplift:
    """What the library as a whole does to the reward."""
    return (await _view(store, library, ())).uplift()


async def uplift_track(store: Store, library: Library) -> list[tuple[float, Interval]]:
    """The uplift as it was known over time (seconds since the epoch), at up to TRACK_POINTS moments."""
    scores = await store.evidence.held_out_scores(library)
    step, sums = max(len(scores) // TRACK_POINTS, 1), NOTHING
    track: list[tuple[float, Interval]] = []
    for number, (at, scored) in enumerate(scores, start=1):
        sums += scored
        if sums.n >= FEWEST_REWARDS and (number % step == 0 or number == len(scores)):
            track.append((at, _scaled(library, interval(sums))))
    return track


def labels(found: LibraryEvidence) -> dict[str, int]:
    """Label → how many of the experiences that are served have it; all that is not known yet counts together."""
    said = [each.label.partition(":")[0] for each in found.experiences if each.status != "retired"]
    return {label: said.count(label) for label in dict.fromkeys(said)}


def lift_text(lift: Interval | None) -> str:
    """A lift with its interval, e.g. `+0.08 (+0.01 to +0.15)`."""
    return "–" if lift is None else f"{lift.mean:+.3f} ({lift.low:+.3f} to {lift.high:+.3f})"


def uplift_text(uplift: Uplift) -> str:
    """The uplift in a sentence."""
    held_out = f"; {uplift.holdout:.0%} of retrievals are held out" if uplift.holdout else ""
    said = uplift.label if uplift.lift is None else f"{lift_text(uplift.lift)}, {uplift.label}"
    return said + held_out


def evidence_text(found: ExperienceEvidence) -> str:
    """What rewards say of one experience, in a few sentences."""
    counted = f"Served {number_of(found.served, 'time')}, {found.rewarded:,} of them rewarded."
    if found.label == UNCLAIMED:
        return f"{counted} Nothing can be claimed: which rewards are reported depends on what was served."
    if found.lift is None or found.helps is None:
        return f"{counted} {found.label.capitalize()}."
    rests = f"from {number_of(found.rewards, 'reward')} of tasks for which chance decided"
    return f"{counted} Lift {lift_text(found.lift)}, P(helps) {found.helps:.3f}, {rests}: {found.label}."


@dataclass(frozen=True, slots=True)
class _View:
    """Everything that is read of a library to tell the evidence of its experiences and its own."""

    library: Library
    experiences: Sequence[Experience]
    accounts: Mapping[CounterKey, Counters]
    ways: Mapping[str, Following]
    votes: Mapping[str, Tally]
    verdicts: Mapping[str, Verdict | None]
    submitters: int

    def all(self) -> list[ExperienceEvidence]:
        """What can be said of each experience."""
        claims = reporting_is_biased(self.accounts[SHORTLIST].missing) is None
        return [self._of(experience, claims=claims) for experience in self.experiences]

    def _of(self, experience: Experience, *, claims: bool) -> ExperienceEvidence:
        account = self.accounts[experience_key(experience.id, experience.version)]
        found = lift_summary(account.believed)
        claimed = claims and reporting_is_biased(account.missing) is None
        shown = claimed and account.believed.n >= FEWEST_REWARDS
        learned = self._learned(experience)
        return ExperienceEvidence(
            id=experience.id,
            version=experience.version,
            status=experience.status,
            content=experience.content,
            served=account.served,
            rewarded=account.rewarded,
            rewards=account.sums.n,
            lift=_scaled(self.library, found.interval) if shown else None,
            helps=found.belief.helps if shown else None,
            label=self._label(found.label, learned) if claimed else UNCLAIMED,
            votes=self.votes.get(experience.id, Tally()),
            learned=learned,
            following=self.ways.get(experience.id, NOT_SEEN),
        )

    def uplift(self) -> Uplift:
        """The uplift against hold-out, or why there is none to tell."""
        account = self.accounts[HOLDOUT]
        sums = account.believed
        settings = self.library.settings
        if not settings.exploration:
            return Uplift(0.0, sums.n, None, NOT_EXPLORING)
        share = settings.holdout
        if not sums.n:
            how = "rewards of held-out retrievals are awaited" if share else "no hold-out: set the library's holdout"
            return Uplift(share, 0, None, f"not measured ({how})")
        if (problem := reporting_is_biased(account.missing, "anything is")) is not None:
            return Uplift(share, sums.n, None, problem)
        span = interval(sums)
        settled = span.excludes_zero and sums.n >= FEWEST_REWARDS
        needed = rewards_needed(sums, REVISION_SCALE, share * (1 - share) or None)
        more = f"not known yet: about {number_of(needed, 'more reward')}"
        label = ("the library helps" if span.low > 0 else "the library harms") if settled else more
        return Uplift(share, sums.n, _scaled(self.library, span) if sums.n >= FEWEST_REWARDS else None, label)

    def _learned(self, experience: Experience) -> LessonClass:
        verdict = None if experience.decision_id is None else self.verdicts.get(experience.decision_id)
        return lesson_class(
            pinned=experience.pinned, support=experience.support, verdict=verdict, option=experience.option
        )

    def _label(self, label: str, learned: LessonClass) -> str:
        if not label.startswith(UNKNOWN):
            return label
        if not self.library.settings.exploration:
            return UNEXPLORED
        if self.submitters < SEVERAL:  # no number of rewards is asked of one person: it will never come
            return f"served as learned ({LEARNED[learned]}); not measured"
        return label


async def _view(store: Store, library: Library, experiences: Sequence[Experience]) -> _View:
    await store.evidence.count_all(library)
    decisions = {each.decision_id for each in experiences if each.decision_id is not None}
    entries = await store.codebooks.entries(library, decisions) if decisions else []
    keys = (experience_key(each.id, each.version) for each in experiences)
    return _View(
        library=library,
        experiences=experiences,
        accounts=await store.evidence.of(library, [*keys, SHORTLIST, HOLDOUT]),
        ways=await store.followings.of(library, experiences) if experiences else {},
        votes=await store.votes.tallies(library),
        verdicts={entry.decision.id: entry.verdict for entry in entries},
        submitters=await store.evidence.submitters(library),
    )


def _scaled(library: Library, span: Interval) -> Interval:
    return span.times(library.settings.reward_max - library.settings.reward_min)
