"""The report of a run: what was planned, what was seen, what it cost, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from explib.evidence.verdicts import LiftSummary
from explib.models.json_value import Json
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Revision
from explib.text.words import number_of
from explib_server.practice.halves import Found, found_of
from explib_server.practice.journal import LOGS, Journal
from explib_server.practice.plan import Batch, Plan
from explib_server.practice.prices import Spent
from explib_server.practice.proof import HARM, Arm, Proof, proof_of
from explib_server.practice.protocol import Broken

ENOUGH = 0.9
"""Share of its planned pairs that a gate needs."""


@dataclass(frozen=True, slots=True)
class BatchLine:
    """What came of one batch."""

    epoch: int
    number: int
    arm: Arm
    revisions: tuple[int, ...]
    """Those of the library that its rollouts saw."""
    planned: int
    finished: int
    graded: int


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run so far."""

    plan: Plan
    library: str
    revision: int
    batches: list[BatchLine]
    revisions: list[Revision]
    """The library's, since the first rollout."""
    proof: Proof | None
    found: Found | None
    """By halves of the library."""
    spent: Spent
    broken: list[Broken]
    ungraded: dict[str, int]
    """Why finished rollouts have no reward → how many."""
    log_folder: str
    settings: LibrarySettings

    @property
    def finished(self) -> bool:
        """Nothing of the plan is left to do."""
        done = all(batch.finished == batch.planned for batch in self.batches)
        halves = not self.plan.options.halves or (self.found is not None and self.found.pairs == self.found.planned)
        return done and halves and (not self.plan.held_out or (self.proof is not None and self.proof.complete))


def gate_problem(report: Report) -> str:
    """Why a gate does not let the lessons pass; empty where it does."""
    proof, gate = report.proof, report.plan.options.gate
    if gate is None:
        return ""
    if proof is None or proof.pairs < ENOUGH * proof.planned:
        made = f"{proof.pairs} of {proof.planned}" if proof is not None else "none"
        return f"the gate cannot decide: of the planned pairs {made} have both rewards; the same command goes on"
    if proof.verdict == HARM:
        return f"the lessons of {gate.file} score below those at {gate.base} by more than chance"
    return ""


def make_report(
    plan: Plan, journal: Journal, library: Library, revisions: Iterable[Revision], broken: list[Broken]
) -> Report:
    """The report from what is on record."""
    settings = library.settings
    seen = [revision for _, revision in journal.retrievals.values()]
    ungraded: dict[str, int] = {}
    if plan.scorer != "majority":
        for rollout in journal.finished.values():
            if rollout.reward is None:
                reason = rollout.note or "the scorer gave none"
                ungraded[reason] = ungraded.get(reason, 0) + 1
    first = min(seen, default=library.revision)
    return Report(
        plan,
        library.name,
        library.revision,
        [_batch(plan, journal, settings, batch) for batch in plan.batches()],
        [each for each in revisions if each.number > first and each.changes],
        proof_of(plan, journal, settings),
        found_of(plan, journal, settings),
        journal.spent,
        broken,
        ungraded,
        str(journal.folder / LOGS),
        settings,
    )


def _batch(plan: Plan, journal: Journal, settings: LibrarySettings, batch: Batch) -> BatchLine:
    rewards: dict[str, list[float]] = {}
    finished, revisions = 0, set[int]()
    for task in batch.tasks:
        for number in range(1, plan.options.rollouts + 1):
            key = plan.key(task, batch.epoch, number)
            made = journal.finished.get(key)
            if made is None:
                continue
            finished += 1
            revisions.add(journal.retrievals[key][1])
            if made.reward is not None:
                rewards.setdefault(task.id, []).append(settings.share(made.reward))
    planned = len(batch.tasks) * plan.options.rollouts
    graded = sum(map(len, rewards.values()))
    return BatchLine(batch.epoch, batch.number, Arm(rewards), tuple(sorted(revisions)), planned, finished, graded)


def report_text(report: Report) -> str:
    """The report in lines for a person."""
    lines = [_batch_text(report, batch) for batch in report.batches]
    changed = [change for revision in report.revisions for change in revision.changes]
    if report.batches:
        lines.append(
            f"library {report.library}: revision {report.revision}, {number_of(len(changed), 'change')} since the run "
            "began"
        )
    taken_back = [each for each in report.revisions if each.author == "evidence"]
    lines += [f"  taken back or decided by rewards: revision {each.number}, {each.cause}" for each in taken_back]
    if report.plan.held_out:
        lines += _proof_text(report)
        if report.plan.reward_source == "judge":
            lines.append("  graded by a judge, which is weaker than a check: it shows what the judge likes")
    if report.found is not None:
        lines += _halves_text(report.found, report.settings)
    lines += [f"no reward for {number_of(count, 'rollout')}: {why}" for why, count in report.ungraded.items()]
    if report.broken:
        lines.append(
            f"{number_of(len(report.broken), 'rollout')} broke and have no reward (the last: "
            f"{report.broken[-1].reason}); the same command makes them again"
        )
    lines.append(f"cost: {report.spent}")
    lines.append(f"logs: inspect view --log-dir {report.log_folder}")
    if not report.finished:
        lines.append("not finished: the same command goes on, and makes nothing twice")
    return "\n".join(lines)


