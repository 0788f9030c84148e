"""Sentences for decisions that the grammar named: "When <condition>, <strategy>", plain and at most 48 words."""

from __future__ import annotations

from datetime import time

from explib.models.decisions import Decision
from explib_learner.grammar.keys import Condition, Test
from explib_learner.grammar.reading import ARGUMENT, FIELD, TASK
from explib_learner.grammar.records import Scalar

MAX_WORDS = 48
_LONGEST = 60


def lesson_of(decision: Decision, letter: str) -> str:
    """Write the lesson that recommends one option. Raises KeyError for a letter that the decision doesn't have."""
    options = {option.letter: option.text for option in decision.options}
    return shortened(f"When {decision.situation}, {options[letter]}.")


def shortened(sentence: str) -> str:
    """Cut a sentence after MAX_WORDS words."""
    words = sentence.split()
    return sentence if len(words) <= MAX_WORDS else " ".join(words[: MAX_WORDS - 1]) + " …"


def code(name: str) -> str:
    """A name of a tool, field or value in backticks, on one line and without backticks of its own."""
    plain = " ".join(name.removeprefix("$ ").replace("`", "'").split())
    return f"`{plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + '…'}`"


def verb(tool: str) -> str:
    """The verb for the use of a tool: shell commands are run, tools are called."""
    return "run" if tool.startswith("$ ") else "call"


def used(tool: str) -> str:
    """The use of a tool as a command, e.g. "call `search`"."""
    return f"{verb(tool)} {code(tool)}"


def argument(name: str) -> str:
    """An argument by its path; of a list its length, of an environment variable its name."""
    if name.startswith("#"):
        return f"the number of {code(name[1:])}"
    return code(name.rstrip("=") if name.endswith("=") else name)


def field(tool: str, path: str) -> str:
    """A field of an answer, e.g. "`status` from `get_order`"."""
    plain = f"the number of {code(_tail(path[1:]))}" if path.startswith("#") else code(_tail(path))
    return f"{plain} from {code(tool)}"


def _tail(path: str) -> str:
    return path.rsplit("[].", 1)[-1].rsplit(".", 1)[-1]


def shown(value: Scalar) -> str:
    """A value as it is written in a sentence: whole numbers without a point."""
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, float):
        return f"{value:.10g}"
    return code(value) if value.strip() else "empty"


def compared(test: Test) -> str:
    """A test behind a subject, e.g. "is `open`" or "is at least 20"."""
    words = {"is": "is", "not": "is not", "least": "is at least", "below": "is below"}
    return f"{words[test.kind]} {shown(test.value)}"


def clock(hours: float) -> str:
    """Hours since midnight as a time of day."""
    minutes = round(hours * 60) % (24 * 60)
    return time(minutes // 60, minutes % 60).strftime("%H:%M")


def condition_words(condition: Condition) -> str:
    """The words of a condition as they stand behind "and"."""
    kind, *rest = condition.fact
    if kind == FIELD:
        return f"{field(rest[0], rest[1])} {compared(condition.test)}"
    if kind == ARGUMENT:
        return f"its {argument(rest[0])} {compared(condition.test)}"
    if kind == TASK:
        return f"the task's number of {code(rest[0])} {compared(condition.test)}"
    says = "says" if condition.test.kind == "is" else "does not say"
    return f"the task {says} {code(rest[0])}"
