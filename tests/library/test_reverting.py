from __future__ import annotations

from copy import deepcopy

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from library.test_revising import OPERATIONS, adding, drafted

from explib.history.replay import LibraryState, restore_operations, revert_operations
from explib.models.revisions import Citation, Operation

CAPACITY = 4


def served(standing: LibraryState) -> dict[str, object]:
    """What counts of a library: the texts that are served, their status and what they rest on."""
    return {
        identity: (known.content, known.status, known.support, standing.citations.get(identity, {}))
        for identity in standing.experiences
        if (known := standing.served(identity)) is not None
    }


class Histories(RuleBasedStateMachine):
    """A library that goes through arbitrary revisions and back to arbitrary ones of them."""

    def __init__(self) -> None:
        super().__init__()
        self.draft = drafted(capacity=CAPACITY)
        self.past: list[LibraryState] = []

    @initialize()
    def an_empty_library(self) -> None:
        self.past = [LibraryState()]

    @rule(operations=OPERATIONS)
    def a_revision(self, operations: tuple[Operation, ...]) -> None:
        last = self.draft
        self.draft = drafted(dict(last.experiences), deepcopy(last.citations), last.next_number, len(self.past))
        self.draft.apply(operations)
        after = deepcopy(self.past[-1])
        after.follow(self.draft.changes)
        self.past.append(after)

    @rule(place=st.integers(0, 100))
    def a_way_back(self, place: int) -> None:
        number = place % len(self.past)
        self.a_revision(revert_operations(self.past[number], self.past[-1], number))
        assert self.draft.refusals == []
        assert served(self.past[-1]) == served(self.past[number])
        assert revert_operations(self.past[number], self.past[-1], number) == ()

    @invariant()
    def following_the_changes_gives_the_library_with_its_evidence(self) -> None:
        if self.past:
            now = self.past[-1]
            assert now.experiences == self.draft.experiences
            assert {name: cited for name, cited in now.citations.items() if cited} == {
                name: cited for name, cited in self.draft.citations.items() if cited
            }

    @invariant()
    def no_text_comes_back_under_a_version_that_it_had_not(self) -> None:
        texts: dict[tuple[str, int], str] = {}
        for standing in self.past:
            for known in standing.experiences.values():
                assert texts.setdefault((known.id, known.version), known.content) == known.content


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=80, stateful_step_count=15, deadline=None)


def test_one_experience_can_be_put_back_by_itself_with_its_evidence() -> None:
    draft = drafted()
    draft.apply((adding("When a, do b.", "t0", "t2"), adding("When c, do d.")))
    then = LibraryState()
    then.follow(draft.changes)
    later = drafted(dict(draft.experiences), deepcopy(draft.citations), draft.next_number, 2)
    later.apply(
        (
            Operation("MODIFY", "why", target="e1", content="When x, do y.", citations=(Citation("t4", "against"),)),
            Operation("DELETE", "why", target="e2"),
        )
    )
    back = drafted(dict(later.experiences), deepcopy(later.citations), later.next_number, 3)
    back.apply((restore_operations(then, "e1", 1),))
    restored, other = back.experiences["e1"], back.experiences["e2"]
    assert (restored.content, restored.version, restored.updated_revision) == ("When a, do b.", 3, 3)
    assert restored.support == draft.experiences["e1"].support
    assert back.restored == {"e1"}
    assert other.status == "retired"


def test_a_retired_experience_comes_back_only_where_there_is_room() -> None:
    draft = drafted(capacity=1)
    draft.apply((adding("When a, do b."),))
    then = LibraryState()
    then.follow(draft.changes)
    draft.apply((Operation("DELETE", "why", target="e1"), adding("When c, do d.")))
    draft.apply((restore_operations(then, "e1", 1),))
    assert [refusal.reason for refusal in draft.refusals] == ["the library is full: 1 of at most 1 experience"]
