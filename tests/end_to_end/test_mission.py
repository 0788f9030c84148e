"""The mission, end to end: attempts with rewards go in over stdio, what was learned from them comes back."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

import pytest
from learner.scripted_endpoint import Asked, Reply, answers, endpoint, text_of
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import TextContent
from waiting import until

from explib.models.json_value import Json

TASKS = (
    "Change the delivery address of order 4411.",
    "Change the phone number of customer Ada Byrne.",
    "Change the payment method of order 5120.",
)
LATER = "Change the delivery date of order 7003."
LESSON = "When asked to change a record, look the customer up before changing anything."
REWARDS = (1.0, 0.0, 1.0, 0.0, 1.0)


def reader(asked: Asked) -> Reply:
    """A model that sees why some attempts won, tells which looked first, and has nothing to add."""
    said = text_of(asked)
    if "name the points" in said:
        return answers({"points": []})
    if "one line for each attempt" in said:
        looked = dict(re.findall(r'of="(A\d+)">\n.*\n(?:.*\n)?assistant: I (look|change)', said))
        return answers({"codes": [f"{label} D1{'a' if did == 'look' else 'b'}" for label, did in looked.items()]})
    labels = {won: [f"A{at + 1}" for at, reward in enumerate(REWARDS) if (reward > 0) == won] for won in (True, False)}
    options: list[Json] = [
        {"does": "look the customer up before changing anything", "attempts": [*labels[True]]},
        {"does": "change it at once", "attempts": [*labels[False]]},
    ]
    decision: Json = {
        "known": "D1" if "D1 when" in said else None,
        "situation": "asked to change a record",
        "options": options,
        "better": "a",
        "lesson": LESSON,
        "reason": "winners looked first",
    }
    return answers({"decisions": [decision]})


def attempt(task: str, won: bool) -> list[dict[str, str]]:
    said = "I look the customer up, then I change it." if won else "I change it at once."
    return [{"role": "user", "content": task}, {"role": "assistant", "content": said}]


async def called(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return dict(result.structured_content or {})


@pytest.mark.usefixtures("service")
async def test_graded_attempts_go_in_and_a_later_task_gets_the_lesson() -> None:
    async with endpoint(reader) as model:
        settings = {"EXPLIB_MODEL": "scripted", "EXPLIB_MODEL_BASE_URL": model.url, "EXPLIB_MODEL_API_KEY": "key"}
        command = [sys.executable, "-m", "explib_server", "serve"]
        server = StdioServerParameters(command=command[0], args=command[1:], env={**os.environ, **settings})
        async with Client(stdio_client(server)) as client:
            for task in TASKS:
                for number, reward in enumerate(REWARDS):
                    stored = await called(
                        client,
                        "submit_trajectory",
                        task=task,
                        trajectory=attempt(task, reward > 0),
                        reward=reward,
                        idempotency_key=f"{task}/{number}",
                    )
                    assert not stored["duplicate"]
            assert stored["group_size"] == len(REWARDS)

            async def learned() -> bool:
                status = await called(client, "library_status")
                return bool(status["experiences"]) and not status["groups"].get("ready")

            await until(learned)
            result = await client.call_tool("get_experiences", {"task": LATER})
    [content] = result.content
    assert isinstance(content, TextContent)
    assert LESSON in content.text
    assert any("contrast" in json.dumps(asked) for asked in model.asked)
