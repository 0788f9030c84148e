"""Scores of answers, as shares of the reward's range: by text, by value, by letter, by a person's own function."""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, get_args

from explib.errors import InvalidInput
from explib.models.trajectories import RewardSource
from explib_server.practice.tasks import PracticeTask

ScorerName: TypeAlias = Literal["exact", "number", "choice", "python", "command", "rubric", "agreement", "majority"]
NAMES: tuple[ScorerName, ...] = get_args(ScorerName)
COMPARING = frozenset({"exact", "number", "choice"})
"""Scorers that need a target."""
SOURCES: Mapping[str, RewardSource] = {"rubric": "judge", "agreement": "inferred"}
"""Who says the rewards of scorers that compare with nothing: they count for less than the environment's."""
TOLERANCE = 1e-6
"""Relative: two numbers that are written differently."""
_NUMBER = re.compile(
    r"[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d{1,3})?(?:\s?/\s?\d+)?|[-+−]?\.\d+", re.IGNORECASE
)
_SAID = re.compile(r"(?:answer|option|choice)\b\W{0,3}(?:is|:)?\W{0,4}([A-Z])\b", re.IGNORECASE)
_LETTER = re.compile(r"(?<![A-Za-z'])([A-Z])(?![A-Za-z'])")
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
_PREFIX = re.compile(r"^(?:the\s+)?(?:final\s+)?answer\s*(?:is\b|:)\s*", re.IGNORECASE)


class Scored(NamedTuple):
    """A reward, or none, and why."""

    reward: float | None
    note: str = ""


Score: TypeAlias = Callable[[str, PracticeTask], Scored]


def exact(answer: str, task: PracticeTask) -> Scored:
    """1 where the answer, or its last line, is the target, whatever the case and the spaces."""
    lines = answer.strip().splitlines() or [""]
    return Scored(float(_plain(task.target or "") in {_plain(answer), _plain(lines[-1])}))


def _plain(text: str) -> str:
    return " ".join(_PREFIX.sub("", text.strip()).casefold().split()).strip(" .*`\"'")


def stated(answer: str) -> str:
    """What an answer comes to, in a form in which answers are compared: the number or the words of its last line."""
    boxed = _BOXED.findall(answer)
    words = _plain(boxed[-1] if boxed else (answer.strip().splitlines() or [""])[-1])
    value = last_number(words) if _NUMBER.fullmatch(words) else None
    return words if value is None else f"{value:.9g}"


def number(answer: str, task: PracticeTask) -> Scored:
    """1 where the last number of the answer has the target's value: 0.5, .50, 1/2 and 5e-1 are the same."""
    wanted, said = last_number(task.target or ""), last_number(answer)
    if said is None:
        return Scored(0.0, "the answer holds no number")
    return Scored(float(wanted is not None and math.isclose(said, wanted, rel_tol=TOLERANCE, abs_tol=1e-12)))


def last_number(text: str) -> float | None:
    """The value of the last number in a text; None without."""
    found = _NUMBER.findall(text)
    if not found:
        return None
    above, _, below = found[-1].replace(",", "").replace("−", "-").replace(" ", "").partition("/")
    try:
        return float(Fraction(above) / Fraction(below)) if below else float(above)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None


def choice(answer: str, task: PracticeTask) -> Scored:
    """1 where the letter that the answer settles on is the target's."""
    found = _SAID.findall(answer) or _LETTER.findall(answer) or re.findall(r"^\W*([a-z])\W*$", answer)
    if not found:
        return Scored(0.0, "the answer names no letter")
    return Scored(float(found[-1].upper() == (task.target or "").strip(" .()").upper()))


def python_scorer(path: Path) -> Score:
    """The function `score(answer, target, task)` of a person's file: a number, True or False, or None for no reward.

    Raises InvalidInput where the file has none.
    """
    spec = importlib.util.spec_from_file_location("explib_practice_scorer", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InvalidInput(
            f"{path} is no Python file: --scorer 'python FILE' names one with score(answer, target, task)."
        )
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a person's own code may raise anything
        raise InvalidInput(f"{path} cannot be loaded ({type(error).__name__}: {error}): correct it.") from error
    function = getattr(module, "score", None)
    if not callable(function):
        raise InvalidInput(f"{path} has no function score(answer, target, task): write one.")

    def score(answer: str, task: PracticeTask) -> Scored:
        return checked(function(answer, task.target, task.input))

    return score


def checked(value: object) -> Scored:
    """What a person's scorer returned, if it is a finite number."""
    if value is None:
        return Scored(None, "the scorer gave no reward")
    if not isinstance(value, (bool, int, float)) or not math.isfinite(value):
        return Scored(None, f"the scorer gave {value!r}, which is no finite number")
    return Scored(float(value))


def guarded(score: Score, answer: str, task: PracticeTask) -> Scored:
    """What a scorer says, from 0 to 1; no reward where it raises or says something else."""
    try:
        found = score(answer, task)
    except Exception as error:  # noqa: BLE001 a person's own code may raise anything, and then there is no reward
        return Scored(None, f"the scorer raised {type(error).__name__}: {error}")
    if found.reward is not None and not 0 <= found.reward <= 1:
        return Scored(None, f"the scorer gave {found.reward:g}, which is not from 0 to 1")
    return found


def fitting(tasks: list[PracticeTask]) -> ScorerName:
    """The scorer for tasks with targets where none is named. Raises InvalidInput where one has no target."""
    without = [task.id for task in tasks if task.target is None]
    if without:
        raise InvalidInput(
            f"{len(without)} of {len(tasks)} tasks have no `target` (the first: {without[0]}), so nothing can be "
            "graded: add targets, or name --scorer python FILE, command CMD, rubric FILE or majority."
        )
    numbers = all(_NUMBER.fullmatch((task.target or "").strip()) for task in tasks)
    return "number" if numbers else "exact"


BY_TARGET: dict[str, Score] = {"exact": exact, "number": number, "choice": choice}
