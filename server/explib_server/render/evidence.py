"""What can be said of a library's experiences by now: the same numbers for status, resources, `explib evidence`, plots.

Lifts and intervals are in the library's rewards. Where a number would mean nothing, there is none, and it is said why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explib.evidence.belief import SEVERAL
from explib.evidence.interval import Interval, interval, rewards_needed
from explib.evidence.ledger import HOLDOUT, SHORTLIST, Counters, experience_key
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
    every = await store.revisions.experiences(library, retired=True)
    found = await experience_evidence(store, library, every)
    totals = await store.evidence.totals(library)
    shortlist = (await store.evidence.of(library, [SHORTLIST]))[SHORTLIST]
    ended = [each for each in await store.trials.all(library) if each.state == "rolled back"]
    return LibraryEvidence(
        library=library.name,
        revision=library.revision,
        retrievals=totals.retrievals,
        rewards=totals.rewards,
        submitters=await store.evidence.submitters(library),
        exploration=library.settings.exploration,
        uplift=await library_uplift(store, library),
        trials=await store.trials.tally(library),
        rolled_back=tuple(EndedTrial(each.revision, each.reason) for each in ended),
        unclaimed=reporting_is_biased(shortlist.missing, "more lessons are"),
        experiences=tuple(each for each in found if each.status != "retired" or each.rewards),
    )


async def experience_evidence(
    store: Store, library: Library, experiences: Sequence[Experience]
) -> list[ExperienceEvidence]:
    """The evidence of each experience in its current version, with every retrieval that is recorded by now."""
    await store.evidence.count_all(library)
    keys = {experience_key(each.id, each.version): each for each in experiences}
    accounts = await store.evidence.of(library, [*keys, SHORTLIST])
    view = _View(
        library,
        await store.votes.tallies(library),
        {entry.decision.id: entry.verdict for entry in await store.codebooks.entries(library)},
        alone=await store.evidence.submitters(library) < SEVERAL,
        claims=reporting_is_biased(accounts[SHORTLIST].missing) is None,
    )
    return [view.of(experience, accounts[key]) for key, experience in keys.items()]


async def library_uplift(store: Store, library: Library) -> Uplift:
    """The uplift against hold-out, or why there is none to tell."""
    await store.evidence.count_all(library)
    account = (await store.evidence.of(library, [HOLDOUT]))[HOLDOUT]
    sums = account.believed
    share = library.settings.holdout if library.settings.exploration else 0.0
    if not library.settings.exploration:
        return Uplift(0.0, sums.n, None, NOT_EXPLORING)
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
    return Uplift(share, sums.n, _scaled(library, span) if sums.n >= FEWEST_REWARDS else None, label)


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
    """The parts of a library that the evidence of each of its experiences is seen with."""

    library: Library
    votes: Mapping[str, Tally]
    verdicts: Mapping[str, Verdict | None]
    alone: bool
    """Whether all rewards are one person's: then no number of rewards is asked for that will never come."""
    claims: bool

    def of(self, experience: Experience, account: Counters) -> ExperienceEvidence:
        """What can be said of one experience."""
        found = lift_summary(account.believed)
        claimed = self.claims and reporting_is_biased(account.missing) is None
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
        )

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
        return f"served as learned ({LEARNED[learned]}); not measured" if self.alone else label


def _scaled(library: Library, span: Interval) -> Interval:
    return span.times(library.settings.reward_max - library.settings.reward_min)
