"""Attempts as a blind reader sees them: what was asked, done and answered, in few words.

Rewards, feedback and what the agent says after its last act, which often boasts, are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from explib.models.trajectories import Attempt, Step
from explib_learner.grammar.failures import failed
from explib_learner.prompting.transcripts import Transcript, arguments_text
from explib_learner.prompting.truncation import Piece, clipped, fits, total_tokens

SESSION_TOKENS = 1_000
"""Of one session that nobody graded."""
_TASK = 400
_SAID = 240
_CALL = 320
_RESULT = 400
"""Characters of a text of each kind."""
_RESULTS = (160, 40)
"""To so many characters results are cut, one after the other."""
_FLOOR = 120
"""Characters that every other text keeps: each call shall be seen."""
_TELLING_LINES = 4
_TELLING = (
    "error", "fail", "warn", "refus", "denied", "reject", "invalid", "not found", "must", "expected", "passed", "exit",
)  # fmt: skip


def blind_texts(labelled: Sequence[tuple[str, Attempt]], budget: int, tools: Collection[str] = ()) -> str:
    """The attempts by label, each in its fence with at most about `budget` tokens; a task that repeats stands once.

    What is longer loses of its tools' results first, but for the first one of each tool, which shows what it answers.
    Where `tools` are named, the others have neither arguments nor results.
    """
    tasks: dict[str, str] = {}
    shown: set[str] = set()
    texts: list[str] = []
    for label, attempt in labelled:
        task = attempt.trajectory.task.strip()
        said = f"(the task of {tasks[task]})" if task in tasks else clipped(task, _TASK)
        tasks.setdefault(task, label)
        pieces = (Piece("task:", said, pinned=True), *_acts(attempt, tools, shown))
        room = budget + total_tokens([piece for piece in pieces if piece.pinned and piece.head.startswith("<")])
        texts.append(Transcript(label, _shortened(pieces, room)).text(room, _FLOOR))
    return "\n".join(texts)


def _shortened(pieces: tuple[Piece, ...], budget: int) -> tuple[Piece, ...]:
    """The pieces with shorter results, as far as is needed; at last without them and what the agent said."""
    for size in _RESULTS:
        if fits(pieces, budget):
            return pieces
        pieces = tuple(replace(each, body=clipped(each.body, size)) if each.bulk else each for each in pieces)
    if fits(pieces, budget):
        return pieces
    return tuple(each for each in pieces if each.pinned or each.head.startswith((">", "< failed")))


def session_texts(labelled: Sequence[tuple[str, Attempt]]) -> str:
    """Sessions by label, each in its fence: the person's words whole, of results the telling lines."""
    return "\n".join(Transcript(label, tuple(_session(attempt))).text(SESSION_TOKENS) for label, attempt in labelled)


def _acts(attempt: Attempt, tools: Collection[str], shown: set[str]) -> Iterator[Piece]:
    """`shown`: the tools of which a result was shown before; those of this attempt are added."""
    called = {call.id: call.name for step in attempt.steps for call in step.calls}
    last = max((at for at, step in enumerate(attempt.steps) if step.calls), default=None)
    task = attempt.trajectory.task.strip()
    for at, step in enumerate(attempt.steps):
        text = step.text.strip()
        if step.role == "tool":
            name = called.get(step.answers_call or "", "")
            if not tools or name in tools or failed(text, flagged=step.is_error):
                yield replace(_result(step, clipped(text, _RESULT)), pinned=name not in shown, bulk=name in shown)
                shown.add(name)
            continue
        remark = step.role == "assistant" and last is not None and at > last
        if text and step.role != "system" and text != task and not remark:
            yield Piece(f"{step.role}:", clipped(text, _SAID))
        yield from _calls(step, tools)
    if attempt.trajectory.answer:
        yield Piece("hands in:", clipped(attempt.trajectory.answer.strip(), _SAID), pinned=True)


def _session(attempt: Attempt) -> Iterator[Piece]:
    for step in attempt.steps:
        text = step.text.strip()
        if step.role == "tool":
            yield _result(step, _telling(text))
        elif step.role == "user" and text:
            yield Piece("person:", clipped(text, _TASK), pinned=True)
        elif step.role == "assistant":
            if text:
                yield Piece("agent:", clipped(text, _SAID // 2))
            yield from _calls(step)


def _calls(step: Step, tools: Collection[str] = ()) -> Iterator[Piece]:
    for call in step.calls:
        whole = not tools or call.name in tools
        yield Piece(f"> {call.name[:_SAID]}", clipped(arguments_text(call.arguments), _CALL) if whole else "")


def _result(step: Step, text: str) -> Piece:
    return Piece("< failed:" if failed(step.text, flagged=step.is_error) else "<", text, bulk=True)


def _telling(text: str) -> str:
    """The lines of a result that say how it went, and its last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines[:-1] if any(word in line.casefold() for word in _TELLING)]
    return clipped("\n".join([*telling[:_TELLING_LINES], *lines[-1:]]), _RESULT)
