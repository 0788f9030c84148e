from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from explib.models.experiences import Experience, Support
from explib.models.groups import GradedGroup, Group
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Citation, Operation
from explib.models.trajectories import Attempt, Step, ToolCall, Trajectory
from explib_learner.analyst import Analyst, Batch
from explib_learner.contrast.analyst import ContrastAnalyst
from explib_learner.contrast.findings import MAX_SUGGESTIVE, MAX_SUPPORTED, sample, select, survey

LIBRARY = Library(1, "shop", LibrarySettings(), 0, 0.0)
LOOK_UP = "When you call order, call look_up before it."


def attempt(group: str, number: int, reward: float, *tools: str) -> Attempt:
    steps = [Step("user", "order it")]
    for at, tool in enumerate(tools):
        steps.append(Step("assistant", "", (ToolCall(f"c{at}", tool, {"n": at}),)))
        steps.append(Step("tool", "ok", answers_call=f"c{at}"))
    steps.append(Step("assistant", "All of it is done now."))
    return Attempt(Trajectory(f"{group}-{number}", group, "order it", reward), tuple(steps))


def group(name: str, *attempts: tuple[float, str]) -> GradedGroup:
    made = tuple(attempt(name, at, reward, *tools.split()) for at, (reward, tools) in enumerate(attempts))
    return GradedGroup(Group(name, name, "order it", "ready", "", len(made), len(made), 1), made)


def shop(groups: int, name: str = "g") -> tuple[GradedGroup, ...]:
    """In every group two winners look up before they order, two losers order at once."""
    return tuple(
        group(f"{name}{at}", (1.0, "look_up order"), (1.0, "look_up order"), (0.0, "order"), (0.0, "order"))
        for at in range(groups)
    )


def opposite(groups: int, name: str = "o") -> tuple[GradedGroup, ...]:
    return tuple(
        group(f"{name}{at}", (0.0, "look_up order"), (0.0, "look_up order"), (1.0, "order"), (1.0, "order"))
        for at in range(groups)
    )


def batch(groups: tuple[GradedGroup, ...], experiences: Iterable[Experience] = (), library: Library = LIBRARY) -> Batch:
    return Batch(library, tuple(experiences), groups, groups)


def applied(operations: Iterable[Operation]) -> list[Experience]:
    """What a library would hold after these additions."""
    return [
        Experience(
            id=f"E{at}",
            content=operation.content or "",
            status=operation.status or "active",
            version=1,
            analyst="contrast",
            support=Support(note=operation.note),
            created_revision=1,
            updated_revision=1,
        )
        for at, operation in enumerate(operations)
        if operation.kind == "ADD"
    ]


async def operations(given: Batch) -> tuple[Operation, ...]:
    return (await ContrastAnalyst().advantages(given)).operations


def test_it_is_an_analyst_without_a_model() -> None:
    analyst: Analyst = ContrastAnalyst()
    assert (analyst.name, analyst.model) == ("contrast", None)


async def test_a_tool_that_only_winners_call_is_supported() -> None:
    (added,) = await operations(batch(shop(5)))
    assert (added.kind, added.status, added.content) == ("ADD", "active", LOOK_UP)
    assert "10 of 10 winners did as it says, 0 of 10 losers did" in added.reason
    assert "statistics, not a model" in added.reason
    assert "supported" in added.note


async def test_the_note_says_what_was_tested_and_that_it_is_no_model() -> None:
    analysis = await ContrastAnalyst().advantages(batch(shop(5)))
    assert "over 5 groups with 10 winners and 10 losers" in analysis.note
    assert "statistics, not a model" in analysis.note
    assert analysis.cost.tokens == 0


async def test_events_with_the_same_split_are_one_test_and_one_lesson() -> None:
    found = survey(shop(5))
    assert found.tested == 1
    assert found.events > 5
    assert len(select(found)) == 1


