"""The server through the SDK's own client: in memory, over stdio and over HTTP, modern and legacy."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from mcp.types import PromptReference, ResourceTemplateReference
from results import lessons_of, retrieval_of, structured, text_of
from server.http_cases import ERAS, http_server
from waiting import until

from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import open_store
from explib_server.mcp.server import LearnerMode, build_server

LESSON = "When you call ship, call weigh before it."


@asynccontextmanager
async def in_memory(mode: str = "auto", learner: LearnerMode = "off") -> AsyncIterator[Client]:
    async with Client(build_server(Settings(), learner), mode=mode) as client:
        yield client


@asynccontextmanager
async def over_stdio(mode: str) -> AsyncIterator[Client]:
    command = StdioServerParameters(command=sys.executable, args=["-m", "explib_server", "serve"], env=dict(os.environ))
    async with Client(stdio_client(command), mode=mode) as client:
        yield client


@asynccontextmanager
async def over_http(mode: str) -> AsyncIterator[Client]:
    async with (
        http_server(tools="agent", learner="inprocess") as address,
        Client(f"{address}/mcp", mode=mode) as client,
    ):
        yield client


def messages(*tools: str) -> list[dict[str, object]]:
    """An attempt that called these tools in this order."""
    found: list[dict[str, object]] = [{"role": "user", "content": "ship it"}]
    for number, name in enumerate(tools):
        call = {"id": f"c{number}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        found.append({"role": "assistant", "content": None, "tool_calls": [call]})
        found.append({"role": "tool", "tool_call_id": f"c{number}", "content": "OK"})
    return found


async def submit_contrast(client: Client, groups: int = 6) -> None:
    """Groups in which who weighed before shipping won, and who didn't lost."""
    for number in range(groups):
        for attempt in range(4):
            won = attempt % 2 == 0
            tools = ("weigh", "ship") if won else ("ship",)
            await client.call_tool(
                "submit_trajectory",
                {
                    "task": f"ship order {number}",
                    "trajectory": messages(*tools),
                    "reward": float(won),
                    "idempotency_key": f"{number}/{attempt}",
                },
            )


async def learned(client: Client) -> None:
    async def all_learned() -> bool:
        groups = structured(await client.call_tool("library_status", {}))["groups"]
        assert isinstance(groups, dict)
        return bool(groups.get("learned")) and not groups.get("ready")

    await until(all_learned)


async def commit_lesson(content: str = LESSON) -> Library:
    """Another process's revision."""
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.ensure("default", LibrarySettings(exploration=False))
        current = await store.libraries.get("default")
        await store.revisions.commit(
            Proposal(current, "by hand", "test", "contrast", (Operation("ADD", "because", content=content),))
        )
        return library


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("connect", [over_stdio, over_http], ids=["stdio", "http"])
async def test_fetch_submit_learn_fetch_shows_the_new_experience(connect: object, mode: str) -> None:
    opened = over_stdio(mode) if connect is over_stdio else over_http(mode)
    async with opened as client:
        before = await client.call_tool("get_experiences", {"task": "ship order 77"})
        assert lessons_of(before) == {}
        await submit_contrast(client)
        await learned(client)
        after = await client.call_tool("get_experiences", {"task": "ship order 77"})
        assert "weigh" in text_of(after)
        submitted = await client.call_tool(
            "submit_trajectory",
            {
                "task": "ship order 77",
                "trajectory": "weighed, then shipped",
                "retrieval_id": retrieval_of(after),
            },
        )
        graded = await client.call_tool("report_reward", {"retrieval_id": retrieval_of(after), "reward": 1.0})
        assert structured(graded)["trajectory_id"] == structured(submitted)["trajectory_id"]


async def test_an_attempt_that_names_no_retrieval_belongs_to_what_was_served_for_its_task() -> None:
    """An agent may forget the retrieval_id."""
    await commit_lesson()
    attempt = {"task": "ship order 9", "trajectory": "shipped", "idempotency_key": "one"}
    async with in_memory() as client:
        await client.call_tool("get_experiences", {"task": "something else"})
        fetched = retrieval_of(await client.call_tool("get_experiences", {"task": "Ship  order 9"}))
        stored = structured(await client.call_tool("submit_trajectory", attempt))
        retried = structured(await client.call_tool("submit_trajectory", attempt))
        named = {"retrieval_id": fetched, "reward": 1.0}
        graded = structured(await client.call_tool("report_reward", named))
        again = retrieval_of(await client.call_tool("get_experiences", {"task": "ship order 9"}))
    assert retried["duplicate"]
    assert graded["trajectory_id"] == stored["trajectory_id"] == retried["trajectory_id"]
    assert again != fetched


