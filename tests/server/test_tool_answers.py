"""What models see of every tool's answer: some clients show the structured content, some the text, one of them both."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp import Client
from mcp.types import CallToolResult
from results import retrieval_of, structured, text_of

from explib.models.libraries import Library
from explib.models.revisions import Operation
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import open_store
from explib_server.auth.callers import LOCAL_USER, acting_as
from explib_server.mcp.server import build_server

LESSON = "When you call ship, call weigh before it."
OTHER = "When a parcel is heavy, ask for a second carrier."
CALLS: list[tuple[str, dict[str, object], list[str]]] = [
    ("get_experiences", {"task": "ship it"}, ["advice, not orders", f"[e1]. {LESSON}", "retrieval_id: r_"]),
    ("get_experiences", {"task": "ship it", "library": "empty"}, ["No experiences yet", "retrieval_id: r_"]),
    (
        "submit_trajectory",
        {"task": "ship it", "trajectory": "shipped", "reward": 1.0, "colour": "red"},
        ["trajectory_id", "t_", "group_size", "group_state", "redactions", "Ignored unknown arguments: colour."],
    ),
    ("report_reward", {"reward": 0.5}, ["trajectory_id", "t_", "group_state"]),
    ("library_status", {}, ["default", "waits_for", "learner", "uplift"]),
    ("list_experiences", {}, [LESSON, '"next":null']),
    ("add_experience", {"content": OTHER}, ["p1", OTHER, "waits for a person"]),
    ("edit_experience", {"id": "e1", "content": OTHER}, [OTHER, "waits for a person"]),
    ("retire_experience", {"id": "e1"}, ["waits for a person", LESSON]),
    ("vote_experience", {"id": "e1", "vote": "up"}, ['"up":1', "It is retired at 3"]),
    ("review_experience", {"id": "p1", "decision": "approve"}, ["p1", '"changed":["e2"]']),
    ("revert", {"revision": 1}, ['"reverted_to":1', '"experiences":1']),
    ("history", {}, ['"revision":1', LESSON]),
    ("list_libraries", {}, ["default"]),
    ("create_library", {"name": "third"}, ["third", '"created":true']),
    ("next_analysis", {}, ["Follow the instructions on the input", "call_id", "response_schema"]),
    ("answer_analysis", {"response": {"decisions": []}}, ['"accepted":true', "Call next_analysis"]),
]
"""Each tool, what it is called with, and what its answer has to say."""
BY_PEOPLE = {"review_experience", "revert"}


async def commit_lesson() -> Library:
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.ensure("default", Settings().library_defaults())
        await store.libraries.ensure("empty", Settings().library_defaults())
        lesson = Operation("ADD", "because", content=LESSON, status="active")
        await store.revisions.commit(Proposal(library, "by hand", "test", "contrast", (lesson,)))
        return library


@asynccontextmanager
async def connected(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    monkeypatch.setenv("EXPLIB_ANALYST", "agent")
    await commit_lesson()
    async with Client(build_server(Settings(), "off", "all")) as client:
        yield client


def views(result: CallToolResult) -> dict[str, str]:
    """What the model is shown: by Claude Code and Codex, by opencode, Gemini and Qwen, by Copilot."""
    text, data = text_of(result), result.structured_content
    compact = None if data is None else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    both = text if compact is None or compact == text else f"{text}\n\n{compact}"
    return {"structured": text if compact is None else compact, "text": text, "both": both}


async def test_every_tool_says_what_the_model_needs_in_every_client_and_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: set[str] = set()
    latest: dict[str, object] = {}
    async with connected(monkeypatch) as client:
        for number in range(4):
            attempt = {"task": "ship it", "trajectory": f"try {number}", "reward": float(number % 2)}
            await client.call_tool("submit_trajectory", attempt)
        for tool, arguments, needed in CALLS:
            given = dict(arguments)
            if tool in {"report_reward", "answer_analysis"}:
                name = "trajectory_id" if tool == "report_reward" else "call_id"
                given[name] = latest[name]
            if tool in BY_PEOPLE:
                async with person(monkeypatch) as by_person:
                    result = await by_person.call_tool(tool, given)
            else:
                result = await client.call_tool(tool, given)
            assert not result.is_error, (tool, text_of(result))
            latest.update(result.structured_content or {})
            for view, shown in views(result).items():
                for fact in needed:
                    assert shown.count(fact) >= 1, (tool, view, fact, shown)
            assert views(result)["both"] == views(result)["text"], f"{tool} is shown twice where both are shown"
            seen.add(tool)
        tools = {tool.name for tool in (await client.list_tools()).tools}
    assert tools - seen == {"learn_now", "show_library"}, "the attached agent learns here: see below; a page is a text"


@asynccontextmanager
async def person(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """A client that is a person's own, e.g. the page."""
    monkeypatch.setenv("EXPLIB_ANALYST", "agent")
    with acting_as(LOCAL_USER):
        async with Client(build_server(Settings(), "off", "all")) as client:
            yield client


async def test_learning_now_is_told_alike() -> None:
    await commit_lesson()
    async with Client(build_server(Settings(), "off", "all")) as client:
        result = await client.call_tool("learn_now", {})
    assert structured(result)["learned"] == 0
    assert len(set(views(result).values())) == 1


async def test_an_error_is_shown_as_text_by_all() -> None:
    async with Client(build_server(Settings(), "off", "all")) as client:
        result = await client.call_tool("get_experiences", {"task": " "})
    assert result.is_error
    assert result.structured_content is None
    assert "task is empty" in views(result)["both"]


async def test_what_was_ignored_is_told_beneath_an_answer_of_text() -> None:
    async with Client(build_server(Settings(), "off")) as client:
        result = await client.call_tool("get_experiences", {"task": "ship it", "colour": "red"})
    assert text_of(result).endswith("Ignored unknown arguments: colour.")
    assert result.structured_content is None


async def test_answers_in_any_script_are_the_same_in_both_forms() -> None:
    async with Client(build_server(Settings(), "off")) as client:
        attempt = {"task": "поставь \u2028 «это»", "trajectory": "готово"}
        stored = await client.call_tool("submit_trajectory", attempt)
        fetched = await client.call_tool("get_experiences", {"task": "поставь"})
    assert json.loads(text_of(stored)) == structured(stored)
    assert retrieval_of(fetched).startswith("r_")
