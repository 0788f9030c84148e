"""Tasks to practise on, read from JSON lines, a table, or a folder."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from explib.errors import InvalidInput
from explib.text.words import normalise_task, number_of, says_something

Kind: TypeAlias = Literal["tasks", "folder", "inspect"]
NAMES = ("tasks.jsonl", "tasks.csv")
"""The file of tasks in a folder that an agent works in."""
SHOWN = 3
_HASHED = 12


@dataclass(frozen=True, slots=True)
class PracticeTask:
    """One task with what its answer is compared with."""

    id: str
    input: str
    target: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    """Path in the agent's folder → path of the file that is copied there."""
    tools: tuple[str, ...] = ()
    """Names of the tools at hand, where they are known beforehand."""
    rubric: str | None = None
    """What a good answer has, a point a line, for a judge."""

    @property
    def digest(self) -> str:
        """The same for the same task, whatever file it stands in."""
        return digest_of([self.input, self.target, dict(self.files)])


def digest_of(value: object) -> str:
    """A short name for a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:_HASHED]


def kind_of(what: str) -> Kind:
    """How tasks are named: a file of them, a folder, or an Inspect task. Raises InvalidInput."""
    path = Path(what)
    if path.is_dir():
        return "folder"
    if path.is_file() and path.suffix.lower() in {".jsonl", ".ndjson", ".csv"}:
        return "tasks"
    if "@" in what or path.suffix == ".py" or (not path.exists() and "/" in what and not path.suffix):
        return "inspect"
    raise InvalidInput(
        f"{what} is nothing to practise on: name a .jsonl or .csv file of tasks, a folder with {NAMES[0]}, or an "
        "Inspect task (file.py@task)."
    )


def tasks_file(what: str) -> Path:
    """The file of tasks that is named, or that stands in the named folder. Raises InvalidInput."""
    path = Path(what)
    if not path.is_dir():
        return path
    for name in NAMES:
        if (path / name).is_file():
            return path / name
    raise InvalidInput(f'{what} has no {NAMES[0]}: write one line for each task, {{"input": "what to do"}}.')


def read_tasks(path: Path) -> list[PracticeTask]:
    """The tasks of a file, in its order. Raises InvalidInput, naming the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read ({error}): it must be text in UTF-8.") from error
    lines = _table(text) if path.suffix.lower() == ".csv" else _json_lines(text, path)
    tasks = [_task(line, number, path) for number, line in lines]
    if not tasks:
        raise InvalidInput(f'{path} has no tasks: write one line for each, {{"input": "what to do"}}.')
    _check_different(tasks, path)
    return tasks


def _table(text: str) -> Iterator[tuple[int, object]]:
    reader = csv.DictReader(text.splitlines())
    for row in reader:
        yield reader.line_num, {name: value for name, value in row.items() if value}


def _json_lines(text: str, path: Path) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{path}:{number}: this is no JSON ({error}): one object a line.") from error


def _task(line: object, number: int, path: Path) -> PracticeTask:
    where = f"{path}:{number}"
    if not isinstance(line, Mapping):
        raise InvalidInput(f'{where}: each line is an object, {{"input": "what to do", "target": "the answer"}}.')
    text, target, files = line.get("input"), line.get("target"), line.get("files") or {}
    if not isinstance(text, str) or not says_something(text):
        raise InvalidInput(f"{where}: `input` must be the text of the task.")
    if isinstance(target, (list, Mapping)):
        raise InvalidInput(f"{where}: `target` must be one text or number.")
    rubric = line.get("rubric")
    if rubric is not None and (not isinstance(rubric, str) or not says_something(rubric)):
        raise InvalidInput(f"{where}: `rubric` must be text, a point a line.")
    if not isinstance(files, Mapping):
        raise InvalidInput(f'{where}: `files` must name files, {{"path in the folder": "file to copy"}}.')
    copied = {str(name): str((path.parent / str(source)).resolve()) for name, source in files.items()}
    for name, source in copied.items():
        if not Path(source).is_file() or Path(name).is_absolute() or ".." in Path(name).parts:
            raise InvalidInput(f"{where}: `files` must copy a file that exists to a path inside the folder: {name}.")
    known = None if target is None else str(target)
    task = PracticeTask("", text, known, copied, rubric=rubric)
    return replace(task, id=str(line.get("id") or task.digest))


def _check_different(tasks: Sequence[PracticeTask], path: Path) -> None:
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen:
            raise InvalidInput(f"{path}: two tasks have the id {task.id}: give each its own, or leave one out.")
        seen.add(task.id)


def held_out_share(tasks: Sequence[PracticeTask], share: float) -> tuple[list[PracticeTask], list[PracticeTask]]:
    """Tasks to practise on, and those that are held out, which stay the same however often this is asked.

    Tasks with the same text stand on one side. Raises InvalidInput where one side would be empty.
    """
    texts = sorted({normalise_task(task.input) for task in tasks}, key=digest_of)
    held = set(texts[: round(len(texts) * share)])
    kept = [task for task in tasks if normalise_task(task.input) not in held]
    out = [task for task in tasks if normalise_task(task.input) in held]
    if not kept or not out:
        raise InvalidInput(f"A share of {share:g} of {number_of(len(tasks), 'task')} leaves one side empty.")
    return kept, out


def shared_tasks(practised: Iterable[str], held_out: Iterable[PracticeTask]) -> list[PracticeTask]:
    """The held-out tasks whose text is also practised."""
    texts = {normalise_task(text) for text in practised}
    return [task for task in held_out if normalise_task(task.input) in texts]
