"""Daily use from an empty database: `explib attach`, a dozen sessions as ever, and the next session holds the lesson.

    EXPLIB_NODE=DIR .venv/bin/python benchmarks/daily_use.py claude-code codex gemini opencode copilot

Real agents against a scripted model on loopback, in a repository whose tests only pass behind `make fixtures`. Some
sessions leave failing tests behind, some find it out, some begin with it; no explib command is typed. Prints for each
client what was captured, graded and learned, and whether the lesson stood in the requests of the sessions after.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measuring import parser, show

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from end_to_end.coding_agents import AGENTS, Agent, attach, run_agent
from end_to_end.scripted_model import ScriptedModel, scripted_model

from explib.settings.program import Settings
from explib.storage.store import open_store
from explib_server.projects import project_of
from explib_server.service.connection import ask

MAKEFILE = """\
test:
\t@test -f build/fixtures || { echo 'Error: fixtures are missing: no build/fixtures' >&2; exit 2; }
\t@echo '3 passed'
fixtures:
\t@mkdir -p build && touch build/fixtures && echo 'fixtures written'
"""
LESSON = "make fixtures"
TASKS = (
    "Add a discount of five percent for members to the price list.",
    "Show the delivery date on the confirmation of an order.",
    "Round the tax to whole cents in the invoice.",
    "Let customers filter the catalogue by colour.",
    "Rename the field street to address in the profile.",
    "Send a reminder when a basket is left for a day.",
    "Sort the reviews by their date, newest first.",
    "Refuse coupons that have run out.",
    "Count how often each banner is shown.",
    "Write the stock of each shelf into the report.",
    "Cache the list of countries for an hour.",
    "Hide products that nobody can order any more.",
)
NEXT = (
    "Validate the postal code of a new address.",
    "Make the search ignore accents in names.",
    "Print the weight on the parcel's label.",
)
WAYS = (("make test",), ("make test", "make fixtures", "make test"), ("make fixtures", "make test"))
SETTLE_SECONDS = 60.0


@dataclass(slots=True)
class Outcome:
    """What one client came to."""

    attempts: int = 0
    graded: int = 0
    right: int = 0
    lessons: tuple[str, ...] = ()
    served: int = 0
    seconds: float = 0.0

    @property
    def active(self) -> int:
        """Lessons that are served."""
        return sum(lesson.startswith("active") for lesson in self.lessons)


@contextmanager
def home_of_its_own() -> Iterator[Path]:
    """An empty machine: no database, no settings, no service; the service ends with it."""
    with tempfile.TemporaryDirectory(prefix="explib-daily-") as folder:
        home = Path(folder)
        kept = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith(("EXPLIB_", "XDG_"))}
        os.environ |= {"HOME": folder, "XDG_RUNTIME_DIR": str(home / "run"), "EXPLIB_NODE": kept.get("EXPLIB_NODE", "")}
        (home / "run").mkdir(mode=0o700)
        try:
            yield home
        finally:
            ask("control", {"act": "stop"}, SETTLE_SECONDS, start=False)
            os.environ |= kept


def repository(folder: Path) -> Path:
    """A repository with the convention."""
    subprocess.run(("git", "init", "-q", str(folder)), check=True)
    (folder / "Makefile").write_text(MAKEFILE)
    return folder


async def use(name: str) -> Outcome:
    """One client from an empty database on."""
    agent, began, outcome = AGENTS[name], time.monotonic(), Outcome()
    with home_of_its_own() as home, scripted_model() as model:
        project = repository(home / "shop")
        variables = agent.configure(home, model)
        await attach(name)
        for number, task in enumerate(TASKS):
            await session(agent, project, variables, model, task, number)
        await settled(project, len(TASKS), outcome)
        for number, task in enumerate(NEXT):
            before = len(model.asked)
            await session(agent, project, variables, model, task, number)
            outcome.served += any("explib-lessons" in each and LESSON in each for each in model.asked[before:])
    outcome.seconds = time.monotonic() - began
    return outcome


async def session(
    agent: Agent, project: Path, variables: dict[str, str], model: ScriptedModel, task: str, number: int
) -> None:
    """One session: an edit, and one of the ways to test it."""
    shutil.rmtree(project / "build", ignore_errors=True)
    edit = f"echo 'change {number}' >> shop.py"
    model.prompt, model.commands = task, (edit, *WAYS[number % len(WAYS)])
    await run_agent(agent, project, variables, task)


async def settled(project: Path, sessions: int, outcome: Outcome) -> None:
    """Wait until every session is stored and something is learned, or nothing changes any more."""
    settings = Settings()
    until = time.monotonic() + SETTLE_SECONDS
    async with open_store(settings.database_url) as store:
        while time.monotonic() < until:
            library = await store.libraries.find(project_of(project, settings).library)
            if library is not None:
                held = await store.groups.with_attempts(library, await store.groups.all(library))
                attempts = [each.trajectory for group in held for each in group.attempts]
                lessons = await store.revisions.experiences(library)
                outcome.attempts = len(attempts)
                outcome.graded = sum(each.reward is not None for each in attempts)
                rewards = {each.task: each.reward for each in attempts}
                outcome.right = sum(rewards.get(task) == float(at % 3 > 0) for at, task in enumerate(TASKS))
                outcome.lessons = tuple(f"{each.status}: {each.content}" for each in lessons)
                if len(attempts) >= sessions and any(each.status == "active" for each in lessons):
                    break
            await asyncio.sleep(1.0)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("clients", nargs="+", choices=[*AGENTS])
    rows: list[list[str | int | float]] = []
    for name in options.parse_args().clients:
        found = asyncio.run(use(name))
        rows.append([name, found.attempts, found.graded, found.right, found.active, found.served, found.seconds])
        print(name, *found.lessons, sep="\n  ", flush=True)
    heads = ("client", "attempts", "graded", "right", "lessons active", f"served of {len(NEXT)}", "seconds")
    show(f"{len(TASKS)} sessions from an empty database", heads, rows)


if __name__ == "__main__":
    main()
