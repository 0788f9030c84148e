"""A whole learning run with nothing but an MCP client: the attached agent is the analyst."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AbstractAsyncContextManager

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from results import lessons_of, structured, text_of
from scripted_agent import Agent, Asked, lesson_about, submit
from server.http_cases import client_with, http_server, make_library, make_token
from waiting import until

from explib.errors import UnknownAnalysis
from explib.models.json_value import Json
from explib.settings.program import Settings
from explib.storage.store import open_store
from explib.text.words import estimate_tokens
from explib_server.mcp.server import build_server

ERAS = ["legacy", "auto"]
TOPICS = ("parcels", "refunds", "invoices", "passwords", "holidays")
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def _agent_is_the_analyst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLIB_ANALYST", "agent")


def in_memory(mode: str = "auto") -> AbstractAsyncContextManager[Client]:
    return Client(build_server(Settings(), "inprocess", "all"), mode=mode)


def over_stdio(mode: str = "auto") -> AbstractAsyncContextManager[Client]:
    arguments = ["-m", "explib_server", "serve", "--tools", "all"]
    command = StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))
    return Client(stdio_client(command), mode=mode)


async def revisions_and_lessons(client: Client) -> tuple[Json, list[str]]:
    fetched = await client.call_tool("get_experiences", {"task": "Answer a question about parcels"})
    revision = structured(await client.call_tool("library_status", {}))["revision"]
    return revision, list(lessons_of(fetched).values())


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("connect", [in_memory, over_stdio], ids=["memory", "stdio"])
async def test_a_run_from_the_prompt_to_served_lessons_needs_only_a_client(connect: object, mode: str) -> None:
    async with asyncio.timeout(PATIENCE), in_memory(mode) if connect is in_memory else over_stdio(mode) as client:
        await submit(client, *TOPICS)
        said = (await client.get_prompt("learn", {})).model_dump_json()
        assert "next_analysis" in said
        assert "answer_analysis" in said
        agent = Agent(client)
        ended = await agent.learn()
        assert ended["state"] == "done"
        assert [answer["accepted"] for answer in agent.answered] == [True] * len(agent.asked)
        assert {step["step"] for step in agent.asked} == {"contrast", "points", "codes"}
        revision, lessons = await revisions_and_lessons(client)
        assert (revision, len(lessons)) == (2, len(TOPICS))
        status = structured(await client.call_tool("library_status", {}))
        assert status["groups"] == {"learned": len(TOPICS)}
        assert status["tokens_today"] == 0
        assert "nothing waits for an agent" in str(status["learner"])


async def test_what_was_learned_says_that_an_agent_learned_it_and_which() -> None:
    async with in_memory() as client:
        await submit(client, "parcels")
        await Agent(client).learn()
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.get("default")
        [known] = await store.revisions.experiences(library)
        revision = await store.revisions.get(library, 1)
        assert (known.analyst, known.model, known.support.supporting) == ("agent", "mcp", 4)
        assert (revision.cost.calls, revision.cost.tokens) == (1, 0)


async def test_two_agents_share_the_steps_and_do_none_twice() -> None:
    async with asyncio.timeout(PATIENCE), over_stdio() as one, over_stdio("legacy") as two:
        await submit(one, *TOPICS)
        agents = Agent(one), Agent(two)
        steps = [await agent.take() for agent in agents]
        assert [step["state"] for step in steps] == ["step", "step"]

        async def learned(agent: Agent, step: Asked) -> None:
            await agent.learn(step)
            await until(agent.done)

        await asyncio.gather(*map(learned, agents, steps))
        hashes = [(step["step"], step["input"]) for agent in agents for step in agent.asked]
        assert len(hashes) == len(set(hashes))
        _, lessons = await revisions_and_lessons(one)
        assert len(lessons) == len(TOPICS)
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.get("default")
        learned_groups = [group for each in await store.revisions.history(library) for group in each.groups]
        assert len(learned_groups) == len(set(learned_groups)) == len(TOPICS)


async def test_steps_are_kept_for_who_has_them_and_the_next_is_told_when_one_comes_back() -> None:
    async with in_memory() as one, in_memory() as two:
        await submit(one, "parcels", "refunds")
        first, second = await Agent(one).next(), await Agent(two).next()
        assert (first["state"], second["state"]) == ("step", "step")
        assert first["call_id"] != second["call_id"]
        assert (first["remaining"], second["remaining"]) == (2, 2)
        third = await Agent(two).next()
        assert third["state"] == "wait"
        assert 200 < float(str(third["wait_seconds"])) <= 300
        assert f"{first['call_id']} by mcp" in str(third["reason"])
        assert await Agent(one).next(call_id=str(first["call_id"])) == first
        status = structured(await one.call_tool("library_status", {}))
        assert "2 ready groups wait for an agent, 2 steps handed out (2 being answered)" in str(status["learner"])


async def test_a_broken_answer_is_told_what_is_wrong_and_corrected_once() -> None:
    async with in_memory() as client:
        await submit(client, "parcels")
        agent = Agent(client)
        step = await agent.next()
        broken = await agent.answer(step["call_id"], '{"decisions": [{"situation": "x", ')
        assert broken["accepted"] is False
        assert "JSON is broken" in str(broken["problem"])
        assert broken["call_id"] not in {None, step["call_id"]}
        mended = await agent.answer(broken["call_id"], lesson_about(step))
        assert (mended["accepted"], mended["learned"], mended["revision"]) == (True, 1, 1)
        assert any("ADD [e1]" in str(line) for line in list_of(mended["changes"]))


async def test_an_answer_that_is_broken_twice_is_a_failed_try_and_no_more() -> None:
    async with in_memory() as client:
        await submit(client, "parcels")
        agent = Agent(client, says=lambda _: "no json at all")
        ended = await agent.learn()
        assert ended["state"] == "done"
        assert [answer["accepted"] for answer in agent.answered] == [False, False]
        assert "also after a repair" in str(ended["reason"])
    async with open_store(Settings().database_url) as store:
        [group] = await store.groups.all(await store.libraries.get("default"))
        assert (group.state, group.tries) == ("ready", 1)
        assert group.not_before > group.tries


async def test_a_lesson_against_the_rewards_is_refused_with_its_reason() -> None:
    def turned_round(asked: Asked) -> Json:
        answer = lesson_about(asked)
        assert isinstance(answer, dict)
        assert isinstance(answer["decisions"], list)
        [decision] = answer["decisions"]
        assert isinstance(decision, dict)
        decision["better"] = "b"
        return answer

    async with in_memory() as client:
        await submit(client, "parcels")
        agent = Agent(client, says=turned_round)
        await agent.learn()
        assert agent.answered[-1]["learned"] == 1
        assert "refused ADD" in str(agent.answered[-1]["changes"])
        assert await revisions_and_lessons(client) == (0, [])


def list_of(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value


async def test_a_response_may_be_an_object_or_text_around_one() -> None:
    async with in_memory() as client:
        await submit(client, "parcels", "refunds")
        agent = Agent(client)
        one, two = await agent.next(), await agent.next()
        assert (await agent.answer(one["call_id"], lesson_about(one)))["accepted"] is True
        said = f"Here it is:\n```json\n{json.dumps(lesson_about(two))}\n```"
        assert (await agent.answer(two["call_id"], said))["accepted"] is True


async def test_an_unknown_call_id_is_a_clear_error() -> None:
    async with in_memory() as client:
        result = await client.call_tool("answer_analysis", {"call_id": "c_0", "response": {}})
    assert result.is_error
    assert "call next_analysis" in text_of(result)


async def test_the_same_answer_twice_is_taken_once_and_another_comes_too_late() -> None:
    async with in_memory() as client:
        await submit(client, "parcels", "refunds")
        agent = Agent(client)
        step = await agent.next()
        for _ in range(2):
            assert (await agent.answer(step["call_id"], lesson_about(step)))["accepted"] is True
        late = await agent.answer(step["call_id"], {"decisions": []})
        assert (late["accepted"], late["call_id"]) == (False, None)
        assert "had answered this step before" in str(late["problem"])


async def test_secrets_in_an_answer_are_not_stored() -> None:
    secret = "sk-ant-" + "api03-" + "a1B2c3D4" * 6
    async with in_memory() as client:
        await submit(client, "parcels")
        agent = Agent(client)
        step = await agent.next()
        answer = lesson_about(step)
        assert isinstance(answer, dict)
        answer["note"] = f"the winner used {secret}"
        assert (await agent.answer(step["call_id"], answer))["accepted"] is True
    async with open_store(Settings().database_url) as store, store.database.read() as connection:
        said = str((await connection.exec_driver_sql("SELECT response FROM model_calls")).all())
    assert "who looked won" in said
    assert secret not in said


async def test_no_result_is_longer_than_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLIB_MODEL_CONTEXT", "6000")
    async with in_memory() as client:
        for number in range(4):
            arguments = {
                "task": "Answer a question about parcels",
                "trajectory": [{"role": "assistant", "content": f"word{number} " * 20_000}],
                "reward": float(number % 2 == 0),
            }
            structured(await client.call_tool("submit_trajectory", arguments))
        seen: set[str] = set()

        def summarised(asked: Asked) -> Json:
            seen.add(str(asked["step"]))
            return {"decisions": []}

        agent = Agent(client)
        while True:
            result = await client.call_tool("next_analysis", {})
            step = structured(result)
            assert estimate_tokens(text_of(result)) <= 6_000
            if step["state"] != "step":
                break
            await agent.answer(step["call_id"], summarised(step))
        assert seen == {"contrast"}
        assert structured(await client.call_tool("library_status", {}))["groups"] == {"learned": 1}


async def test_answers_for_one_library_are_not_taken_for_another() -> None:
    async with open_store(Settings().database_url) as store:
        await store.libraries.ensure("other", Settings().library_defaults())
    async with in_memory() as client:
        for library in ("default", "other"):
            for number in range(2):
                arguments = {"task": "question about tea", "trajectory": f"look {number}", "reward": float(number)}
                structured(await client.call_tool("submit_trajectory", {**arguments, "library": library}))
        agent = Agent(client)
        ended = await agent.learn()
        assert "Groups are ready in other" in str(ended["reason"])
        assert (await agent.next(library="other"))["state"] == "step"


@pytest.mark.parametrize("tools", ["agent", "all"])
async def test_with_another_analyst_it_is_said_which_one_learns(monkeypatch: pytest.MonkeyPatch, tools: str) -> None:
    monkeypatch.setenv("EXPLIB_ANALYST", "contrast")
    async with Client(build_server(Settings(), "off", "all" if tools == "all" else "agent")) as client:
        said = (await client.get_prompt("learn", {})).model_dump_json()
        assert "EXPLIB_ANALYST=agent" in said
        if tools == "all":
            asked = await Agent(client).next()
            assert asked["state"] == "off"
            assert "contrast analyst" in str(asked["reason"])


async def test_without_the_tools_the_prompt_says_how_to_get_them() -> None:
    async with Client(build_server(Settings(), "off")) as client:
        assert "--tools learn" in (await client.get_prompt("learn", {})).model_dump_json()


async def test_learn_now_leaves_it_to_the_agent() -> None:
    async with in_memory() as client:
        result = await client.call_tool("learn_now", {})
    assert result.is_error
    assert "next_analysis" in text_of(result)


async def test_a_token_neither_sees_nor_answers_the_steps_of_other_libraries() -> None:
    await make_library("other", "When in doubt, ask.")
    own, other = await make_token("default"), await make_token("other")
    async with (
        http_server() as address,
        client_with(address, own) as client,
        client_with(address, other) as stranger,
    ):
        await submit(client, "parcels")
        step = await Agent(client).next()
        assert step["state"] == "step"
        assert (await Agent(stranger).next())["library"] == "other"
        for call_id in (step["call_id"], "c_0"):
            refused = await stranger.call_tool("answer_analysis", {"call_id": call_id, "response": {"decisions": []}})
            shown = await stranger.call_tool("next_analysis", {"call_id": call_id})
            for result in (refused, shown):
                assert result.is_error
                assert text_of(result).endswith(str(UnknownAnalysis()))
        assert (await Agent(client).answer(step["call_id"], lesson_about(step)))["learned"] == 1


async def test_two_clients_of_one_name_on_one_server_get_different_steps() -> None:
    async with http_server() as address, client_with(address, None) as one, client_with(address, None, "legacy") as two:
        await submit(one, "parcels", "refunds")
        agents = Agent(one), Agent(two)
        steps = await asyncio.gather(*(agent.next() for agent in (*agents, agents[0])))
        assert sorted(str(step["state"]) for step in steps) == ["step", "step", "wait"]
        assert len({step["call_id"] for step in steps}) == 3
