from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from explib.history.apply import Citations, LibraryDraft, cited
from explib.models.experiences import Experience, Support
from explib.models.revisions import Change, Citation, Operation, Refusal

GROUPS = {f"t{number}": f"g{number // 2}" for number in range(6)}
IDS = st.sampled_from([f"e{number}" for number in range(1, 9)])
TEXTS = st.sampled_from(["When a, do b.", "When c, do d.", "When e, do f.", "When g, do h."])
CITATIONS = st.lists(
    st.builds(Citation, st.sampled_from(sorted(GROUPS)), st.sampled_from(["for", "against"])), max_size=4
).map(tuple)
ADDS = st.builds(
    Operation, st.just("ADD"), st.just("why"), content=st.one_of(st.none(), st.just(""), TEXTS), citations=CITATIONS
)
MODIFIES = st.builds(
    Operation,
    st.just("MODIFY"),
    st.just("why"),
    content=TEXTS,
    target=st.one_of(st.none(), IDS),
    citations=CITATIONS,
    status=st.sampled_from([None, "candidate", "active"]),
)
MERGES = st.builds(
    Operation,
    st.just("MERGE"),
    st.just("why"),
    content=TEXTS,
    target=IDS,
    merged=st.lists(IDS, min_size=1, max_size=2).map(tuple),
    citations=CITATIONS,
)
WITHOUT_TEXT = st.builds(
    Operation,
    st.sampled_from(["DELETE", "KEEP"]),
    st.just("why"),
    target=st.one_of(st.none(), IDS),
    citations=CITATIONS,
)
OPERATIONS = st.lists(st.one_of(ADDS, ADDS, MODIFIES, MERGES, WITHOUT_TEXT), max_size=6).map(tuple)
Retired: TypeAlias = dict[str, Experience]


def drafted(
    experiences: dict[str, Experience] | None = None,
    citations: Citations | None = None,
    next_number: int = 1,
    revision: int = 1,
    capacity: int = 4,
    read: dict[str, int] | None = None,
) -> LibraryDraft:
    return LibraryDraft(
        revision, next_number, capacity, "contrast", None, experiences or {}, citations or {}, GROUPS, read
    )


def support_of(stances: dict[str, str]) -> tuple[int, int, int]:
    said = list(stances.values())
    groups = {GROUPS[trajectory] for trajectory, stance in stances.items() if stance == "for"}
    return said.count("for"), said.count("against"), len(groups)


class Revisions(RuleBasedStateMachine):
    """A library that goes through revisions of arbitrary operations."""

    draft: LibraryDraft

    def __init__(self) -> None:
        super().__init__()
        self.born: list[str] = []
        self.retired: Retired = {}

    @initialize(capacity=st.integers(1, 5))
    def an_empty_library(self, capacity: int) -> None:
        self.draft = drafted(capacity=capacity)

    @rule(operations=OPERATIONS)
    def a_revision(self, operations: tuple[Operation, ...]) -> None:
        last = self.draft
        self.draft = drafted(dict(last.experiences), last.citations, last.next_number, last.revision + 1, last.capacity)
        self.draft.apply(operations)
        added = [change.after[0].id for change in self.draft.changes if change.operation.kind == "ADD"]
        assert not set(added) & set(self.born)
        self.born += added
        self._each_operation_has_one_outcome(operations)

    def _each_operation_has_one_outcome(self, operations: tuple[Operation, ...]) -> None:
        changed = [change.operation for change in self.draft.changes]
        refused = [refusal.operation for refusal in self.draft.refusals]
        assert all(refusal.reason.strip() for refusal in self.draft.refusals)
        quiet = [each for each in operations if each not in changed and each not in refused]
        assert all(each.kind in {"KEEP", "MODIFY"} for each in quiet)
        assert len(changed) + len(refused) <= len(operations)

    @invariant()
    def ids_are_counted_on_and_never_reused(self) -> None:
        assert self.born == [f"e{number}" for number in range(1, len(self.born) + 1)]
        assert self.draft.next_number == len(self.born) + 1
        assert set(self.draft.experiences) == set(self.born)

    @invariant()
    def what_is_retired_stays_as_it_was(self) -> None:
        for identity, known in self.retired.items():
            assert self.draft.experiences[identity] == known
        self.retired = {each.id: each for each in self.draft.experiences.values() if each.status == "retired"}

    @invariant()
    def no_more_are_served_than_there_is_room_for(self) -> None:
        served = [known for known in self.draft.experiences.values() if known.status != "retired"]
        assert len(served) <= self.draft.capacity

    @invariant()
    def support_counts_the_distinct_citations(self) -> None:
        for known in self.draft.experiences.values():
            if known.status != "retired":
                counted = (known.support.supporting, known.support.contradicting, known.support.groups)
                assert counted == support_of(dict(self.draft.citations.get(known.id, {}))), known

    @invariant()
    def versions_count_texts_and_nothing_is_younger_than_its_revision(self) -> None:
        for change in self.draft.changes:
            for before, after in zip(change.before, change.after, strict=False):
                assert before.id == after.id
                assert after.version - before.version == int(before.content != after.content)
                assert after.created_revision <= after.updated_revision <= self.draft.revision


TestRevisions = Revisions.TestCase
TestRevisions.settings = settings(max_examples=80, stateful_step_count=12, deadline=None)


