"""What became of a turn's edits grades it later: kept in a commit, or taken back; what git can't tell gives nothing."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from explib.models.json_value import Json
from explib.models.submissions import Attempt, RawSubmission
from explib.models.trajectories import Step, ToolCall
from explib.settings.program import Settings
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.hooks.afterwards import AGAIN_SECONDS, STANDS_SECONDS, Afterwards, Fate, fate_of_edits
from explib_server.importers.sessions.edited_lines import EditedLines, edited_lines
from explib_server.projects import Project, project_of
from explib_server.projects.state import remember_folder, switch

BEFORE = "def price(basket):\n    return sum(basket)\n"
AFTER = "def price(basket):\n    return round(sum(basket) * 0.95, 2)\n"
pytestmark = pytest.mark.process
LONGER = BEFORE + "\n\ndef weight(basket):\n    return len(basket) * 7\n"
LONG_AGO, STORED = 2 * STANDS_SECONDS, 3 * STANDS_SECONDS
Then: TypeAlias = Callable[["Shop"], object]


class Shop:
    """A repository with one file, committed before the turn."""

    def __init__(self, root: Path) -> None:
        self.root, self.file = root, root / "price.py"
        root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write(BEFORE)
        self.commit(5 * STANDS_SECONDS)

    def git(self, *words: str, ago: float = 0.0) -> None:
        who = {
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@b",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@b",
        }
        date = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"@{int(time.time() - ago)} +0000")
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, **who, **date}
        subprocess.run(("git", "-C", str(self.root), *words), check=True, capture_output=True, env=env)

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def commit(self, ago: float = LONG_AGO) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "change", ago=ago)

    def edit(self, old: str = BEFORE, new: str = AFTER) -> dict[str, EditedLines]:
        """The turn: the file says `new`."""
        self.write(new)
        return told("Edit", {"file_path": str(self.file), "old_string": old, "new_string": new})


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path.resolve() / "shop")


def told(name: str, given: dict[str, Json], *more: ToolCall) -> dict[str, EditedLines]:
    """The edits of calls that succeeded."""
    calls = [ToolCall("c0", name, given), *more]
    results = [Step("tool", "done", answers_call=call.id) for call in calls]
    return edited_lines([Step("assistant", "", tuple(calls)), *results])


def kept(shop: Shop) -> None:
    shop.commit()


def kept_and_worked_on(shop: Shop) -> None:
    shop.commit()
    shop.write(AFTER + "\n\ndef tax(sum):\n    return sum * 0.19\n")
    shop.commit(0)


def just_committed(shop: Shop) -> None:
    shop.commit(60)


def thrown_away(shop: Shop) -> None:
    shop.git("checkout", "--", "price.py")


def contrary_edit(shop: Shop) -> None:
    shop.write(BEFORE + "TAX = 0.19\n")


def reverted(shop: Shop) -> None:
    shop.commit()
    shop.git("revert", "--no-edit", "HEAD")


def reset(shop: Shop) -> None:
    shop.commit()
    shop.git("reset", "-q", "--hard", "HEAD~1")


def stashed(shop: Shop) -> None:
    shop.git("stash")


def on_another_branch(shop: Shop) -> None:
    shop.git("checkout", "-qb", "feature")
    shop.commit()
    shop.git("checkout", "-q", "main")


def changed_since(shop: Shop) -> None:
    shop.write(AFTER.replace("round(sum(basket) * 0.95, 2)", "total(basket)"))
    shop.commit()


def moved(shop: Shop) -> None:
    shop.git("mv", "price.py", "prices.py")
    shop.commit()


def uncommitted(_shop: Shop) -> None:
    pass


@pytest.mark.parametrize(
    ("then", "fate"),
    [
        (kept, "kept"),
        (kept_and_worked_on, "kept"),
        (just_committed, "open"),
        (uncommitted, "open"),
        (thrown_away, "taken back"),
        (contrary_edit, "taken back"),
        (reverted, "taken back"),
        (reset, "taken back"),
        (stashed, "open"),
        (on_another_branch, "open"),
        (changed_since, "open"),
        (moved, "open"),
    ],
)
def test_what_became_of_an_edit(shop: Shop, then: Then, fate: Fate) -> None:
    edited = shop.edit()
    then(shop)
    assert fate_of_edits(shop.root, edited, time.time() - STORED) == fate


@pytest.mark.parametrize(
    ("then", "fate"),
    [(kept, "kept"), (thrown_away, "taken back"), (reverted, "taken back"), (changed_since, "open")],
)
def test_added_lines_that_later_work_replaced_were_not_taken_back(shop: Shop, then: Then, fate: Fate) -> None:
    edited = shop.edit(new=LONGER)
    then(shop)
    assert fate_of_edits(shop.root, edited, time.time() - STORED) == fate


@pytest.mark.parametrize(("then", "fate"), [(kept, "kept"), (reverted, "taken back"), (uncommitted, "open")])
def test_a_new_file_is_told_by_the_commit_that_made_it(shop: Shop, then: Then, fate: Fate) -> None:
    shop.file = shop.root / "tax.py"
    edited = told("Write", {"file_path": str(shop.file), "content": AFTER})
    shop.write(AFTER)
    then(shop)
    assert fate_of_edits(shop.root, edited, time.time() - STORED) == fate


def test_a_passing_script_and_files_elsewhere_say_nothing_beside_the_rest(shop: Shop) -> None:
    edited = shop.edit()
    for path in (shop.root / "try.py", shop.root.parent / "notes.py"):
        edited |= told("Write", {"file_path": str(path), "content": AFTER})
    shop.commit()
    assert fate_of_edits(shop.root, edited, time.time()) == "kept"
    other = shop.root / "other.py"
    other.write_text(BEFORE)
    shop.commit()
    more = told("Edit", {"file_path": str(other), "old_string": BEFORE, "new_string": LONGER})
    assert fate_of_edits(shop.root, edited | more, time.time()) == "open", "one was kept, and one was not"


def test_another_clone_takes_nothing_back(shop: Shop) -> None:
    patch = "*** Begin Patch\n*** Update File: price.py\n@@\n-    return sum(basket)\n+    return 7 * 9\n*** End Patch"
    edited = told("apply_patch", {"input": patch})
    assert {path: (each.removed, each.added) for path, each in edited.items()} == {
        "price.py": ({"return sum(basket)"}, {"return 7 * 9"})
    }
    assert fate_of_edits(shop.root, edited, time.time()) == "open"
    shop.write(BEFORE.replace("sum(basket)", "7 * 9"))
    shop.commit()
    assert fate_of_edits(shop.root, edited, time.time()) == "kept"


def test_what_a_turn_took_back_itself_is_no_edit_of_it() -> None:
    there = {"file_path": "a.py", "old_string": "first line", "new_string": "second line"}
    back = ToolCall("c1", "Edit", {"file_path": "a.py", "old_string": "second line", "new_string": "first line"})
    assert told("Edit", dict(there), back) == {}
    assert told("Edit", dict(there), ToolCall("c1", "Bash", {"command": "git checkout -- a.py"})) == {}
    failed = [Step("assistant", "", (ToolCall("c0", "Edit", dict(there)),))]
    assert edited_lines([*failed, Step("tool", "no such text", answers_call="c0", is_error=True)]) == {}


def test_nothing_that_a_repository_configures_is_run(shop: Shop, tmp_path: Path) -> None:
    trap, edited = tmp_path / "ran", shop.edit()
    shop.commit()
    (shop.root / ".gitattributes").write_text("*.py diff=trap filter=trap\n")
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "gpg.program", "diff.trap.textconv",
                 "diff.external", "filter.trap.smudge", "filter.trap.clean"):  # fmt: skip
        shop.git("config", name, f"touch {trap}; cat")
    shop.git("config", "log.showSignature", "true")
    assert fate_of_edits(shop.root, edited, time.time()) == "kept"
    assert not trap.exists()


async def submitted(application: Application, shop: Shop, **more: object) -> str:
    """A captured attempt of the project that made the edit."""
    given: Json = {"file_path": str(shop.file), "old_string": BEFORE, "new_string": AFTER}
    steps = [
        {"role": "user", "content": "Add the discount."},
        {"role": "assistant", "tool_calls": [{"id": "c0", "function": {"name": "Edit", "arguments": given}}]},
        {"role": "tool", "tool_call_id": "c0", "content": "done"},
    ]
    library = await application.store.libraries.ensure("shop", application.settings.library_defaults())
    key = f"turn:claude-code:0b6f9a52-6a3c-4c1e-9d55-3f0c6a1b2c3d:{len(more)}{more.get('reward_source')}"
    raw = RawSubmission("Add the discount.", steps, idempotency_key=key, **more)  # type: ignore[arg-type]
    return (await application.submit(library, raw)).trajectory_id


async def test_a_later_look_grades_what_nobody_graded_and_corrects_only_what_was_inferred(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.edit()
    shop.commit()
    async with open_application(Settings(embedder="none")) as application:
        ids = [
            await submitted(application, shop),
            await submitted(application, shop, reward=1.0, reward_source="inferred"),
            await submitted(application, shop, reward=1.0, reward_source="test"),
        ]
        library, afterwards = await application.store.libraries.get("shop"), Afterwards(application)
        project = Project("shop", ("shop",), True, shop.root)

        async def rewards() -> list[float | None]:
            await afterwards.look(project)
            return [each.reward for each in await application.store.trajectories.heads(library, ids)]

        assert await rewards() == [1.0, 1.0, 1.0]
        shop.git("revert", "--no-edit", "HEAD")
        assert await rewards() == [1.0, 1.0, 1.0], "a project is not looked at again at once"
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + AGAIN_SECONDS)
        assert await rewards() == [0.0, 0.0, 1.0]
        [first, *_] = await application.store.trajectories.heads(library, ids)
        assert (first.reward_source, first.feedback) == ("inferred", "Its edits were taken back later: price.py.")
        await application.report_reward(Attempt(first.id), 1.0, "It was right.", source="person")
        assert (await rewards())[0] == 1.0


async def test_each_known_project_is_looked_at_but_not_where_capture_is_off(shop: Shop) -> None:
    (shop.root / ".explib.toml").write_text('library = "shop"')
    shop.edit()
    thrown_away(shop)
    async with open_application(Settings(embedder="none")) as application:
        trajectory_id = await submitted(application, shop)
        remember_folder("shop", shop.root)
        assert project_of(shop.root, application.settings).library == "shop"
        library = await application.store.libraries.get("shop")
        for off, expected in ((True, None), (False, 0.0)):
            switch(shop.root, off=off)
            await Afterwards(application).look_everywhere()
            [attempt] = await application.store.trajectories.heads(library, [trajectory_id])
            assert attempt.reward == expected
