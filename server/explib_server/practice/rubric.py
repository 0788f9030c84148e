"""Rubrics: the points that a good answer meets, how a judge is asked about them, and what its words are worth."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from explib.errors import InvalidInput
from explib_learner.prompting.fences import fenced
from explib_learner.prompting.files import load_prompt
from explib_server.practice.scorers import Scored
from explib_server.practice.tasks import PracticeTask

PROMPTS = Path(__file__).parent / "prompts"
MOST_ANSWER = 40_000
"""Characters of an answer that a judge reads."""
AGAIN = "Judge every point from 1 to {number}, one line each, as in `1: yes, it names the day`."
JUDGE = load_prompt("judge", frozenset({"task", "rubric", "answer"}), PROMPTS)
_POINT = re.compile(r"^\s*(?:[-*•]|\d+[.):])\s+(\S.*)$", re.MULTILINE)
_JUDGED = re.compile(r"^\W*(\d+)\W{1,4}(yes|no)\b", re.IGNORECASE | re.MULTILINE)


def points_of(text: str) -> list[str]:
    """The points of a rubric: its list, or each of its lines where it has none. Raises InvalidInput without any."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    points = [point.strip() for point in _POINT.findall(text)] or lines
    if not points:
        raise InvalidInput("A rubric needs points, one a line: `- it names the day`.")
    return points


def read_rubric(path: Path) -> str:
    """The rubric of a file, which has points. Raises InvalidInput."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The rubric {path} cannot be read ({error}): it must be text in UTF-8.") from error
    points_of(text)
    return text


def check_rubrics(tasks: Sequence[PracticeTask], path: str) -> None:
    """Raises InvalidInput unless each task has a rubric: its own `rubric`, or that of the file."""
    if path:
        read_rubric(Path(path))
        return
    without = [task.id for task in tasks if not task.rubric]
    if without:
        raise InvalidInput(
            f"{len(without)} of {len(tasks)} tasks have no `rubric` (the first: {without[0]}): add it, or name one "
            "file for all, --scorer 'rubric FILE'."
        )


def judge_prompt(task: PracticeTask, points: Sequence[str], answer: str) -> tuple[str, str]:
    """What the judge is told and asked: only the task, the points and the answer; no lessons, no other attempt."""
    numbered = "\n".join(f"{number}. {point}" for number, point in enumerate(points, 1))
    told, asked = JUDGE.messages(
        task=fenced("task", task.input),
        rubric=f"The rubric:\n{numbered}",
        answer=fenced("answer", answer[:MOST_ANSWER]),
    )
    return told.text, asked.text


def judged(said: str, number: int) -> Scored:
    """The share of the points that a judge finds met; no reward unless it has judged each of them."""
    verdicts = {int(point): verdict.lower() for point, verdict in _JUDGED.findall(said)}
    missing = [str(point) for point in range(1, number + 1) if point not in verdicts]
    if missing:
        return Scored(None, f"the judge did not judge point {', '.join(missing)}: {said.strip()[:200]}")
    met = sum(verdicts[point] == "yes" for point in range(1, number + 1))
    return Scored(met / number, said.strip()[-1_000:])
