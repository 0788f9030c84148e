"""What learning costs: calls, tokens and wall clock for the same groups, ours next to the paper's own procedure.

    .venv/bin/python benchmarks/learner_cost.py [--groups 100] [--attempts 5] [--tokens 4000] [--in-code .5] [--data X]

Both ask the same scripted endpoint on loopback, which answers after 300 ms; tokens are counted by one estimate on
both sides. The paper's procedure (arXiv 2510.08191): one summary for each trajectory, one critique for each group, one
merge for each batch of 16 groups, 16 calls at a time. The sizes of its instructions and answers are those measured on
six τ-bench groups with a capable model: 4,500 characters of instructions and 480 tokens of answer a call.

The made groups are customer-service attempts: every attempt has the same system policy (a third of its tokens), tool
results of which half are the same in the whole group, and the rest is its own. `--in-code` of the decisions that are
named have a predicate, so that nobody is asked for their codes. `--data` reads graded trajectories
instead (any format of `explib import`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import permutations
from pathlib import Path

import httpx2
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from explib.models.groups import GroupAttempts
from explib.models.json_value import Json
from explib.models.submissions import RawSubmission
from explib.settings.program import Settings
from explib.text.words import estimate_tokens
from explib_learner.prompting.transcripts import transcribe
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.importers.logs import read
from explib_server.importers.records import BadRecord
from explib_server.importers.sources import ImportRun

LATENCY_SECONDS = 0.3
AT_ONCE = 16
BATCH = 16
INSTRUCTIONS = "Read the attempt step by step and say what was done and why. " * 74
"""4,500 characters."""
ANSWER = "The agent looked the customer up, then changed the order, and told the customer. " * 24
"""480 tokens."""
WORDS = (
    "order",
    "parcel",
    "customer",
    "address",
    "refund",
    "weigh",
    "ship",
    "label",
    "stock",
    "carrier",
    "invoice",
    "depot",
    "policy",
    "item",
    "due",
    "note",
)
TOOLS = ("find", "change", "weigh")
NAMED_AT_ONCE = 5
"""Decisions that one blind call names."""
PREDICATES = [f"{kind}({one}, {other})" for kind in ("before", "after") for one, other in permutations(TOOLS, 2)]
PREDICATES += [f"times({tool}) >= ?" for tool in TOOLS]
"""What the made attempts can differ in, as a model writes it."""


@dataclass(slots=True)
class Spent:
    """What one procedure asked of the endpoint."""

    calls: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    seconds: float = 0.0
    steps: dict[str, int] = field(default_factory=dict)
    """Tokens of each of our steps."""

    @property
    def tokens(self) -> int:
        """Prompt and answer together."""
        return self.prompt_tokens + self.answer_tokens


class Endpoint:
    """Speaks /v1/chat/completions; every answer takes 300 ms."""

    def __init__(self, in_code: float) -> None:
        self.spent = Spent()
        self._in_code = in_code
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    async def _complete(self, request: Request) -> JSONResponse:
        asked = json.loads(await request.body())
        said = "\n".join(str(message["content"]) for message in asked["messages"])
        form = asked.get("response_format") or {}
        step = form.get("json_schema", {}).get("name")
        text = self._answer(step, said)
        prompt = estimate_tokens(said)
        if step is not None:
            self.spent.steps[step] = self.spent.steps.get(step, 0) + prompt + estimate_tokens(text)
        self.spent.calls += 1
        self.spent.prompt_tokens += prompt
        self.spent.answer_tokens += estimate_tokens(text)
        await asyncio.sleep(LATENCY_SECONDS)
        message: Json = {"role": "assistant", "content": text}
        usage: Json = {"prompt_tokens": prompt, "completion_tokens": estimate_tokens(text), "total_tokens": prompt}
        choices: Json = [{"index": 0, "finish_reason": "stop", "message": message}]
        return JSONResponse(
            {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": usage}
        )

    def _answer(self, step: str | None, said: str) -> str:
        """What each step of ours wants; the paper's steps get plain text of the measured length."""
        match step:
            case "contrast":
                return _decision(self.spent.calls)
            case "points":
                numbers = range(self.spent.calls * NAMED_AT_ONCE, (self.spent.calls + 1) * NAMED_AT_ONCE)
                return json.dumps({"points": [_point(number, self._in_code) for number in numbers]})
            case "codes":
                labels = re.findall(r'of="(A\d+)"', said)
                known = re.findall(r"^(D\d+) when", said, re.MULTILINE)
                lines = [" ".join((label, *(f"{each}{_letter(label, each)}" for each in known))) for label in labels]
                return json.dumps({"codes": lines})
            case "wording":
                labels = re.findall(r"^(L\d+): ", said, re.MULTILINE)
                return json.dumps({"sentences": [{"label": each, "text": f"When {each}, look."} for each in labels]})
            case _:
                return ANSWER