def _batch_text(report: Report, batch: BatchLine) -> str:
    k = report.plan.options.rollouts
    saw = ", ".join(map(str, batch.revisions)) or "none yet"
    head = f"epoch {batch.epoch}, batch {batch.number}: {batch.finished} of {batch.planned} rollouts, revision {saw}"
    if not batch.graded:
        return f"{head}; none graded"
    return f"{head}; {_arm_text(batch.arm, k, report.settings)}"


def _arm_text(arm: Arm, k: int, settings: LibrarySettings) -> str:
    mean = settings.reward_min + arm.mean * settings.reward_width
    return f"Mean@{k} {mean:.3f}, pass@{k} {arm.pass_at(k):.2f}, pass^{k} {arm.pass_all(k):.2f}"


def _proof_text(report: Report) -> list[str]:
    proof, k, settings = report.proof, report.plan.options.rollouts, report.settings
    if proof is None:
        return ["proof: no pair yet"]
    if not proof.planned:
        return [f"proof: {' and '.join(proof.sides.names)} tell the same for every task, so nothing was attempted"]
    where = f"95 % interval {proof.gain.low:+.3f} to {proof.gain.high:+.3f}"
    kind = "as planned" if proof.complete else "not complete, so an interval that holds at any time"
    options, (one, other) = report.plan.options, proof.sides.names
    asked_more = options.halves or options.lesson or options.gate or options.control
    wide = max(len(one), len(other)) + 1
    return [
        f"proof on held-out tasks, library at revision {proof.sides.revision}: {proof.pairs} of {proof.planned} "
        f"planned pairs over {number_of(proof.tasks, 'task')}",
        f"  {other + ':':{wide}} {_arm_text(proof.arms[1], k, settings)}",
        f"  {one + ':':{wide}} {_arm_text(proof.arms[0], k, settings)}",
        f"  {proof.verdict}: {proof.gain.mean:+.3f} ({where}, {kind})",
        *([] if proof.gain.low > 0 or asked_more else ["  which lesson harms, if one does? --halves 400 finds it"]),
    ]


def _halves_text(found: Found, settings: LibrarySettings) -> list[str]:
    suspects = found.suspects
    lines = [
        f"halves: {found.pairs} of {found.planned} planned pairs, {number_of(len(found.lessons), 'lesson')}; "
        + (f"under suspicion: {', '.join(suspects)}" if suspects else "none is under suspicion")
    ]
    for known, lift in suspects.items():
        span = lift.interval.times(settings.reward_width)
        lines.append(
            f"  {known} {lift.label}: {span.mean:+.3f} (95 % interval {span.low:+.3f} to {span.high:+.3f}), "
            f"P(helps) {lift.belief.helps:.3f}, {number_of(lift.sums.n, 'pair')}"
        )
    return lines


def report_json(report: Report) -> dict[str, Json]:
    """The report for a script."""
    k, proof = report.plan.options.rollouts, report.proof
    return {
        "run": report.plan.run,
        "library": report.library,
        "revision": report.revision,
        "revisions": [each.number for each in sorted(report.revisions, key=attrgetter("number"))],
        "finished": report.finished,
        "rollouts": k,
        "temperature": report.plan.options.temperature,
        "batches": [
            {
                "epoch": batch.epoch,
                "batch": batch.number,
                "revisions": list(batch.revisions),
                "planned": batch.planned,
                "finished": batch.finished,
                "graded": batch.graded,
                **_arm_json(batch.arm, k, report.settings),
            }
            for batch in report.batches
        ],
        "proof": None
        if proof is None
        else {
            "verdict": proof.verdict,
            "sides": list(proof.sides.names),
            "planned": proof.planned,
            "pairs": proof.pairs,
            "complete": proof.complete,
            "revision": proof.sides.revision,
            "gain": proof.gain.mean,
            "low": proof.gain.low,
            "high": proof.gain.high,
            "with": _arm_json(proof.arms[0], k, report.settings),
            "without": _arm_json(proof.arms[1], k, report.settings),
        },
        "halves": None if report.found is None else _halves_json(report.found, report.settings),
        "cost": {"tokens": report.spent.tokens, "usd": report.spent.usd},
        "broken": len(report.broken),
        "ungraded": dict(report.ungraded),
        "logs": report.log_folder,
    }


def _halves_json(found: Found, settings: LibrarySettings) -> Json:
    lessons = {known: _lift_json(lift, settings) for known, lift in found.lessons.items()}
    return {"planned": found.planned, "pairs": found.pairs, "suspects": list(found.suspects), "lessons": lessons}


def _lift_json(lift: LiftSummary, settings: LibrarySettings) -> Json:
    span = lift.interval.times(settings.reward_width)
    return {
        "lift": span.mean,
        "low": span.low,
        "high": span.high,
        "helps": lift.belief.helps,
        "pairs": lift.sums.n,
        "label": lift.label,
    }


def _arm_json(arm: Arm, k: int, settings: LibrarySettings) -> dict[str, Json]:
    mean = settings.reward_min + arm.mean * settings.reward_width if arm.rewards else None
    return {"mean": mean, "pass_at": arm.pass_at(k), "pass_all": arm.pass_all(k)}
