"""What agents submit and logs hold, turned into steps by the first dialect that knows each item's shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from explib.errors import InvalidTrajectory, TooLarge
from explib.models.trajectories import Step
from explib.text.words import storable
from explib.trajectories.conversation import conversation, is_conversation
from explib.trajectories.fragments import Dialect, Fragment, joined, with_users_acts
from explib.trajectories.langchain import LangChain
from explib.trajectories.messages import Messages
from explib.trajectories.own_steps import OwnSteps
from explib.trajectories.responses import ResponsesItems
from explib.trajectories.sharegpt import ShareGPT
from explib.trajectories.values import ACCEPTED, kind, loads, measure

MAX_STEPS = 20_000
"""Items, and steps that they give, in one trajectory."""

_DIALECTS: tuple[Dialect, ...] = (ResponsesItems(), LangChain(), ShareGPT(), Messages(), OwnSteps())


@dataclass(frozen=True, slots=True)
class Reading:
    """A trajectory as it was read."""

    steps: tuple[Step, ...]
    """At least one."""
    answer: str | None
    """The agent's last words, without its thoughts; None where it ends with something else."""


def parse_trajectory(value: object, max_bytes: int) -> tuple[Step, ...]:
    """The steps of what an agent submitted, at least one.

    Lone surrogates and NUL characters become U+FFFD. Raises TooLarge where the texts, names and numbers of `value`
    have more than `max_bytes` bytes of UTF-8, InvalidTrajectory (naming the position) where it cannot be read.
    """
    return read_trajectory(value, max_bytes).steps


def read_trajectory(value: object, max_bytes: int) -> Reading:
    """The steps, and the agent's last words. Raises as `parse_trajectory`."""
    size = measure(value)
    if size > max_bytes:
        raise TooLarge(
            f"The trajectory has {size} bytes where at most {max_bytes} are allowed: submit the steps that matter, "
            "or raise EXPLIB_MAX_TRAJECTORY_BYTES."
        )
    fragments = _of_text(value) if isinstance(value, str) else _of_value(value)
    if not any(fragment.text.strip() or fragment.thought.strip() or fragment.calls for fragment in fragments):
        raise InvalidTrajectory(f"The trajectory is empty: {ACCEPTED}, with what the agent really did.")
    return Reading(tuple(fragment.step() for fragment in fragments), _answer(fragments))


def _answer(fragments: Sequence[Fragment]) -> str | None:
    last = next((fragment for fragment in reversed(fragments) if fragment.role == "assistant"), None)
    return last.text.strip() or None if last is not None else None


def _of_text(text: str) -> list[Fragment]:
    value = loads(text) if text.lstrip()[:1] in ("[", "{") else None
    if is_conversation(value) or (isinstance(value, Mapping) and "messages" in value):
        try:
            return _of_value(value)
        except InvalidTrajectory:  # JSON of something else, so the agent's own words
            pass
    return [Fragment("assistant", storable(text))]


def _of_value(value: object) -> list[Fragment]:
    where, items = conversation(value)
    if len(items) > MAX_STEPS:
        raise TooLarge(f"The trajectory has {len(items):,} items, at most {MAX_STEPS:,} are read: submit a part of it.")
    fragments = (fragment for at, item in enumerate(items) for fragment in _of_item(item, f"{where}[{at}]"))
    steps = with_users_acts(joined(fragments))
    if len(steps) > MAX_STEPS:
        raise TooLarge(f"The trajectory has {len(steps):,} steps, at most {MAX_STEPS:,} are kept: submit a part of it.")
    return steps


def _of_item(item: object, where: str) -> Iterator[Fragment]:
    if isinstance(item, str):
        if item.strip():
            yield Fragment("assistant", storable(item))
        return
    if not isinstance(item, Mapping):
        raise InvalidTrajectory(f"{where} is {kind(item)}: pass a message (an object with role and content) or a step.")
    if item:
        dialect = next(dialect for dialect in _DIALECTS if dialect.reads(item))
        yield from dialect.fragments(item, where)
