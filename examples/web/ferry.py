"""Questions over a small site, which this file serves itself: offline with a scripted model, without any key.

    explib practice examples/web/ferry.py@practice --held-out examples/web/ferry.py@held_out --yes

With a key, by a real model that has the same tools:

    explib practice examples/web/ferry.py@practice --held-out examples/web/ferry.py@held_out --model openai/gpt-5-nano

What the pages don't say: the timetable is corrected by the notices, and the fares by the terms. A search finds both.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.request import urlopen

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageTool, GenerateConfig, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import Tool, ToolChoice, ToolInfo, tool
from site_server import FEWEST_IN_A_GROUP, ROUTES, last_ferry, pages, price, site_url

USAGE = ModelUsage(input_tokens=400, output_tokens=20, total_tokens=420)
TOOLS = {"tools": ["open_page", "search_site"]}
"""What is at hand, so that lessons about it can be found."""
HALF = len(ROUTES) // 2


@task
def practice() -> Task:
    """Two questions about each of the first routes."""
    return _questions(ROUTES[:HALF])


@task
def held_out() -> Task:
    """The same about the other routes."""
    return _questions(ROUTES[HALF:])


def _questions(routes: list[str]) -> Task:
    samples = [sample for route in routes for sample in (_departure(route), _fare(route))]
    model = get_model("mockllm/model", custom_outputs=scripted)
    solver = [use_tools(open_page(), search_site()), generate()]
    return Task(MemoryDataset(samples), solver=solver, scorer=match(location="end"), model=model)


def _departure(route: str) -> Sample:
    asked = f"When does the last ferry to {route} leave? End with the time alone, as 20:15."
    return Sample(id=f"time-{route}", input=asked, target=last_ferry(route), metadata=TOOLS)


def _fare(route: str) -> Sample:
    people = FEWEST_IN_A_GROUP + len(route)
    asked = f"What do {people} people pay for the ferry to {route}, in euros? End with the number alone."
    target = str(price(route, people))
    return Sample(id=f"fare-{route}", input=asked, target=target, metadata=TOOLS)


@tool
def search_site() -> Tool:
    async def execute(words: str) -> str:
        """Search the site: the lines that hold most of the words, with their pages.

        Args:
            words: For example ferry Cove.
        """
        return await asyncio.to_thread(_found, set(re.findall(r"\w+", words.casefold())))

    return execute


def _found(words: set[str]) -> str:
    lines = [(path, line) for path in pages() for line in _text(path).splitlines()]
    best = sorted(lines, key=lambda found: -len(words & set(re.findall(r"\w+", found[1].casefold()))))
    return "\n".join(f"{path}: {line}" for path, line in best[:6])


@tool
def open_page() -> Tool:
    async def execute(path: str) -> str:
        """Open a page of the ferry company's site and read its text.

        Args:
            path: For example / for the front page, with links to the others.
        """
        return await asyncio.to_thread(_text, path)

    return execute


def _text(path: str) -> str:
    """The words of a page, its links behind them in brackets."""
    try:
        with urlopen(site_url() + "/" + path.lstrip("/")) as page:
            reader = _Reader()
            reader.feed(page.read().decode())
            return "".join(reader.words).strip()
    except HTTPError as error:
        return f"Error: {error.code}, there is no page {path}"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.words.append(f"[{dict(attrs)['href']}] ")


def scripted(
    messages: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: GenerateConfig
) -> ModelOutput:
    """Opens the obvious page; searches the site before where a lesson says so, else two times in five."""
    asked = next(message.text for message in messages if message.role == "user")
    lessons, _, question = asked.rpartition("</explib-lessons>")
    route = str(re.findall(r"ferry to (\w+)", question)[0])
    page, words = ("/timetable", "last") if "last ferry" in question else ("/fares", "groups pay")
    used = [message.function for message in messages if isinstance(message, ChatMessageTool)]
    advised = any("search_site" in line and " not " not in line for line in lessons.splitlines())
    if not used and (advised or random.Random(os.urandom(8)).random() < 0.4):
        return _said(ModelOutput.for_tool_call("scripted", "search_site", {"words": f"{words} {route}"}))
    if "open_page" not in used:
        return _said(ModelOutput.for_tool_call("scripted", "open_page", {"path": page}))
    read = "\n".join(message.text for message in messages if isinstance(message, ChatMessageTool))
    return _said(ModelOutput.from_content("scripted", _answer(question, route, read)))


def _answer(question: str, route: str, read: str) -> str:
    """The earliest time for the route that was read, or its fare, less what groups are let off."""
    if "last ferry" in question:
        times = re.findall(rf"{route} (\d+:\d+)", read)
        return f"It leaves at {min(times)}"
    fares, people = re.findall(rf"(?m){route} (\d+)$", read), re.findall(r"\d+", question)
    less = re.search(r"pay (\d+) % less", read)
    return f"They pay {int(fares[-1]) * int(people[0]) * (100 - int(less[1] if less else 0)) // 100}"


def _said(output: ModelOutput) -> ModelOutput:
    output.usage = USAGE
    return output
