"""What became of a turn's edits, looked at later: committed and still there, or taken back. It grades the turn.

Nothing is kept for it: the edits stand in the stored attempts, and git knows the rest. Where git can't tell for sure
(another branch, a stash, an edit that was changed since) there is no reward.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from explib.models.libraries import Library
from explib.models.submissions import Attempt
from explib.models.trajectories import AttemptFilter, Trajectory
from explib_server.application import Application
from explib_server.importers.intake import in_range
from explib_server.importers.sessions.edited_lines import EditedLines, edited_lines
from explib_server.projects import Project, project_of
from explib_server.projects.history import Commit, FileHistory, file_history
from explib_server.projects.state import known_folders

STANDS_SECONDS = 86_400.0
"""How old a commit is that was kept."""
LOOK_BACK_SECONDS = 14 * 86_400.0
"""Older attempts are not looked at any more."""
HISTORY_SECONDS = 60 * 86_400.0
"""Of commits before the attempt was stored that are looked at: it may be stored later than it was made."""
AGAIN_SECONDS = 600.0
"""Between two looks at one project."""
NEWEST = 200
"""Attempts of a project among which those are that may be graded."""
MOST_ATTEMPTS = 50
"""Of one look, those first that were not looked at for the longest time: each file takes some commands of git."""
MOST_FILES = 10
MOST_BYTES = 256 * 1024
"""Of a file that is looked at. What is over a limit is not told."""

Fate: TypeAlias = Literal["kept", "taken back", "open", "never was"]
"""Of a turn's edits to a file: the last one of a file that no commit ever had and that is gone."""
SENTENCES: Mapping[Fate, tuple[float, str]] = {
    "kept": (1.0, "Its edits were committed, and stood a day later"),
    "taken back": (0.0, "Its edits were taken back later"),
}


class Afterwards:
    """The late looks of one open database."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._looked: dict[str, float] = {}
        """When at a project, by its folder, and at an attempt, by its id (Unix times)."""
        self._without_edits: set[str] = set()

    async def look_everywhere(self) -> None:
        """Look at every project whose folder is known. Raises StorageError."""
        for library, folder in known_folders().items():
            project = await asyncio.to_thread(project_of, Path(folder), self._application.settings)
            if project.library == library:
                await self.look(project)

    async def look(self, project: Project) -> None:
        """Grade the project's newest attempts by what became of their edits. Raises StorageError."""
        root, now = project.root, time.time()
        if root is None or not project.captured or now - self._looked.get(str(root), 0.0) < AGAIN_SECONDS:
            return
        self._looked[str(root)] = now
        store = self._application.store
        library = await store.libraries.find(project.library)
        if library is None:
            return
        wanted = AttemptFilter(key="turn:", since=now - LOOK_BACK_SECONDS)
        _, newest = await store.trajectories.listed(library, wanted, NEWEST)
        open_yet = [each for each in newest if _may_be_graded(each, library) and each.id not in self._without_edits]
        open_yet.sort(key=lambda each: self._looked.get(each.id, 0.0))
        for attempt in open_yet[:MOST_ATTEMPTS]:
            self._looked[attempt.id] = now
            await self._grade(library, attempt, root)

    async def _grade(self, library: Library, attempt: Trajectory, root: Path) -> None:
        stored = await self._application.store.trajectories.get(library, attempt.id)
        edited = await asyncio.to_thread(edited_lines, stored.steps)
        if not edited:
            self._without_edits.add(attempt.id)
            return
        told = await asyncio.to_thread(fate_of_edits, root, edited, attempt.created_at)
        if told not in SENTENCES or (told == "kept" and attempt.reward is not None):
            return
        share, reason = SENTENCES[told]
        feedback = f"{reason}: {', '.join(Path(path).name for path in edited)}."
        given = in_range(share, library)
        await self._application.report_reward(Attempt(attempt.id), given, feedback, source="inferred")


def _may_be_graded(attempt: Trajectory, library: Library) -> bool:
    """An attempt without a reward; also one that was taken for good by inference: that edits were undone says more."""
    if attempt.reward is None:
        return True
    return attempt.reward_source == "inferred" and attempt.reward > library.settings.reward_min


def fate_of_edits(root: Path, edited: Mapping[str, EditedLines], stored_at: float) -> Fate:
    """What became of all edits of a turn that was stored then (Unix time). Where its files differ, it is open."""
    if len(edited) > MOST_FILES:
        return "open"
    fates = {_fate(root, path, lines, stored_at) for path, lines in edited.items()} - {"never was"}
    return fates.pop() if len(fates) == 1 else "open"


def _fate(root: Path, path: str, edits: EditedLines, stored_at: float) -> Fate:
    place = Path(os.path.realpath(root / path))  # a loop of links is no error here
    if not place.is_relative_to(root) or ".git" in place.parts:
        return "never was"
    text = _text(place)
    history = file_history(root, place.relative_to(root).as_posix(), stored_at - HISTORY_SECONDS)
    if text == "" or history is None:
        return "open"
    brought = [each for each in history.commits if _brings(each, edits)]
    if edits.stand_in(text) and edits.stand_in(history.head):
        return "kept" if any(each.is_here and each.at <= time.time() - STANDS_SECONDS for each in brought) else "open"
    if not history.is_all or not all(each.is_here for each in brought) or _is_there(edits, text, history):
        return "open"
    if brought:
        return "taken back" if _is_restored(edits, history, brought[0]) else "open"
    if history.head is None:
        return "never was" if text is None and not history.commits else "open"
    unchanged = text == history.head and all(each.at < stored_at for each in history.commits)
    undone = not edits.is_whole and (bool(edits.removed) or unchanged)
    return "taken back" if undone and Path(path).is_absolute() else "open"


def _brings(commit: Commit, edits: EditedLines) -> bool:
    """A commit that has the edits, where the one before hadn't. Of a file written as a whole: that made the file."""
    before = commit.before is None if edits.is_whole else not edits.stand_in(commit.before)
    return edits.stand_in(commit.text) is True and before


def _is_there(edits: EditedLines, text: str | None, history: FileHistory) -> bool:
    """Any of it is left, in the folder or in the commit that is checked out."""
    return edits.stand_in(text) is not False or edits.stand_in(history.head) is not False


def _is_restored(edits: EditedLines, history: FileHistory, commit: Commit) -> bool:
    """All is as before the commit: a file where only lines were added may also have lost them by later work."""
    return edits.is_whole or bool(edits.removed) or history.head == commit.before or commit.is_reverted


def _text(place: Path) -> str | None:
    """The text of a file; None where there is none, empty where it is none to look at."""
    try:
        if place.stat().st_size > MOST_BYTES or not place.is_file():
            return ""
        return place.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError:
        return ""