def _letter(label: str, decision: str) -> str:
    return random.Random(f"{label} {decision}").choice("ab")


def _words(number: int) -> list[str]:
    """The words of a decision that says something of its own."""
    return random.Random(number).sample(WORDS, 8)


def _point(number: int, in_code: float) -> Json:
    words = _words(number)
    options: Json = [f"check {' '.join(words[3:])}", f"skip {words[3]} {words[4]}"]
    point: dict[str, Json] = {"situation": f"the {words[0]} {words[1]} is {words[2]}", "options": options}
    written = int((number + 1) * in_code) > int(number * in_code)
    return {**point, "predicate": PREDICATES[number % len(PREDICATES)] if written else None}


def _decision(number: int) -> str:
    """One decision that the first, third and fifth attempts bear out; a different one each time."""
    words = _words(number)
    check = f"check {' '.join(words[3:])} first"
    options: Json = [{"does": check, "attempts": ["A1", "A3"]}, {"does": f"skip {words[3]}", "attempts": ["A2", "A4"]}]
    situation = f"the {words[0]} {words[1]} is {words[2]}"
    decision: dict[str, Json] = {"known": None, "situation": situation, "options": options, "better": "a"}
    return json.dumps({"decisions": [{**decision, "lesson": f"When {situation}, {check}.", "reason": ANSWER[:200]}]})


