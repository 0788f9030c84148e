from __future__ import annotations

from learner.scripted_analyst import lesson

from explib.models.decisions import CodebookEntry, CodebookUpdate
from explib.models.experiences import Experience, Support
from explib.models.groups import Group, GroupAttempts
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.models.trajectories import Attempt, Trajectory
from explib_learner.analysis import Analysis
from explib_learner.analyst import Batch
from explib_learner.share import YOUNG, within_share


def batch(size: int, *groups: GroupAttempts) -> Batch:
    known = tuple(
        Experience(f"e{number}", f"When {number}, check it.", "active", 1, "model", Support(), 1, 1)
        for number in range(1, size + 1)
    )
    return Batch(Library(1, "default", LibrarySettings(), 0, 0.0), known, groups, ())


def additions(count: int) -> tuple[Operation, ...]:
    return tuple(Operation("ADD", "r", f"When {number}, read it.") for number in range(count))


def kept(size: int, *operations: Operation) -> int:
    return len(within_share(Analysis(operations), batch(size)).operations)


def test_a_run_retires_or_rewrites_at_most_its_share() -> None:
    assert kept(30, *(Operation("DELETE", "r", target=f"e{number}") for number in range(1, 31))) == 6
    assert kept(30, *(Operation("MODIFY", "r", "When, wait.", target=f"e{number}") for number in range(1, 31))) == 6


def test_a_merge_counts_every_lesson_that_it_takes() -> None:
    merged = tuple(f"e{number}" for number in range(2, 31))
    assert kept(30, Operation("MERGE", "r", "When so, wait.", target="e1", merged=merged)) == 0


def test_a_young_library_may_be_filled_at_once_but_not_emptied() -> None:
    assert kept(0, *additions(50)) == YOUNG
    assert kept(5, *(Operation("DELETE", "r", target=f"e{number}") for number in range(1, 6))) == 2


def test_a_promotion_changes_no_lesson() -> None:
    promotions = [Operation("MODIFY", "r", f"When {number}, check it.", target=f"e{number}") for number in range(1, 31)]
    assert kept(30, *promotions) == 30


def test_a_group_whose_candidates_all_wait_is_analysed_again() -> None:
    attempts = tuple(Attempt(Trajectory(name, "g", "pack", reward), ()) for name, reward in (("t1", 1.0), ("t2", 0.0)))
    group = GroupAttempts(Group("g", "g", "pack", "ready", "", 2, 2, 1), attempts)
    decision = lesson(group).decision
    last = Operation("ADD", "r", "When packing, read it.", decision_id=decision.id)
    analysis = Analysis((*additions(9), last), codebook=CodebookUpdate((CodebookEntry(decision),)))
    limited = within_share(analysis, batch(40, group))
    assert len(limited.operations) == 8
    assert [(failure.group_id, failure.counts) for failure in limited.failures] == [("g", False)]
    assert "answer_share" in limited.note
