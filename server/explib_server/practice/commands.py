"""Programs of other people, run within bounds: time, output, and file size; with all that they started ended after."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import re
import shlex
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from explib_server.practice.scorers import Scored
from explib_server.projects.file import FILE

MOST_OUTPUT = 8 * 1024 * 1024
"""Bytes of one stream that are read."""
MOST_FILE_BLOCKS = 1024 * 1024
"""Largest file that a program may write, in the shell's blocks of 512 or 1,024 bytes; one that goes on is stopped."""
FILE_TOO_LARGE = frozenset({-25, 128 + 25})
"""Exit codes of a program that met that limit (signal SIGXFSZ), its own and a shell's."""
MOST_ARGUMENT = 100_000
"""Characters of a prompt that fit into an argument of a command."""
NO_HOOKS = "# An attempt of practice, which serves and captures by itself.\ncapture = false\n"
"""What keeps a client's hooks from serving and capturing in the copy once more."""
GRADE_SECONDS = 300.0
BROKEN_CODE = 126
"""The shell's codes from here on: a check could not be run, or was ended by a signal."""
_LAST_NUMBER = re.compile(
    r"(?:^|\n)\s*+(?:reward|score|grade)?\s*+[:=]?\s*+([-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|\.\d+|nan|inf))\s*$",
    re.IGNORECASE,
)
_STARTED: set[int] = set()
"""Process groups of this process's programs."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A program's end: its exit code, what it wrote, and why it was stopped, if it was."""

    code: int
    out: str
    err: str
    stopped: str = ""

    @property
    def problem(self) -> str:
        """Why it counts for nothing; empty where it ended well."""
        if self.stopped:
            return self.stopped
        if self.code == 0:
            return ""
        last = (self.err.strip() or self.out.strip()).splitlines()[-1:]
        return f"it ended with exit code {self.code}" + (f": {last[0][:300]}" if last else "")


async def run_bounded(
    command: Sequence[str], folder: Path, env: Mapping[str, str], seconds: float, given: str | None = None
) -> Ended:
    """Run a command to its end, or stop it and what it started. Raises nothing for what it does.

    Its streams are files: no pipe can fill up, and the shell's limit holds for them too.
    """
    with TemporaryFile() as given_file, TemporaryFile() as out, TemporaryFile() as err:
        given_file.write((given or "").encode("utf-8", "replace"))
        given_file.seek(0)
        limit = f'ulimit -f {MOST_FILE_BLOCKS}; exec "$@"'
        process = await asyncio.create_subprocess_exec(
            *(("/bin/sh", "-c", limit, "sh", *command) if os.name == "posix" else command),
            cwd=folder,
            env={**os.environ, **env},
            stdin=given_file,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        _STARTED.add(process.pid)
        stopped = ""
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            stopped = f"it was not done after {seconds:g} s and was stopped"
        finally:
            end_group(process.pid)
            code = await process.wait()
            _STARTED.discard(process.pid)
        if code in FILE_TOO_LARGE:
            stopped = "it wrote a larger file than is allowed and was stopped"
        return Ended(code, _begin(out), _begin(err), stopped)


def _begin(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(MOST_OUTPUT).decode("utf-8", "replace")


def end_group(group: int) -> None:
    """End a program and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def end_all() -> None:
    """End every program that is still running."""
    for group in tuple(_STARTED):
        end_group(group)


def filled(command: str, prompt: str) -> tuple[list[str], str | None]:
    """The command with its `{prompt}`, or the prompt for its standard input where it has none, or is too long."""
    words = shlex.split(command)
    if any("{prompt}" in word for word in words) and len(prompt) <= MOST_ARGUMENT:
        return [word.replace("{prompt}", prompt) for word in words], None
    return [word for word in words if word != "{prompt}"], prompt


def located(command: str) -> str:
    """The command with the files that it names from here as full paths: it is run elsewhere."""
    words = [
        str(Path(word).resolve()) if "/" in word and Path(word).is_file() else word for word in shlex.split(command)
    ]
    return shlex.join(words)


def fresh_copy(folder: Path, place: Path, without: Sequence[str], files: Mapping[str, str]) -> None:
    """A copy of the folder at `place`, without the named files, with the task's own."""
    skipped = {str((folder / name).resolve()) for name in without}

    def passed_over(inside: str, names: list[str]) -> set[str]:
        return {name for name in names if str((Path(inside) / name).resolve()) in skipped}

    shutil.copytree(folder, place, symlinks=True, ignore=passed_over)
    (place / FILE).write_text(NO_HOOKS, encoding="utf-8")
    for name, source in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place / name)


def grade_of(ended: Ended, lowest: float, highest: float) -> Scored:
    """The reward that a check gives: the number that it prints last, else by its exit code (0: the highest).

    None for a check that was stopped, could not run, or printed a number outside the range.
    """
    if ended.stopped:
        return Scored(None, f"the check: {ended.stopped}")
    if ended.code >= BROKEN_CODE or ended.code < 0:
        return Scored(None, f"the check could not be run: {ended.problem}")
    if (printed := _LAST_NUMBER.search(ended.out.rstrip())) is None:
        return Scored(highest if ended.code == 0 else lowest, ended.out.strip()[-300:])
    try:
        reward = float(printed[1])
    except ValueError:
        return Scored(None, f"the check printed {printed[1]!r}, which is no number")
    if not math.isfinite(reward) or not lowest <= reward <= highest:
        return Scored(None, f"the check printed {printed[1]}, which is not in the range {lowest:g} to {highest:g}")
    return Scored(reward)


@dataclass(frozen=True, slots=True)
class Told:
    """What a command agent's output tells: its messages, its last words, and what it used."""

    messages: list[object]
    answer: str
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = None


def told_by(out: str) -> Told:
    """Read the output: a JSON message a line (`claude -p --output-format stream-json` prints them), else plain text."""
    lines = [line for line in out.splitlines() if line.strip()]
    try:
        values = [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        values = []
    values = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    objects = [value for value in values if isinstance(value, dict)]
    messages = [message for value in objects if (message := _message(value)) is not None]
    result = next((value for value in reversed(objects) if "result" in value or "total_cost_usd" in value), {})
    usage, usd = result.get("usage") or {}, result.get("total_cost_usd")
    answer = str(result.get("result") or "") or (out.strip() if not objects else "")
    return Told(
        messages or [{"role": "assistant", "content": answer or out.strip() or "(it said nothing)"}],
        answer,
        sum(int(usage.get(name) or 0) for name in _READ_TOKENS) if isinstance(usage, dict) else 0,
        int(usage.get("output_tokens") or 0) if isinstance(usage, dict) else 0,
        float(usd) if isinstance(usd, (int, float)) else None,
    )


_READ_TOKENS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def _message(value: Mapping[str, object]) -> object | None:
    if "role" in value:
        return value
    inner = value.get("message")
    return inner if isinstance(inner, dict) and "role" in inner else None