async def test_the_tools_are_four_described_annotated_and_small() -> None:
    async with in_memory() as client:
        listed = await client.list_tools()
    assert [tool.name for tool in listed.tools] == [
        "get_experiences",
        "submit_trajectory",
        "report_reward",
        "library_status",
    ]
    for tool in listed.tools:
        assert tool.title
        assert bool(tool.output_schema) == (tool.name != "get_experiences")
        assert tool.annotations is not None
        described = tool.input_schema["properties"]
        assert all(each.get("description") for each in described.values()), tool.name
        assert "null" not in json.dumps(tool.input_schema), "some clients know no nullable types"
    whole = listed.model_dump_json(by_alias=True, exclude_none=True)
    assert len(whole) < 6_000, len(whole)


async def test_the_answer_is_text_ready_for_a_prompt_with_the_retrievals_id_at_its_end() -> None:
    await commit_lesson()
    async with in_memory() as client:
        result = await client.call_tool("get_experiences", {"task": "ship it"})
    first, *lines, last, _ = text_of(result).splitlines()
    assert first.startswith("Lessons from earlier graded attempts")
    assert lines == [f"[e1]. {LESSON} (candidate)"]
    assert last.startswith("retrieval_id: r_")
    assert result.structured_content is None


async def test_without_a_session_the_retrieval_is_handed_on_by_its_id() -> None:
    """Over HTTP of 2026 nothing else ties a client's calls together."""
    await commit_lesson()
    async with over_http("auto") as client:
        named = retrieval_of(await client.call_tool("get_experiences", {"task": "ship order 9"}))
        fields = {"task": "ship order 9", "trajectory": "shipped", "retrieval_id": named}
        stored = structured(await client.call_tool("submit_trajectory", fields))
        graded = structured(await client.call_tool("report_reward", {"retrieval_id": named, "reward": 1.0}))
    assert graded["trajectory_id"] == stored["trajectory_id"]


async def test_a_session_ties_the_calls() -> None:
    await commit_lesson()
    async with over_http("legacy") as client:
        fetched = await client.call_tool("get_experiences", {"task": "ship order 9"})
        await client.call_tool("submit_trajectory", {"task": "ship order 9", "trajectory": "shipped"})
        named = {"retrieval_id": retrieval_of(fetched), "reward": 1.0}
        assert structured(await client.call_tool("report_reward", named))["trajectory_id"]


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("get_experiences", {"task": "  "}, "task is empty"),
        ("get_experiences", {"task": "x", "limit": 0}, "limit must be at least 1"),
        ("get_experiences", {"task": "x", "library": "nope"}, "no library 'nope'"),
        ("submit_trajectory", {"task": "", "trajectory": "x"}, "task is empty"),
        ("submit_trajectory", {"task": "x", "trajectory": 5}, "list of messages"),
        ("submit_trajectory", {"task": "x", "trajectory": []}, "empty"),
        ("submit_trajectory", {"task": "x", "trajectory": "y", "reward": 1.5}, "range of 0 to 1"),
        ("submit_trajectory", {"task": "x", "trajectory": "y", "reward": "NaN"}, "finite"),
        ("submit_trajectory", {"task": "x", "trajectory": "y", "retrieval_id": "r_0"}, "no such retrieval"),
        ("submit_trajectory", {"task": "x", "trajectory": "y", "library": "Nope!"}, "no library"),
        ("report_reward", {"reward": 1.0}, "either trajectory_id or retrieval_id"),
        ("report_reward", {"reward": 1.0, "trajectory_id": "t_0"}, "no such trajectory"),
        ("library_status", {"library": "nope"}, "Known: "),
    ],
)
async def test_bad_input_says_what_to_do(tool: str, arguments: dict[str, object], says: str) -> None:
    async with in_memory() as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert says in text_of(result)


async def test_a_huge_trajectory_is_refused_and_the_server_goes_on() -> None:
    async with in_memory() as client:
        result = await client.call_tool("submit_trajectory", {"task": "x", "trajectory": "y" * 100_000_000})
        assert result.is_error
        assert "EXPLIB_MAX_TRAJECTORY_BYTES" in text_of(result)
        assert structured(await client.call_tool("library_status", {}))["trajectories"] == 0


async def test_secrets_are_redacted_counted_and_not_stored(tmp_path: Path) -> None:
    secret = "sk-ant-" + "api03-" + "a1B2c3D4" * 6
    async with in_memory() as client:
        arguments = {"task": f"use {secret}", "trajectory": f"I used {secret}"}
        stored = structured(await client.call_tool("submit_trajectory", arguments))
        await client.call_tool("get_experiences", {"task": f"use {secret}"})
    assert stored["redactions"] == 2
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.get("default")
        found = await store.trajectories.get(library, str(stored["trajectory_id"]))
        assert secret not in found.trajectory.task + found.steps[0].text
    kept = await asyncio.to_thread(lambda: [path.read_bytes() for path in tmp_path.glob("library.db*")])
    assert kept
    assert not any(secret.encode() in each for each in kept)


