"""The batch that agents work at: nothing that was answered is lost to what happens meanwhile."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from clock import Clock
from learner.model_cases import decision
from sqlalchemy import delete

from explib.errors import UnknownAnalysis
from explib.models.json_value import Json
from explib.models.learning import AnalysisStep
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store
from explib.storage.tables.learning import model_calls
from explib_learner.agent.loop import BATCH_GROUPS, STEP_SECONDS, AgentLearning, AnswerResult, NextStep
from explib_learner.model.asker import ModelSettings
from explib_learner.pipeline import BACKOFF_SECONDS, MAX_TRIES
from explib_learner.worker import lease_name

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
START = 1_000_000.0


def learning(store: Store) -> AgentLearning:
    return AgentLearning(store, lambda library: ModelSettings(f"agent {library.id}"), 30.0, None)


@asynccontextmanager
async def opened(url: str, clock: Clock) -> AsyncIterator[tuple[Store, AgentLearning, Library]]:
    async with open_store(url, clock) as store:
        yield store, learning(store), await store.libraries.ensure("default", LibrarySettings())


async def submit(store: Store, library: Library, *topics: str, reward: float | None = None) -> None:
    for topic in topics:
        for each in (1.0, 0.0) if reward is None else (reward,):
            said = Step("assistant", f"{'checked the rules' if each else 'went ahead'} with {topic} for {each}")
            await store.trajectories.submit(library, Submission(f"handle {topic}", (said,), reward=each))


def about(step: AnalysisStep) -> str:
    """What the step's task is about."""
    return step.messages[1][1].split("handle ")[1].split("\n")[0]


def good(step: AnalysisStep) -> str:
    """The rules decide; how the others handled another topic cannot be told."""
    if step.form == "codes":
        return json.dumps({"codes": [f"{label} D1?" for label in re.findall(r'of="(A\d+)"', step.messages[1][1])]})
    if step.form == "points":
        return json.dumps({"points": []})
    topic = about(step)
    options: Json = [
        {"does": f"check the rules of {topic} first", "attempts": ["A1"]},
        {"does": f"go ahead with {topic} at once", "attempts": ["A2"]},
    ]
    lesson = f"When {topic} are at hand, check the rules of {topic} first."
    return json.dumps({"decisions": [decision(lesson, situation=f"{topic} are at hand", options=options)]})


async def taken(agents: AgentLearning, library: Library, who: str = "one") -> AnalysisStep:
    handed = await agents.next(library, who)
    assert handed.step is not None, handed
    return handed.step


async def answered(agents: AgentLearning, library: Library, step: AnalysisStep, who: str = "one") -> AnswerResult:
    return await agents.answer(library, step, good(step), who)


async def to_the_end(agents: AgentLearning, library: Library) -> NextStep:
    while (handed := await agents.next(library, "one")).step is not None:
        await answered(agents, library, handed.step)
    return handed


async def contents(store: Store, library: Library) -> list[str]:
    """What the agents' lessons are about; the grammar's begin with "When you"."""
    words = (known.content.split()[1] for known in await store.revisions.experiences(library))
    return sorted(word for word in words if word != "you")


async def test_a_step_that_nobody_answers_comes_back_after_its_lease(url: str) -> None:
    clock = Clock()
    async with opened(url, clock) as (store, agents, library):
        await submit(store, library, "refunds")
        step = await taken(agents, library, "one")
        waiting = await agents.next(library, "two")
        assert (waiting.step, waiting.remaining, waiting.retry_after) == (None, 1, STEP_SECONDS)
        clock.now += STEP_SECONDS + 1
        again = await taken(agents, library, "two")
        assert (again.id, again.holder) == (step.id, "two")