def adding(content: str, *trajectories: str) -> Operation:
    return Operation("ADD", "why", content=content, citations=tuple(Citation(each, "for") for each in trajectories))


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (Operation("ADD", "why"), "ADD has no content"),
        (adding("When a, do b."), "already says exactly this"),
        (Operation("MODIFY", "why", content="When x, do y."), "names no experience"),
        (Operation("DELETE", "why", target="e9"), "no experience e9"),
        (Operation("KEEP", "why", target="e2"), "e2 is retired"),
        (Operation("MERGE", "why", content="x", target="e1", merged=("e1",)), "named twice"),
        (Operation("MERGE", "why", content="x", target="e1", merged=("e9",)), "no experience e9"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason_and_changes_nothing(operation: Operation, reason: str) -> None:
    draft = drafted()
    draft.apply((adding("When a, do b."), adding("When c, do d."), Operation("DELETE", "why", target="e2")))
    before = dict(draft.experiences)
    draft.apply((operation,))
    [refusal] = draft.refusals
    assert refusal.operation is operation
    assert reason in refusal.reason
    assert draft.experiences == before


def test_room_made_by_an_operation_is_room_for_the_next() -> None:
    draft = drafted(capacity=1)
    draft.apply((adding("When a, do b."), adding("When c, do d."), Operation("DELETE", "why", target="e1")))
    draft.apply((adding("When e, do f."),))
    assert [each.status for each in draft.experiences.values()] == ["retired", "candidate"]
    assert [refusal.reason for refusal in draft.refusals] == ["the library is full: 1 of at most 1 experience"]


def test_evidence_belongs_to_what_was_said_not_to_an_id() -> None:
    draft = drafted()
    draft.apply((adding("When a, do b.", "t0", "t2"), adding("When c, do d.", "t1")))
    draft.experiences["e1"] = replace(draft.experiences["e1"], status="active", decision_id="d1", option="a")
    merged = Operation("MERGE", "both", content="When e, do f.", target="e1", merged=("e2",))
    draft.apply((merged,))
    assert draft.refusals == []
    rewritten = draft.experiences["e1"]
    assert (rewritten.status, rewritten.support, rewritten.decision_id) == ("candidate", Support(), None)
    assert draft.cited["e1"] == {}
    assert draft.experiences["e2"].status == "retired"


def test_a_text_that_stays_keeps_its_evidence_and_its_decision() -> None:
    draft = drafted()
    draft.apply((adding("When a, do b.", "t0"),))
    draft.experiences["e1"] = replace(draft.experiences["e1"], decision_id="d1", option="a")
    draft.apply((Operation("MODIFY", "borne out", content="When a, do b.", target="e1", status="active"),))
    kept = draft.experiences["e1"]
    assert (kept.status, kept.version, kept.decision_id, kept.support.supporting) == ("active", 1, "d1", 1)


def test_the_same_attempt_cited_again_counts_once_and_its_last_stance_holds() -> None:
    draft = drafted()
    draft.apply((adding("When a, do b.", "t0"),))
    again = Operation("KEEP", "again", target="e1", citations=(Citation("t0", "against"), Citation("t1", "for")))
    draft.apply((again,))
    assert draft.experiences["e1"].support == Support(1, 1, 1)
    assert draft.cited == {"e1": {"t0": "against", "t1": "for"}}


def test_a_keep_without_news_changes_nothing_and_is_no_refusal() -> None:
    draft = drafted()
    draft.apply((adding("When a, do b.", "t0"),))
    draft.changes.clear()
    draft.apply((Operation("KEEP", "fine", target="e1", citations=(Citation("t0", "for"),)),))
    assert (draft.changes, draft.refusals) == ([], [])


def test_citations_alone_change_no_status() -> None:
    draft = drafted()
    draft.apply((adding("When a, do b.", "t0", "t2"),))
    draft.apply((Operation("KEEP", "again", target="e1", citations=(Citation("t4", "for"),)),))
    assert (draft.experiences["e1"].status, draft.experiences["e1"].support) == ("candidate", Support(3, 0, 3))


def test_what_was_changed_since_it_was_read_is_not_overwritten() -> None:
    known = Experience("e1", "When a, do b.", "candidate", 2, "contrast", Support(), 1, 3)
    change = Operation("MODIFY", "better", target="e1", content="When a, do c.")
    draft = drafted({"e1": known}, next_number=2, revision=4, read={"e1": 2})
    draft.apply((change,))
    assert draft.refusals == [Refusal(change, "experience e1 was changed after it was read")]
    assert draft.experiences == {"e1": known}
    draft = drafted({"e1": known}, next_number=2, revision=4, read={"e1": 3})
    draft.apply((change,))
    assert draft.experiences["e1"].content == "When a, do c."


def test_two_operations_of_one_proposal_may_change_the_same_experience() -> None:
    known = Experience("e1", "When a, do b.", "candidate", 1, "contrast", Support(), 1, 1)
    draft = drafted({"e1": known}, next_number=2, revision=2, read={"e1": 1})
    draft.apply(
        tuple(Operation("KEEP", "again", target="e1", citations=(Citation(each, "for"),)) for each in ("t0", "t2"))
    )
    assert draft.refusals == []
    assert draft.experiences["e1"].support == Support(2, 0, 2)


def test_every_cited_trajectory_is_named_once() -> None:
    assert cited((adding("x", "t1", "t2"), Operation("KEEP", "", target="e1"), adding("y", "t2"))) == {"t1", "t2"}


def test_a_change_keeps_what_was_before_and_what_is_after() -> None:
    draft = drafted()
    draft.apply((adding("When a, do b.", "t0"), adding("When c, do d.", "t2")))
    first, second = draft.experiences["e1"], draft.experiences["e2"]
    merge = Operation("MERGE", "same", content="When a or c, do b.", target="e1", merged=("e2",))
    draft.apply((merge,))
    change = draft.changes[-1]
    assert change == Change(merge, (first, second), (draft.experiences["e1"], draft.experiences["e2"]))
    assert [each.status for each in change.after] == ["candidate", "retired"]
    assert change.after[1].content == second.content
    assert draft.refusals == list[Refusal]()
