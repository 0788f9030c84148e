from __future__ import annotations

from dataclasses import replace

import pytest
from learner.model_cases import (
    LESSON,
    MemoryRecords,
    analyst_on,
    batch_of,
    changes,
    experience,
    lesson,
    lessons,
    winner_and_loser,
)
from learner.scripted_endpoint import Asked, Reply, says, text_of

from explib.models.groups import GradedGroup
from explib.models.json_value import Json
from explib.models.libraries import LibrarySettings
from explib.models.revisions import Citation, Operation
from explib.models.trajectories import Step


def add(content: str, group: str = "g1") -> Operation:
    return Operation(
        "ADD", "because", content, citations=(Citation(f"{group}-won", "for"), Citation(f"{group}-lost", "for"))
    )


ONE = add("When a customer cancels, check the fare rules first.", "g1")
TWO = add("When asked to cancel, read what the fare allows before acting.", "g2")
BOTH = batch_of(winner_and_loser("g1"), winner_and_loser("g2"))


async def test_a_single_proposal_is_not_consolidated() -> None:
    async with analyst_on([]) as (analyst, server):
        assert (await analyst.consolidate(BOTH, (ONE,))).operations == (ONE,)
        assert (await analyst.consolidate(BOTH, ())).operations == ()
    assert server.asked == []


async def test_merged_proposals_keep_the_evidence_of_all() -> None:
    merged: dict[str, Json] = {
        "action": "ADD",
        "proposals": ["P1", "P2"],
        "ids": [],
        "content": LESSON,
        "reason": "same",
    }
    async with analyst_on([changes(merged)]) as (analyst, server):
        analysis = await analyst.consolidate(BOTH, (ONE, TWO))
    (operation,) = analysis.operations
    assert operation.content == LESSON
    assert operation.citations == (*ONE.citations, *TWO.citations)
    assert "P1 ADD (for 2 in 1 group, against 0)" in text_of(server.asked[0])


async def test_a_proposal_that_the_model_does_not_mention_stays() -> None:
    async with analyst_on([changes({"action": "DROP", "proposals": ["P2"], "reason": "weak"})]) as (analyst, _):
        analysis = await analyst.consolidate(BOTH, (ONE, TWO))
    assert analysis.operations == (ONE,)
    assert [(each.operation, each.reason) for each in analysis.refusals] == [(TWO, "left out in consolidation: weak")]


async def test_proposals_that_say_the_same_become_one_without_a_call() -> None:
    same = replace(TWO, content=ONE.content)
    async with analyst_on([]) as (analyst, _):
        analysis = await analyst.consolidate(BOTH, (ONE, same))
    assert analysis.operations == (replace(ONE, citations=(*ONE.citations, *TWO.citations)),)
    assert "its citations were added" in analysis.refusals[0].reason


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "ADD", "proposals": ["P9"], "content": LESSON},
        {"action": "ADD", "proposals": [], "content": LESSON},
        {"action": "MODIFY", "proposals": ["P1"], "ids": ["e9"], "content": LESSON},
        {"action": "DELETE", "proposals": [], "ids": ["e1"]},
        {"action": "MERGE", "proposals": [], "ids": ["e1"], "content": LESSON},
        {"action": "ADD", "proposals": ["P1", "P2"], "content": ""},
    ],
)
async def test_a_change_out_of_nothing_is_sent_back(wrong: dict[str, Json]) -> None:
    batch = replace(BOTH, experiences=(experience("e1", "When unsure, ask."),))
    async with analyst_on([changes(wrong), changes()]) as (analyst, server):
        analysis = await analyst.consolidate(batch, (ONE, TWO))
    assert analysis.operations == (ONE, TWO)
    assert len(server.asked) == 2


async def test_a_refused_merging_leaves_the_proposals_as_they_were() -> None:
    merged: dict[str, Json] = {
        "action": "ADD",
        "proposals": ["P1", "P2"],
        "content": "When so, " + "word " * 40,
        "reason": "same",
    }
    async with analyst_on([changes(merged)]) as (analyst, _):
        analysis = await analyst.consolidate(BOTH, (ONE, TWO))
    assert analysis.operations == (ONE, TWO)
    assert "42 words" in analysis.refusals[0].reason


async def test_two_changes_of_one_lesson_do_not_both_stand() -> None:
    known = experience("e1", "When unsure, ask.")
    one = replace(ONE, kind="MODIFY", target="e1")
    two = replace(TWO, kind="MODIFY", target="e1")
    async with analyst_on([changes()]) as (analyst, _):
        analysis = await analyst.consolidate(replace(BOTH, experiences=(known,)), (one, two))
    assert analysis.operations == (one,)
    assert "e1 is changed by another operation" in analysis.refusals[0].reason


async def test_lessons_are_merged_and_the_first_id_survives() -> None:
    known = (experience("e1", "When unsure, ask."), experience("e2", "When in doubt, put a question."))
    merged: dict[str, Json] = {
        "action": "MERGE",
        "ids": ["e2", "e1"],
        "content": "When unsure, ask the customer first.",
        "reason": "r",
    }
    async with analyst_on([changes(merged)]) as (analyst, _):
        analysis = await analyst.consolidate(replace(BOTH, experiences=known), (ONE, TWO))
    first, *rest = analysis.operations
    assert (first.kind, first.target, first.merged) == ("MERGE", "e2", ("e1",))
    assert rest == [ONE, TWO]


async def test_a_library_over_its_limit_is_asked_about_and_never_overfilled() -> None:
    full = replace(BOTH, experiences=(experience("e1", "When unsure, ask."),))
    settings = LibrarySettings(max_experiences=1)
    full = replace(full, library=replace(full.library, settings=settings))
    async with analyst_on([changes()]) as (analyst, _):
        analysis = await analyst.consolidate(full, (ONE,))
    assert analysis.operations == ()
    assert "the library is full (1 experience)" in analysis.refusals[0].reason
    deletion: dict[str, Json] = {"action": "DELETE", "ids": ["e1"], "reason": "least evidence"}
    async with analyst_on([changes(deletion)]) as (analyst, _):
        analysis = await analyst.consolidate(full, (ONE,))
    assert [operation.kind for operation in analysis.operations] == ["DELETE", "ADD"]


async def test_a_failed_consolidation_sends_the_groups_back_and_nothing_is_bought_twice() -> None:
    records = MemoryRecords()

    def first(asked: Asked) -> Reply:
        if "fit new proposals" in text_of(asked):
            return says("no")
        other = "fare" if "g1" in text_of(asked) else "tool"
        return lessons(lesson(f"When a customer wants it, check the {other} first."))

    groups = (graded_with_mark("g1"), graded_with_mark("g2"))
    async with analyst_on(first, records) as (analyst, _):
        proposed = await analyst.advantages(batch_of(*groups))
        failed = await analyst.consolidate(batch_of(*groups), proposed.operations)
    assert [(failure.group_id, failure.retry, failure.counts) for failure in failed.failures] == [
        ("g1", True, True),
        ("g2", True, True),
    ]
    again = tuple(replace(group, group=replace(group.group, tries=1)) for group in groups)
    async with analyst_on([changes()], records) as (analyst, server):
        proposed = await analyst.advantages(batch_of(*again))
        analysis = await analyst.consolidate(batch_of(*again), proposed.operations)
    assert analysis.operations == proposed.operations
    assert len(server.asked) == 1


def graded_with_mark(group: str) -> GradedGroup:
    pair = winner_and_loser(group)
    return replace(
        pair, attempts=tuple(replace(each, steps=(*each.steps, Step("tool", group))) for each in pair.attempts)
    )