async def test_a_step_that_was_handed_out_can_be_seen_once_more(url: str) -> None:
    clock = Clock()
    async with opened(url, clock) as (store, agents, library):
        await submit(store, library, "refunds")
        step = await taken(agents, library)
        clock.now += STEP_SECONDS - 1
        again = await agents.reissue(library, step, "one")
        assert again.step is not None
        assert (again.step.id, again.step.leased_until) == (step.id, clock.now + STEP_SECONDS)
        await answered(agents, library, step)
        with pytest.raises(UnknownAnalysis):
            await agents.reissue(library, step, "one")


async def test_a_late_answer_is_welcome_unless_somebody_was_faster(url: str) -> None:
    clock = Clock()
    async with opened(url, clock) as (store, agents, library):
        await submit(store, library, "refunds", "returns")
        first, second = await taken(agents, library), await taken(agents, library)
        clock.now += STEP_SECONDS + 1
        assert (await answered(agents, library, first, "late")).accepted
        again = await taken(agents, library, "two")
        assert again.id == second.id
        assert (await answered(agents, library, again, "two")).accepted
        other = await agents.answer(library, second, json.dumps({"decisions": []}), "late")
        assert not other.accepted
        assert other.problem == "two had answered this step before"
        await to_the_end(agents, library)
        [known, _] = await store.revisions.experiences(library)
        assert known.model == "late, one, two"


async def test_no_try_is_counted_and_nothing_is_postponed_while_answers_are_awaited(url: str) -> None:
    async with opened(url, Clock()) as (store, agents, library):
        await submit(store, library, "refunds")
        for _ in range(MAX_TRIES + 2):
            await agents.next(library, "one")
        [group] = await store.groups.all(library)
        assert (group.state, group.tries, group.not_before) == ("ready", 0, 0.0)
        assert await store.leases.holder(lease_name(library)) is None


async def test_groups_that_become_ready_meanwhile_wait_for_the_next_batch(url: str) -> None:
    async with opened(url, Clock()) as (store, agents, library):
        await submit(store, library, "refunds", "returns")
        one, two = await taken(agents, library), await taken(agents, library)
        await answered(agents, library, one)
        await submit(store, library, "invoices")
        await answered(agents, library, two)
        coding = await taken(agents, library)
        assert coding.form == "codes"
        assert "invoices" not in coding.messages[1][1]
        assert (await answered(agents, library, coding)).run is not None
        assert about(await taken(agents, library)) == "invoices"


async def test_a_batch_is_at_most_so_many_groups(url: str) -> None:
    async with opened(url, Clock()) as (store, agents, library):
        await submit(store, library, *(f"topic{chr(97 + number)}" for number in range(BATCH_GROUPS + 1)))
        handed = await agents.next(library, "one")
        assert (handed.step is None, handed.remaining) == (False, BATCH_GROUPS)
        if handed.step is not None:
            await answered(agents, library, handed.step)
        await to_the_end(agents, library)
        assert len(await contents(store, library)) == BATCH_GROUPS + 1


async def test_what_a_person_changes_meanwhile_makes_no_answer_worthless(url: str) -> None:
    async with opened(url, Clock()) as (store, agents, library):
        await submit(store, library, "refunds", "returns")
        one, two = await taken(agents, library), await taken(agents, library)
        await answered(agents, library, one)
        current = await store.libraries.get("default")
        by_hand = Operation("ADD", "known", content="When in doubt, ask.")
        await store.revisions.commit(Proposal(current, "by hand", "somebody", "person", (by_hand,)))
        await answered(agents, library, two)
        await to_the_end(agents, library)
        assert await contents(store, library) == ["in", "refunds", "returns"]
        assert (await store.libraries.get("default")).revision == 2