async def test_what_is_only_suggestive_is_a_candidate_that_says_so() -> None:
    rng = random.Random(3)
    tools = [f"tool_{number}" for number in range(12)]
    noisy = tuple(
        group(
            f"g{at}",
            *(
                (reward, " ".join([*rng.sample(tools, 5), *(["look_up"] if did else []), "order"]))
                for reward, did in [(1.0, True), (1.0, at < 2), (0.0, False), (0.0, at >= 2)]
            ),
        )
        for at in range(7)
    )
    proposed = await operations(batch(noisy))
    candidates = [operation for operation in proposed if operation.status == "candidate"]
    assert candidates
    assert len(candidates) <= MAX_SUGGESTIVE
    assert all("only suggestive" in operation.reason for operation in candidates)


async def test_one_group_alone_claims_nothing() -> None:
    assert await operations(batch(shop(1))) == ()


async def test_groups_without_contrast_claim_nothing() -> None:
    same = tuple(group(f"s{at}", (1.0, "look_up order"), (1.0, "order")) for at in range(9))
    analysis = await ContrastAnalyst().advantages(batch(same))
    assert analysis.operations == ()
    assert "0 groups" in analysis.note


async def test_an_empty_library_claims_nothing() -> None:
    assert await operations(batch(())) == ()


async def test_a_tool_that_only_losers_call_is_advised_against() -> None:
    groups = tuple(
        group(f"g{at}", (1.0, "order"), (1.0, "order"), (0.0, "guess order"), (0.0, "guess order")) for at in range(5)
    )
    (added,) = await operations(batch(groups))
    assert added.content == "When guess is available, finish without calling it."


async def test_graded_rewards_are_learned_from_too() -> None:
    groups = tuple(
        group(f"g{at}", (0.9, "look_up order"), (0.7, "look_up order"), (0.3 + at / 100, "order"), (0.1, "order"))
        for at in range(6)
    )
    (added,) = await operations(batch(groups))
    assert (added.content, added.status) == (LOOK_UP, "active")


async def test_every_citation_says_for_or_against_as_the_reward_has_it() -> None:
    odd = group("odd", (1.0, "order"), (0.0, "look_up order"), (0.5, "order"), (0.5, "look_up order"))
    (added,) = await operations(batch((*shop(6), odd)))
    cited = {citation.trajectory_id: citation.stance for citation in added.citations}
    assert (cited["g0-0"], cited["g0-2"]) == ("for", "for")
    assert (cited["odd-0"], cited["odd-1"]) == ("against", "against")
    assert "odd-2" not in cited, "at the mean: neither a winner nor a loser"


async def test_the_same_data_again_change_nothing() -> None:
    first = await operations(batch(shop(5)))
    assert await operations(batch(shop(5), applied(first))) == ()


async def test_random_worlds_settle_after_one_run() -> None:
    for seed in range(5):
        rng = random.Random(seed)
        tools = [f"tool_{number}" for number in range(6)]
        groups = tuple(
            group(f"g{at}", *((float(rng.random() < 0.5), " ".join(rng.choices(tools, k=4))) for _ in range(5)))
            for at in range(10)
        )
        first = await operations(batch(groups))
        assert await operations(batch(groups, applied(first))) == ()


async def test_the_order_of_groups_does_not_matter() -> None:
    groups = (*shop(4), *opposite(1))
    assert await operations(batch(groups)) == await operations(batch(tuple(reversed(groups))))


async def test_later_data_of_the_same_kind_keep_a_lesson_with_new_counts() -> None:
    known = applied(await operations(batch(shop(5))))
    (kept,) = await operations(batch(shop(6), known))
    assert (kept.kind, kept.target, kept.status) == ("KEEP", known[0].id, "active")
    assert "12 of 12 winners" in kept.note


async def test_later_data_promote_a_candidate() -> None:
    candidate = Experience("E1", LOOK_UP, "candidate", 1, "contrast", Support(), 1, 1)
    (modified,) = await operations(batch(shop(6), [candidate]))
    assert (modified.kind, modified.target, modified.content) == ("MODIFY", "E1", LOOK_UP)
    assert modified.status == "active"


