"""Endpoints as they are: of how many ways to answer a question, and to refuse it, the learner makes the right thing.

    .venv/bin/python benchmarks/dialects.py [--show] [--json FILE]

A real HTTP server on loopback speaks each dialect to the learner, which asks it to contrast two attempts. Every
`answer` holds the same lesson in another form or behind another refusal: right is that the lesson is named. Every
`refusal` is one that nothing can be done about: right is that no lesson is invented, and that the reason says what
its pattern wants, without the key.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from learner.model_cases import LESSON, batch_of, decision, parts_on, winner_and_loser
from learner.scripted_endpoint import AT_ONCE, Asked, Reply, Script, refuses, says, streams
from measuring import keep, parser, show

from explib.models.json_value import Json

KEY = "key"
GOOD = json.dumps({"decisions": [decision()]})
THOUGHT = json.dumps({"decisions": [decision("When unsure, do nothing at all.")]})


def message(**fields: Json) -> Reply:
    """A completion whose message has these fields."""
    body = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **fields}}]}
    return Reply(body=json.dumps(body).encode())


def unless(refused: Callable[[Asked], bool], refusal: Reply) -> Callable[[Asked], Reply]:
    """An endpoint that refuses some requests and answers the others."""
    return lambda asked: refusal if refused(asked) else says(GOOD)


def _has_system(asked: Asked) -> bool:
    return '"system"' in json.dumps(asked["messages"])


ANSWERS: Mapping[str, Script] = {
    "plain": lambda _: says(GOOD),
    "fenced": lambda _: says(f"Here it is:\n```json\n{GOOD}\n```\nDone."),
    "behind thoughts": lambda _: says(f"<think>perhaps {THOUGHT}</think>{GOOD}"),
    "behind another object": lambda _: says(f"First {THOUGHT}, no: {GOOD}"),
    "in reasoning_content": lambda _: message(content=None, reasoning_content=GOOD),
    "as a tool call": lambda _: message(
        content="", tool_calls=[{"type": "function", "function": {"name": "answer", "arguments": GOOD}}]
    ),
    "in parts": lambda _: message(content=[{"type": "reasoning", "text": None}, {"type": "text", "text": GOOD}]),
    "as events": lambda _: streams({"content": GOOD}, "stop"),
    "as a list": lambda _: says(json.dumps([decision()])),
    "usage of another kind": lambda _: Reply(
        body=json.dumps(
            {"choices": [{"message": {"content": GOOD}}], "usage": {"input_tokens": 9, "total": "x"}}
        ).encode()
    ),
    "no response_format": unless(lambda asked: "response_format" in asked, refuses(400, "response_format unknown")),
    "no seed": unless(lambda asked: "seed" in asked, Reply(422, b'{"detail": "extra field seed"}', AT_ONCE)),
    "no system role": unless(_has_system, refuses(400, "System role not supported")),
    "max_completion_tokens": unless(
        lambda asked: "max_tokens" in asked,
        refuses(400, "Unsupported: max_tokens, use max_completion_tokens"),
    ),
    "temperature fixed": unless(
        lambda asked: "temperature" in asked, refuses(400, "temperature does not support 0, only 1 is supported")
    ),
}
REFUSALS: Mapping[str, tuple[Script, str]] = {
    "wrong key": (lambda _: refuses(401, f"bad key {KEY}"), "EXPLIB_MODEL_API_KEY"),
    "no such model": (lambda _: refuses(404, "model not found"), "EXPLIB_MODEL"),
    "too many requests": (lambda _: refuses(429, "slow down"), "429|later|again"),
    "overloaded": (lambda _: refuses(503, "overloaded"), "503|later|again"),
    "content filter": (lambda _: says(None, finish="content_filter"), "filter"),
    "a refusal in words": (lambda _: message(content=None, refusal="I can't help with that."), "I can't help"),
    "cut off": (lambda _: says(GOOD[:40], finish="length"), "EXPLIB_MODEL_MAX_TOKENS|cut|length"),
    "context full": (
        lambda _: refuses(400, "prompt is too long: 9 tokens > 8 maximum"),
        "EXPLIB_MODEL_CONTEXT|too long",
    ),
    "an error with status 200": (lambda _: Reply(body=b'{"error": {"message": "quota is spent"}}'), "quota"),
    "an HTML page": (lambda _: Reply(body=b"<html><h1>Login</h1></html>"), "EXPLIB_MODEL_BASE_URL|HTML|not JSON"),
    "nothing": (lambda _: Reply(), "no|empty|nothing"),
    "words without an object": (lambda _: says("I think they should check first."), "JSON|object"),
}


async def answered(script: Script) -> tuple[list[str], str]:
    """The lessons that were named, and the reasons of what failed."""
    async with parts_on(script) as (parts, _):
        naming = await parts.name(batch_of(winner_and_loser()))
    return [each.lesson for each in naming.decisions if each.lesson], " ".join(each.reason for each in naming.failures)


async def measure() -> list[tuple[str, str, bool, str]]:
    """Kind, dialect, whether it was right, and what came of it."""
    rows: list[tuple[str, str, bool, str]] = []
    for name, script in ANSWERS.items():
        lessons, reason = await answered(script)
        rows.append(("answer", name, lessons == [LESSON], reason or ", ".join(lessons)))
    for name, (script, wanted) in REFUSALS.items():
        lessons, reason = await answered(script)
        told = re.search(wanted, reason, re.IGNORECASE) is not None and f"key {KEY}" not in reason
        rows.append(("refusal", name, not lessons and told, reason or ", ".join(lessons)))
    return rows


def main() -> None:
    """Speak every dialect and print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--show", action="store_true", help="what came of each")
    given = arguments.parse_args()
    rows = asyncio.run(measure())
    tried, right = Counter(row[0] for row in rows), Counter(row[0] for row in rows if row[2])
    show("Dialects of endpoints", ["", "tried", "right"], [[kind, tried[kind], right[kind]] for kind in tried])
    for kind, name, fits, told in rows:
        if given.show or not fits:
            print(f"{'right' if fits else 'WRONG'} {kind} {name}: {told}")
    keep(given.json, {"rows": [list(row) for row in rows]})


if __name__ == "__main__":
    main()
