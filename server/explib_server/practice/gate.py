"""The regression gate: the lessons of this branch, an export in the repository, against those of another."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from explib.errors import InvalidInput
from explib.settings.program import Settings
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.curation.adopting import adopt
from explib_server.curation.curator import By
from explib_server.exporters.lossless import VERSION, is_export, read_lesson
from explib_server.importers.records import ForeignLesson

BRANCH, MAIN = "this-branch", "base"
"""The libraries of the two exports, in a database that is gone with the gate."""
_CALLER = By("gate", "gate")


@dataclass(frozen=True, slots=True)
class Gate:
    """The two exports, as text."""

    file: str
    base: str
    """The commit that the other one is taken from."""
    mine: str
    main: str
    """Empty where that commit has none."""

    @property
    def is_unchanged(self) -> bool:
        """Both hold the same."""
        return self.mine == self.main


def read_gate(file: str, base: str) -> Gate:
    """The export and the same path at `base`, a name that git knows. Raises InvalidInput."""
    path = Path(file)
    try:
        mine = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{file} cannot be read ({error}): keep the library there by `explib export --format json --output {file}`."
        ) from error
    if base.startswith("-") or _git(path.parent, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}") is None:
        raise InvalidInput(
            f"git knows no {base} here: fetch it (actions/checkout with fetch-depth: 0), or name another by --base."
        )
    gate = Gate(file, base, mine, _git(path.parent, "show", f"{base}:./{path.name}") or "")
    for text, where in ((gate.mine, file), (gate.main, f"{base}:{file}")):
        _lessons(text, where)
    return gate


def _git(folder: Path, *words: str) -> str | None:
    """What git says; None where it says no."""
    program = shutil.which("git")
    if program is None:
        raise InvalidInput("The gate compares with another commit, by git, which is not installed.")
    command = [program, "-C", str(folder), *words]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)  # noqa: S603 git by its path
    return done.stdout if done.returncode == 0 else None


def _lessons(text: str, where: str) -> list[ForeignLesson]:
    try:
        document = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where} is no JSON ({error}): write it by `explib export --format json`.") from error
    if not text:
        return []
    lessons = document.get("lessons") if isinstance(document, dict) and is_export(document) else None
    if not isinstance(lessons, list) or document.get("version") != VERSION:
        raise InvalidInput(f"{where} is no export of lessons: write it by `explib export --format json`.")
    return [ForeignLesson(read_lesson(each), where, f"{where}/{number}") for number, each in enumerate(lessons)]


@asynccontextmanager
async def gate_application(settings: Settings, gate: Gate) -> AsyncIterator[Application]:
    """An application over a database of its own with both libraries. Raises InvalidInput where a lesson is refused."""
    with TemporaryDirectory(prefix="explib-gate-") as folder:
        own = settings.model_copy(update={"database_url": f"sqlite+aiosqlite:///{folder}/gate.db"})
        async with open_application(own) as application:
            for name, text, where in ((BRANCH, gate.mine, gate.file), (MAIN, gate.main, f"{gate.base}:{gate.file}")):
                await _fill(application, name, _lessons(text, where))
            yield application


async def _fill(application: Application, name: str, lessons: list[ForeignLesson]) -> None:
    room = {"max_experiences": max(len(lessons), 1), "review": False}
    defaults = application.settings.library_defaults().model_copy(update=room)
    library = await application.store.libraries.ensure(name, defaults)
    adopted = await adopt(application.store, library, lessons, _CALLER)
    if adopted.refused:
        first = adopted.refused[0]
        raise InvalidInput(f"{first.position}: {first.reason} No library would take it in: correct or remove it.")