async def test_a_group_that_is_graded_again_leaves_the_batch_and_is_asked_anew(url: str) -> None:
    async with opened(url, Clock()) as (store, agents, library):
        await submit(store, library, "refunds", "returns")
        steps = [await taken(agents, library), await taken(agents, library)]
        refunds = next(step for step in steps if about(step) == "refunds")
        returns = next(step for step in steps if about(step) == "returns")
        await answered(agents, library, returns)
        await submit(store, library, "refunds", reward=0.5)
        while (anew := await taken(agents, library)).form == "codes":
            await answered(agents, library, anew)
        assert about(anew) == "refunds"
        assert anew.id != refunds.id
        assert await contents(store, library) == ["returns"]
        with pytest.raises(UnknownAnalysis):
            await answered(agents, library, refunds)
        await answered(agents, library, anew)
        await to_the_end(agents, library)
        assert await contents(store, library) == ["refunds", "returns"]


async def test_answers_survive_every_server_and_are_asked_once(url: str) -> None:
    clock = Clock()
    seen: list[str] = []
    for _ in range(20):
        async with opened(url, clock) as (store, agents, library):
            if not await store.groups.all(library):
                await submit(store, library, "refunds", "returns", "invoices")
            step = (await agents.next(library, "one")).step
            if step is None:
                break
            seen.append(step.request_hash)
            await answered(agents, library, step)
    assert len(seen) == len(set(seen)) == 4
    async with opened(url, clock) as (store, _, library):
        assert await contents(store, library) == ["invoices", "refunds", "returns"]


async def test_many_servers_at_once_commit_each_group_once(url: str) -> None:
    topics = [f"topic{chr(97 + number)}" for number in range(BATCH_GROUPS + 1)]
    clock = Clock()
    async with opened(url, clock) as (store, agents, library), opened(url, clock) as (_, others, _):
        await submit(store, library, *topics)

        async def work(at: AgentLearning, who: str) -> None:
            while True:
                handed = await at.next(library, who)
                if handed.step is not None:
                    await answered(at, library, handed.step, who)
                elif handed.retry_after is None:
                    return

        async with asyncio.timeout(60):
            await asyncio.gather(*(work(at, f"{name}") for name, at in enumerate((agents, others, agents, others))))
        assert await contents(store, library) == sorted(topics)
        groups = [group for revision in await store.revisions.history(library) for group in revision.groups]
        assert len(groups) == len(set(groups)) == len(topics)


async def test_a_failed_try_follows_the_rules_that_models_have(url: str) -> None:
    clock = Clock()
    async with opened(url, clock) as (store, agents, library):
        await submit(store, library, "refunds")
        asked: list[AnalysisStep] = []
        for tries in range(1, MAX_TRIES + 1):
            step: AnalysisStep | None = await taken(agents, library)
            while step is not None:
                asked.append(step)
                step = (await agents.answer(library, step, f"nonsense {len(asked)}", "one")).repair_step
            [group] = await store.groups.all(library)
            assert group.tries == tries
            assert "also after a repair" in group.reason
            clock.now += BACKOFF_SECONDS * 2**tries
        assert group.state == "dead"
        assert [step.step for step in asked] == ["contrast", "contrast repair"] * MAX_TRIES
        assert len({step.request_hash for step in asked}) == len(asked)


async def test_another_server_that_learns_is_waited_for_and_then_told(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explib_learner.agent.loop.PATIENCE_SECONDS", 0.0)
    async with opened(url, Clock()) as (store, agents, library):
        await submit(store, library, "refunds")
        lease = await store.leases.acquire(lease_name(library), "another", 60.0)
        assert lease is not None
        handed = await agents.next(library, "one")
        assert (handed.step, handed.remaining) == (None, 0)
        assert handed.retry_after
        await store.leases.release(lease)
        assert (await agents.next(library, "one")).step is not None


async def test_an_answer_that_somebody_deleted_is_asked_for_again(url: str) -> None:
    async with opened(url, Clock()) as (store, agents, library):
        await submit(store, library, "refunds", "returns")
        one, two = await taken(agents, library), await taken(agents, library)
        await answered(agents, library, one)
        await store.database.write(lambda connection: connection.execute(delete(model_calls)))
        await answered(agents, library, two)
        again = await taken(agents, library)
        assert (again.id, again.answered_by) == (one.id, None)
