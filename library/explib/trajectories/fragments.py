"""What single messages, parts and items say, and how their fragments come together as steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from explib.models.trajectories import Role, Step, ToolCall
from explib.trajectories.values import as_text

Joins: TypeAlias = Literal["no", "next", "previous"]
"""Where a fragment belongs: to a step of its own, to the agent's next step, or to the agent's step before it."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A step or a part of one; an agent's thought is apart from its words until the step is complete."""

    role: Role
    text: str = ""
    thought: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers_call: str | None = None
    is_error: bool = False
    joins: Joins = "no"

    def __bool__(self) -> bool:
        return bool(self.text or self.thought or self.calls or self.role == "tool")

    def with_more(self, other: Fragment) -> Fragment:
        """This fragment followed by another of the same step."""
        return replace(
            self,
            text=lines(self.text, other.text),
            thought=lines(self.thought, other.thought),
            calls=self.calls + other.calls,
        )

    def step(self) -> Step:
        """The complete step: the thought, unless the words repeat it, then the words."""
        thought = "" if self.thought.strip() in self.text else self.thought
        return Step(self.role, lines(thought, self.text), self.calls, self.answers_call, self.is_error)


class Dialect(Protocol):
    """One way to write down a message, an item or a step."""

    def reads(self, item: Mapping[str, object]) -> bool:
        """Tell by its shape that an item is written in this dialect; cheap."""

    def fragments(self, item: Mapping[str, object], where: str) -> Iterable[Fragment]:
        """What the item says. Raises InvalidTrajectory, naming `where`."""


def lines(*texts: str) -> str:
    """The texts that say something, each on a line of its own."""
    return "\n".join(filter(None, texts))


def joined(fragments: Iterable[Fragment]) -> list[Fragment]:
    """Fragments as whole steps: thoughts with the step that follows, calls with the words before them."""
    steps: list[Fragment] = []
    pending: Fragment | None = None
    for fragment in fragments:
        if fragment.joins == "next":
            pending = fragment if pending is None else pending.with_more(fragment)
            continue
        if pending is not None and fragment.role == "assistant":
            steps.append(replace(pending.with_more(fragment), joins="no"))
            pending = None
            continue
        if pending is not None:
            steps.append(pending)
            pending = None
        if fragment.joins == "previous" and steps and steps[-1].role == "assistant":
            steps[-1] = steps[-1].with_more(fragment)
        else:
            steps.append(fragment)
    return steps if pending is None else [*steps, pending]


def with_users_acts(fragments: Iterable[Fragment]) -> list[Fragment]:
    """The calls of a (simulated) user, and their results, as words of the user: the agent did none of them."""
    users: set[str] = set()
    told: list[Fragment] = []
    for fragment in fragments:
        if fragment.role == "user" and fragment.calls:
            users.update(call.id for call in fragment.calls)
            acts = [f"[called {call.name} {as_text(call.arguments)}]" for call in fragment.calls]
            told.append(Fragment("user", lines(fragment.text, *acts)))
        elif fragment.role == "tool" and fragment.answers_call in users:
            told.append(Fragment("user", f"[result] {fragment.text}"))
        else:
            users.difference_update(call.id for call in fragment.calls)
            told.append(fragment)
    return told
