"""Arguments as clients and models really send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp.types import Tool, ToolAnnotations
from results import text_of

from explib.settings.program import Settings
from explib.storage.store import Store, open_store
from explib_server.mcp.schemas import Parameters
from explib_server.mcp.server import build_server

TEXTS = ("answer", "ground_truth", "feedback", "group", "agent", "model", "idempotency_key")
JSON_TEXTS = ('{"total": 5}', '["a", "b"]', "null", "5", "true", '"quoted"', "{", "[1,")
NAMES = ("task", "library", "limit")


async def called(tool: str, arguments: dict[str, object], tools: str = "agent") -> tuple[bool, str]:
    async with Client(build_server(Settings(), "off", "all" if tools == "all" else "agent")) as client:
        answer = await client.call_tool(tool, arguments)
        return not answer.is_error, text_of(answer)


@pytest.mark.parametrize("name", TEXTS)
async def test_a_text_that_happens_to_be_json_is_stored_as_it_is(name: str, url: str) -> None:
    async with Client(build_server(Settings(), "off")) as client:
        for number, value in enumerate(JSON_TEXTS):
            arguments = {"task": "Answer as JSON.", "trajectory": f"step {number} {name}", name: value}
            answer = await client.call_tool("submit_trajectory", arguments)
            assert not answer.is_error, text_of(answer)
            if name == "answer":
                async with open_store(url) as store:
                    assert await stored_answer(store, str((answer.structured_content or {})["trajectory_id"])) == value


async def stored_answer(store: Store, trajectory_id: str) -> str | None:
    [attempt] = await store.trajectories.heads(await store.libraries.get("default"), [trajectory_id])
    return attempt.answer


@pytest.mark.parametrize("empty", ["", None])
async def test_an_empty_argument_that_may_be_left_out_is_left_out(empty: str | None) -> None:
    optional = dict.fromkeys((*TEXTS, "library", "retrieval_id", "reward"), empty)
    worked, text = await called("submit_trajectory", {"task": "t", "trajectory": "did it", **optional})
    assert worked, text
    worked, text = await called("get_experiences", {"task": "t", "library": empty, "limit": empty})
    assert worked, text
    worked, text = await called("list_experiences", {"library": empty, "status": empty, "after": empty}, "all")
    assert worked, text


async def test_an_empty_argument_that_is_needed_is_refused() -> None:
    worked, text = await called("get_experiences", {"task": ""})
    assert not worked
    assert "task" in text


async def test_arguments_that_a_client_adds_are_ignored_and_those_that_may_be_meant_are_named() -> None:
    added = {"toolCallId": "call_1", "sessionId": "s", "action": "sendMessage", "chatInput": "hi", "_meta_x": {"a": 1}}
    worked, text = await called("get_experiences", {"task": "t", **added})
    assert worked
    assert "Ignored" not in text
    worked, text = await called("get_experiences", {"task": "t", "verbose": True})
    assert worked
    assert "Ignored unknown arguments: verbose." in text


async def test_a_misspelt_argument_is_refused_with_the_right_name() -> None:
    worked, text = await called("submit_trajectory", {"task": "t", "trajectory": "x", "rewards": 1.0})
    assert not worked
    assert text == "There is no argument 'rewards': did you mean 'reward'?"


async def test_a_change_of_a_library_takes_no_argument_that_it_does_not_know() -> None:
    worked, text = await called("retire_experience", {"id": "e1", "dry_run": True}, "all")
    assert not worked
    assert text.startswith("There is no argument 'dry_run': it takes id, reason, expected_version, library.")


@given(st.dictionaries(st.sampled_from([*NAMES, "_x", "zzz", "chatInput"]), st.sampled_from(["", None, "a", 1, {}])))
def test_what_is_taken_and_what_is_ignored_are_all_arguments_once(arguments: dict[str, object]) -> None:
    schema = {"properties": {name: {} for name in NAMES}, "required": ["task"]}
    parameters = Parameters.of(Tool(name="t", input_schema=schema, annotations=ToolAnnotations(read_only_hint=True)))
    taken, ignored = parameters.taken(arguments), parameters.ignored(arguments)
    empty = {name for name in NAMES[1:] if name in arguments and arguments[name] in ("", None)}
    assert {*taken, *ignored, *empty} == {*arguments}
    assert not {*taken} & {*ignored}
