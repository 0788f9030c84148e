"""Labelled sets for retrieval: tasks, a library of lessons, and how much each lesson is worth for each task."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from explib_server.demo.agent import LOOK_UP, WIND_UP, WORK
from explib_server.demo.desk import TOOLS
from explib_server.demo.tasks import FAMILIES, DeskTask, held_out_tasks

LANGUAGES = {"en": "English", "ja": "Japanese", "zh": "Chinese", "th": "Thai"}
OWN, RELATED = 2, 1
"""Gains: the lesson that was meant for the task, and another one that also holds for it."""
DESK_TASKS = 60
READING = ("get_customer", "get_order", "check_stock")
"""Tools of the desk that change nothing."""
CONVENTIONS: Mapping[str, tuple[str, ...]] = {
    "address": ("When you call update_address, call get_customer before it.",),
    "cancel": ("When cancel_order returns an error, call release_order next.",),
    "refund": (
        "When quick_refund is available, finish without calling it.",
        "When you call notify_customer, pass its argument keep_copy.",
        "When you call close_ticket, call notify_customer before it.",
    ),
    "ship": (
        "When you call ship_order, call reserve_stock before it.",
        "When you call ship_order, pass its argument grams.",
    ),
}
"""What the order desk really wants (see `explib_server.demo.desk`), in plain sentences."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A library and tasks for it. `gains` has a mapping for each task: place of a lesson → what it is worth."""

    name: str
    lessons: tuple[str, ...]
    tasks: tuple[str, ...]
    gains: tuple[Mapping[int, int], ...]

    def ndcg(self, ranked: Sequence[Sequence[int]], depth: int = 10) -> float:
        """Mean normalised discounted cumulative gain of the places ranked for each task, best first."""
        scores = []
        for gains, places in zip(self.gains, ranked, strict=True):
            reached = _discounted([gains.get(place, 0) for place in places[:depth]])
            scores.append(reached / _discounted(sorted(gains.values(), reverse=True)[:depth]))
        return sum(scores) / len(scores)


def _discounted(gains: Sequence[int]) -> float:
    return sum(((1 << gain) - 1) / math.log2(rank + 2) for rank, gain in enumerate(gains))


def written_sets() -> list[Labelled]:
    """One set for each language, all over the same library, which has the lessons of every language."""
    path = Path(__file__).with_name("labelled_lessons.toml")
    topics = tomllib.loads(path.read_text(encoding="utf-8"))["topic"]
    placed = {
        (topic["name"], code, at): lesson
        for topic in topics
        for code in LANGUAGES
        for at, lesson in enumerate(topic["lessons"][code])
    }
    place = {key: number for number, key in enumerate(placed)}
    lessons = tuple(placed.values())
    return [
        Labelled(
            language,
            lessons,
            tuple(task for topic in topics for task in topic["tasks"][code]),
            tuple(
                {place[topic["name"], code, other]: OWN if other == at else RELATED for other in range(2)}
                for topic in topics
                for at in range(2)
            ),
        )
        for code, language in LANGUAGES.items()
    ]


def desk_set() -> Labelled:
    """The simulated order desk: what its agent sees as meant for a task is related, what the desk wants is its own."""
    conventions = [each for family in FAMILIES for each in CONVENTIONS[family]]
    others = [f"When {tool} is available, call it before you finish." for tool in TOOLS]
    for first, then in permutations(TOOLS, 2):
        others.append(f"When you call {then}, call {first} before it.")
        others.append(f"When you have called {then}, call {first} after it.")
    lessons = tuple(dict.fromkeys([*conventions, *others]))
    tasks = held_out_tasks(seed=7, count=DESK_TASKS)
    gains = tuple({place: gain for place, each in enumerate(lessons) if (gain := _worth(each, task))} for task in tasks)
    return Labelled("Order desk", lessons, tuple(task.text for task in tasks), gains)


def _worth(text: str, task: DeskTask) -> int:
    if text in CONVENTIONS[task.family]:
        return OWN
    changes = {tool for tool in TOOLS if tool in text and tool not in READING}
    steps = (LOOK_UP, WORK[task.family], WIND_UP)
    repertoire = {tool for variants in steps for chosen, _ in variants for tool in chosen}
    return RELATED if changes and changes <= repertoire else 0