@asynccontextmanager
async def served(endpoint: Endpoint) -> AsyncIterator[str]:
    """The endpoint on a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:  # takes requests from now on, answered once it serves
        server = uvicorn.Server(uvicorn.Config(endpoint.app, log_level="error"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            await serving


def _prose(dice: random.Random, tokens: int) -> str:
    words = [dice.choice(WORDS) for _ in range(2 * tokens)]
    text = " ".join(f"{word}-{dice.randrange(100)}" if dice.random() < 0.1 else word for word in words)
    return text[: 4 * tokens]


def made_attempts(group: int, attempts: int, tokens: int) -> list[tuple[str, list[Json], float]]:
    """Task, messages and reward of each attempt of one group; see the module's docstring for their making."""
    shared = random.Random(group)
    policy = _prose(random.Random(0), tokens // 3)
    same = [_prose(shared, tokens // 9) for _ in range(2)]
    task = f"Case {group}: {_prose(shared, 40)}"
    made: list[tuple[str, list[Json], float]] = []
    for number in range(attempts):
        own = random.Random(f"{group}/{number}")
        messages: list[Json] = [{"role": "system", "content": policy}, {"role": "user", "content": task}]
        for result in (*same, _prose(own, tokens // 9), _prose(own, tokens // 9)):
            call: Json = {"name": own.choice(TOOLS), "arguments": "{}"}
            messages.append(
                {
                    "role": "assistant",
                    "content": _prose(own, tokens // 20),
                    "tool_calls": [{"id": f"c{len(messages)}", "type": "function", "function": call}],
                }
            )
            messages.append({"role": "tool", "tool_call_id": f"c{len(messages) - 1}", "content": result})
        messages.append({"role": "assistant", "content": _prose(own, tokens // 20)})
        made.append((task, messages, float(number % 2 == 0)))
    return made


async def fill(application: Application, arguments: argparse.Namespace) -> None:
    """Store the groups, made or read."""
    library = await application.library()
    if arguments.data is not None:
        for record in read([str(arguments.data)], ImportRun()):
            if isinstance(record, BadRecord):
                raise SystemExit(f"{record.position}: {record.reason}")
            raw = RawSubmission(
                record.task,
                record.trajectory,
                record.reward,
                group=record.group,
                idempotency_key=record.idempotency_key,
            )
            await application.submit(library, raw)
        return
    for group in range(arguments.groups):
        for number, (task, messages, reward) in enumerate(made_attempts(group, arguments.attempts, arguments.tokens)):
            raw = RawSubmission(task, messages, reward, idempotency_key=f"{group}/{number}")
            await application.submit(library, raw)


async def papers(url: str, groups: Sequence[GroupAttempts]) -> None:
    """The paper's own procedure on these groups: batch after batch, 16 calls at a time."""
    turns = asyncio.Semaphore(AT_ONCE)
    library: list[str] = []
    async with httpx2.AsyncClient(timeout=60) as http:

        async def ask(*parts: str) -> str:
            body = {"model": "m", "messages": [{"role": "user", "content": "\n".join((INSTRUCTIONS, *parts))}]}
            async with turns:
                answer = await http.post(f"{url}/chat/completions", json=body)
            said: str = answer.json()["choices"][0]["message"]["content"]
            return said

        async def critique(group: GroupAttempts) -> str:
            read = [transcribe([("attempt", each)], group.group.task) for each in group.attempts]
            texts = [f"{each.shared_text()}{each.attempts[0].text()}" for each in read]
            summaries = await asyncio.gather(*(ask(group.group.task, text) for text in texts))
            return await ask(group.group.task, *library, *summaries)

        for start in range(0, len(groups), BATCH):
            critiques = await asyncio.gather(*map(critique, groups[start : start + BATCH]))
            await ask(*library, *critiques)
            library += [critique[:150] for critique in critiques]


async def timed(endpoint: Endpoint, work: Callable[[], Awaitable[object]]) -> Spent:
    """What `work` asked of the endpoint, and how long it took."""
    endpoint.spent = Spent()
    started = time.monotonic()
    await work()
    return replace(endpoint.spent, seconds=time.monotonic() - started)


async def compare(arguments: argparse.Namespace) -> dict[str, Spent]:
    """Both procedures on the same groups of the same database, in one run."""
    endpoint = Endpoint(arguments.in_code)
    with tempfile.TemporaryDirectory() as folder:
        async with served(endpoint) as url:
            settings = Settings(
                database_url=f"sqlite+aiosqlite:///{folder}/library.db",
                model="m",
                model_base_url=url,
                model_api_key=SecretStr("none"),
                model_concurrency=AT_ONCE,
                model_context=arguments.context,
                token_budget_per_day=None,
            )
            async with open_application(settings) as application:
                await fill(application, arguments)
                library = await application.library()
                ready = await application.store.groups.all(library, "ready")
                groups = await application.store.groups.with_attempts(library, ready)
                theirs = await timed(endpoint, lambda: papers(url, groups))
                worker = await application.learning.worker()
                ours = await timed(endpoint, worker.learn_ready)
                overview = await application.store.libraries.overview(library)
    if overview.groups.get("learned") != len(groups):
        raise SystemExit(f"not every group was learned: {overview.groups}, {overview.reasons}")
    return {"ours": ours, "the paper's": theirs}


def main() -> None:
    """Compare, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--groups", type=int, default=100)
    parser.add_argument("--attempts", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=4000, help="of one trajectory, about")
    parser.add_argument("--context", type=int, default=32_000, help="tokens that the model takes")
    parser.add_argument("--in-code", type=float, default=0.5, help="share of the blind points with a predicate")
    parser.add_argument("--data", type=Path, help="graded trajectories in a file instead of made ones")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args()
    found = asyncio.run(compare(arguments))
    ours, theirs = found["ours"], found["the paper's"]
    print(f"{'':12}{'calls':>8}{'tokens':>12}{'seconds':>9}")
    for name, spent in found.items():
        print(f"{name:12}{spent.calls:>8}{spent.tokens:>12,}{spent.seconds:>9.1f}")
    ratios = (ours.calls / theirs.calls, ours.tokens / theirs.tokens, ours.seconds / theirs.seconds)
    attempts = arguments.groups * arguments.attempts
    print(f"ours: {ours.tokens / attempts:,.0f} tokens an attempt, where {attempts:,} attempts were made")
    print("   of which " + ", ".join(f"{step} {tokens / attempts:,.0f}" for step, tokens in ours.steps.items()))
    print(f"{'ratio':12}{ratios[0]:>8.2f}{ratios[1]:>12.2f}{ratios[2]:>9.2f}")
    if arguments.json is not None:
        ratio = dict(zip(("calls", "tokens", "seconds"), ratios, strict=True))
        figures = {name: asdict(spent) for name, spent in found.items()}
        arguments.json.write_text(json.dumps({**figures, "ratio": ratio}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
