"""An agent that learns over MCP alone: it answers each step as a careful reader would, or as it is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from mcp import Client
from results import structured

from explib.models.json_value import Json

Asked = dict[str, Json]
"""The structured result of next_analysis."""


def lesson_about(asked: Asked) -> Json:
    """A good answer to each step: whoever looked first won; nothing else can be told."""
    said = str(asked["input"])
    if str(asked["step"]).startswith("codes"):
        return {"codes": [f"{label} D1?" for label in re.findall(r'of="(A\d+)"', said)]}
    if str(asked["step"]).startswith("points"):
        return {"points": []}
    topic = re.findall(r"question about (\w+)", said)[0]
    rewards = dict(re.findall(r"^(A\d+): reward ([01]),", said, re.MULTILINE))
    looked = [label for label, reward in rewards.items() if reward == "1"]
    acted = [label for label, reward in rewards.items() if reward == "0"]
    return {
        "decisions": [
            {
                "known": None,
                "situation": f"{topic} come up",
                "options": [
                    {"does": f"look at the record of {topic} before acting", "attempts": looked},
                    {"does": f"act on {topic} at once", "attempts": acted},
                ],
                "better": "a",
                "lesson": f"When {topic} come up, look at the record of {topic} before acting.",
                "reason": "who looked won",
            }
        ]
    }


def attempt_at(topic: str, number: int) -> Asked:
    """Arguments of submit_trajectory: the even ones look and win, the odd ones act and lose."""
    won = number % 2 == 0
    said = f"I look at the record of {topic} first, then I act." if won else "I act at once."
    return {
        "task": f"Answer a question about {topic}",
        "trajectory": [{"role": "assistant", "content": said}, {"role": "assistant", "content": "Done."}],
        "reward": float(won),
        "idempotency_key": f"{topic}/{number}",
    }


async def submit(client: Client, *topics: str, attempts: int = 4) -> None:
    for topic in topics:
        for number in range(attempts):
            structured(await client.call_tool("submit_trajectory", attempt_at(topic, number)))


@dataclass
class Agent:
    """One attached agent. `asked` are the steps that it got, `answered` what it was told of its answers."""

    client: Client
    says: Callable[[Asked], Json] = lesson_about
    asked: list[Asked] = field(default_factory=list)
    answered: list[Asked] = field(default_factory=list)

    async def next(self, **arguments: str) -> Asked:
        return structured(await self.client.call_tool("next_analysis", arguments))

    async def answer(self, call_id: Json, response: Json) -> Asked:
        arguments = {"call_id": call_id, "response": response}
        return structured(await self.client.call_tool("answer_analysis", arguments))

    async def take(self) -> Asked:
        """The next step, if one is handed out, or why there is none."""
        asked = await self.next()
        if asked["state"] == "step":
            self.asked.append(asked)
        return asked

    async def learn(self, asked: Asked | None = None) -> Asked:
        """Step after step, from the one taken already if there is one, until none is handed out; how it ended."""
        asked = asked or await self.take()
        while asked["state"] == "step":
            call_id = asked["call_id"]
            while call_id is not None:
                answered = await self.answer(call_id, self.says(asked))
                self.answered.append(answered)
                call_id = answered["call_id"]
            asked = await self.take()
        return asked

    async def done(self) -> bool:
        """Take what there is; whether nothing is left, with others neither."""
        return (await self.learn())["state"] == "done"
