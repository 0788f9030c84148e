"""What is ours in a session of a client: the lessons that were put into the prompt, and calls of our own tools."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from explib.models.trajectories import Step
from explib.trajectories.results import content_text

_BLOCK = re.compile(r"\s*(?:<|&lt;)explib-lessons\b.*?(?:<|&lt;)/explib-lessons(?:>|&gt;)\s*", re.DOTALL)
_RETRIEVAL = re.compile(
    r"(?:(?:<|&lt;)explib-lessons\b[^>]*?\bretrieval=\W{0,3}|call submit_trajectory with this task, your steps, "
    r"retrieval_id ')(r_[0-9a-f]{21}(?:_[0-9a-f]{8})?)"
)
"""In a block of lessons, or in the prompt by which the person asked for them."""
_ID = re.compile(r"\b(?:r|t)_[0-9a-f]{21}(?:_[0-9a-f]{8})?\b")
_OURS = re.compile(
    r"(?:[\w.-]*[-_.])?(?P<tool>get_experiences|submit_trajectory|report_reward|next_analysis|answer_analysis"
    r"|(?<=explib[-_.])library_status|(?<=explib__)library_status)"
)
"""Every name under which a client offers one of our tools: `mcp__explib__get_experiences`, `explib-get_experiences`."""

_COMMAND = re.compile(r"/(?:mcp__)?[\w-]*explib[\w-]*(?:__|:)(?P<prompt>\w+)\s*(?P<words>.*)", re.DOTALL)
"""One of our prompts as it is typed, where the client writes that down."""
_SOLVE = re.compile(
    r"\n\nTask:\n(?P<task>.*)\n\nWhen you are done, call submit_trajectory with this task, your steps, ", re.DOTALL
)
_NO_TASK = re.compile(
    r"The user says that (?:the|your) last attempt was (?:good|bad)\b|You are the analyst of the experience library "
    r"|Tell the user that (?:this|the \w+ analyst of this) explib server"
    r"|The task (?:was:\n.*|is the last one that the user gave you\.)\n\nLook back on what you just did",
    re.DOTALL,
)
"""Texts of our prompts that are no task, where the client writes them down as the person's words."""


@dataclass(frozen=True, slots=True)
class Own:
    """The steps of an attempt without what is ours, and what our part of them told."""

    steps: tuple[Step, ...]
    retrieval_id: str | None = None
    """Of the lessons that the agent asked for itself."""
    trajectory_id: str | None = None
    """Under which the agent submitted this attempt itself."""


def retrieval_in(text: object) -> str | None:
    """The retrieval that a text's block of lessons names."""
    found = _RETRIEVAL.search(text) if isinstance(text, str) else None
    return found[1] if found else None


def without_block(text: str) -> str:
    """The text without blocks of lessons."""
    return _BLOCK.sub("", text) if "explib-lessons" in text else text


def request_in(words: object) -> object:
    """A person's words without the prompt of ours in which they were said; None where they are no task at all."""
    text = words if isinstance(words, str) else content_text(words)
    typed, solve = _COMMAND.fullmatch(text.strip()), _SOLVE.search(text)
    if typed is not None:
        return typed["words"] or None if typed["prompt"] == "solve_with_experience" else None
    if solve is not None:
        return solve["task"]
    return None if _NO_TASK.match(text) else words


def without_own(steps: Sequence[Step]) -> Own:
    """Take out calls of our tools, their results, and blocks of lessons."""
    ours = {call.id: tool for step in steps for call in step.calls if (tool := _tool(call.name)) is not None}
    found: dict[str, str] = {}
    for step in steps:
        tool = ours.get(step.answers_call or "")
        identity = _ID.search(step.text) if tool is not None and step.role == "tool" and not step.is_error else None
        if tool is not None and identity is not None:
            found.setdefault(tool, identity[0])
    kept = tuple(_kept(steps, set(ours)))
    retrieval_id, trajectory_id = found.get("get_experiences"), found.get("submit_trajectory")
    return Own(
        kept,
        retrieval_id if retrieval_id and retrieval_id.startswith("r_") else None,
        trajectory_id if trajectory_id and trajectory_id.startswith("t_") else None,
    )


def _tool(name: str) -> str | None:
    """Which of our tools is called, under whatever name the client gives it."""
    found = _OURS.fullmatch(name)
    return found["tool"] if found else None


def _kept(steps: Sequence[Step], ours: set[str]) -> Iterator[Step]:
    for step in steps:
        if step.role == "tool" and step.answers_call in ours:
            continue
        calls = tuple(call for call in step.calls if call.id not in ours)
        text = without_block(step.text)
        if step.calls and not calls and not text.strip():
            continue
        yield step if text == step.text and calls == step.calls else replace(step, text=text, calls=calls)