async def test_resources_show_the_library_an_experience_and_a_revision() -> None:
    await commit_lesson()
    async with in_memory() as client:
        templates = {each.uri_template for each in (await client.list_resource_templates()).resource_templates}
        assert templates == {
            "experience://{library}",
            "experience://{library}/{id}",
            "experience://{library}/revisions/{n}",
            "skill://{name}/SKILL.md",
        }
        for uri in ("experience://default", "experience://default/e1", "experience://default/revisions/1"):
            [content] = (await client.read_resource(uri)).contents
            assert LESSON in getattr(content, "text", ""), uri
        for uri in ("experience://nope", "experience://default/e9", "experience://default/revisions/9"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)


async def test_prompts_carry_the_experiences_and_what_to_do_afterwards() -> None:
    await commit_lesson()
    async with in_memory() as client:
        assert {"solve_with_experience", "reflect_and_submit"} <= {
            prompt.name for prompt in (await client.list_prompts()).prompts
        }
        prompt = await client.get_prompt("solve_with_experience", {"task": "ship order 5"})
    said = prompt.model_dump_json()
    assert LESSON in said
    assert "submit_trajectory" in said


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("reflect_and_submit", {"library": "default"}, "has no argument 'library': it takes task."),
        ("learn", {"libary": "default"}, "did you mean 'library'?"),
        ("no_such_prompt", {}, "There is no prompt 'no_such_prompt': they are solve_with_experience, "),
        ("solve_with_experience", {"task": "weigh it", "library": "nope"}, "no library"),
    ],
)
async def test_a_prompt_that_cannot_be_filled_in_says_what_it_needs(
    name: str, arguments: dict[str, str], says: str
) -> None:
    async with in_memory() as client:
        with pytest.raises(MCPError, match=re.escape(says)):
            await client.get_prompt(name, arguments)


async def test_a_library_without_revisions_says_so() -> None:
    async with in_memory() as client:
        await client.call_tool("library_status", {})  # makes the library
        for number in ("0", "1", "x"):
            with pytest.raises(MCPError, match="'default' has no revisions yet"):
                await client.read_resource(f"experience://default/revisions/{number}")


async def test_names_and_ids_are_completed() -> None:
    await commit_lesson()
    async with in_memory() as client:
        template = ResourceTemplateReference(type="ref/resource", uri="experience://{library}/{id}")
        libraries = await client.complete(template, {"name": "library", "value": "def"})
        ids = await client.complete(template, {"name": "id", "value": "e"}, {"library": "default"})
        prompt = PromptReference(type="ref/prompt", name="solve_with_experience")
        other = await client.complete(prompt, {"name": "task", "value": "x"})
    assert libraries.completion.values == ["default"]
    assert ids.completion.values == ["e1"]
    assert other.completion.values == []


async def test_a_subscriber_is_told_of_a_revision_that_another_process_makes() -> None:
    async with (
        asyncio.timeout(30),
        http_server(tools="agent") as address,
        Client(f"{address}/mcp") as client,
        client.listen(resource_subscriptions=["experience://default"]) as events,
    ):
        committing = asyncio.create_task(commit_lesson())
        event = await anext(aiter(events))
        await committing
    assert getattr(event, "uri", None) == "experience://default"


def ask(address: str, method: str, path: str, headers: dict[str, str], body: str | None = None) -> tuple[int, str]:
    connection = HTTPConnection(address.removeprefix("http://"), timeout=20)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    said = answer.status, answer.read().decode()
    connection.close()
    return said


async def test_health_needs_no_session_and_a_foreign_host_is_refused() -> None:
    listing = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    async with http_server(tools="agent") as address:
        status, health = await asyncio.to_thread(ask, address, "GET", "/health", {})
        assert (status, json.loads(health)["status"]) == (200, "ok")
        foreign = {**headers, "Host": "evil.example"}
        status, _ = await asyncio.to_thread(ask, address, "POST", "/mcp", foreign, listing)
        assert status in {403, 421}


def test_a_wrong_setting_ends_the_server_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLIB_DATABASE_URL", "mysql://somewhere/else")
    said = subprocess.run(
        [sys.executable, "-m", "explib_server", "serve"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert said.returncode == 1
    assert "EXPLIB_DATABASE_URL" in said.stderr
    assert "Traceback" not in said.stderr