async def test_later_data_refute_a_lesson() -> None:
    lesson = Experience("E1", LOOK_UP, "active", 1, "contrast", Support(), 1, 1)
    (deleted,) = await operations(batch((*shop(3), *opposite(3)), [lesson]))
    assert (deleted.kind, deleted.target) == ("DELETE", "E1")
    assert "do not bear it out" in deleted.reason


async def test_data_that_point_the_other_way_refute_a_lesson_and_teach_the_opposite() -> None:
    lesson = Experience("E1", LOOK_UP, "active", 1, "contrast", Support(), 1, 1)
    deleted, added = await operations(batch(opposite(6), [lesson]))
    assert (deleted.kind, deleted.target) == ("DELETE", "E1")
    assert "0 of 12 winners did as it says, 12 of 12 losers did" in deleted.reason
    assert added.content == "When look_up is available, finish without calling it."


async def test_lessons_of_others_are_left_alone() -> None:
    theirs = Experience("E1", LOOK_UP, "active", 1, "model", Support(), 1, 1)
    assert await operations(batch((*shop(3), *opposite(3)), [theirs])) == ()


async def test_what_another_analyst_says_already_is_not_said_again() -> None:
    theirs = Experience(
        "E1", "When you call `order`, call `look_up` first, before it", "active", 1, "model", Support(), 1, 1
    )
    named = replace(theirs, content="When you call order, call look_up before it")
    assert await operations(batch(shop(5), [named])) == ()


async def test_an_echo_of_a_stronger_finding_is_not_a_second_lesson() -> None:
    """`verify` mostly comes with `look_up`; among attempts alike in `look_up` it makes no difference."""
    groups = tuple(
        group(
            f"g{at}",
            (1.0, "look_up verify order"),
            (1.0, "look_up verify order" if at % 3 else "look_up order"),
            (0.0, "order"),
            (0.0, "order" if at % 4 else "verify order"),
        )
        for at in range(12)
    )
    (added,) = await operations(batch(groups))
    assert added.content is not None
    assert "look_up" in added.content


def test_a_run_claims_no_more_than_its_limits() -> None:
    rng = random.Random(1)
    tools = [f"tool_{number}" for number in range(9)]
    groups = tuple(
        group(
            f"g{at}",
            *((sum(tool in chosen for tool in tools) / 9, " ".join([*chosen, "order"])) for chosen in draws),
        )
        for at in range(60)
        for draws in [[[tool for tool in tools if rng.random() < 0.5] for _ in range(6)]]
    )
    chosen = select(survey(groups))
    assert sum(finding.standing == "supported" for finding in chosen) == MAX_SUPPORTED
    assert sum(finding.standing == "suggestive" for finding in chosen) <= MAX_SUGGESTIVE


def test_ungraded_attempts_are_not_looked_at() -> None:
    graded = shop(2)[0]
    open_one = replace(graded.attempts[0], trajectory=replace(graded.attempts[0].trajectory, id="x", reward=None))
    assert len(sample([replace(graded, attempts=(*graded.attempts, open_one))]).attempts) == 4


async def test_consolidate_keeps_one_operation_for_each_split_and_target() -> None:
    cited = (Citation("a", "for"), Citation("b", "against"))
    first = Operation("ADD", "r", content="When a, b.", citations=cited)
    synonym = Operation("ADD", "r", content="When c, d.", citations=tuple(reversed(cited)))
    other = Operation("ADD", "r", content="When e, f.", citations=cited[:1])
    delete, again = Operation("DELETE", "r", target="E1"), Operation("KEEP", "r", target="E1")
    analysis = await ContrastAnalyst().consolidate(batch(()), (first, synonym, other, delete, again))
    assert analysis.operations == (first, other, delete)
    assert [refusal.operation for refusal in analysis.refusals] == [synonym, again]


async def test_consolidate_refuses_what_the_library_says_already() -> None:
    known = Experience("E1", LOOK_UP, "active", 1, "model", Support(), 1, 1)
    analysis = await ContrastAnalyst().consolidate(batch((), [known]), (Operation("ADD", "r", content=LOOK_UP),))
    assert analysis.operations == ()
    assert "E1" in analysis.refusals[0].reason
