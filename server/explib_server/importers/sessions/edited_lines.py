"""The lines that a turn added to files and took out of them, as its calls tell: what can be looked for later."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from explib.models.trajectories import Step, ToolCall
from explib_learner.grammar.commands import command_text
from explib_server.importers.sessions.edits import EDITORS, edits

_PATH = ("file_path", "filePath", "path", "filename", "file")
_OLD = ("old_string", "oldString", "old_str", "oldText")
_NEW = ("new_string", "newString", "new_str", "newText")
_WHOLE = ("content", "file_text", "contents")
_PATCHED = re.compile(r"^\*\*\* (Add|Update) File: (.+)$", re.MULTILINE)
_LEAST_CHARACTERS = 3
"""Letters and digits of a line that is told from others: a bracket stands everywhere."""
_HELD_SHARE = 0.8
"""Of the lines that a turn added: who goes on with them may change a few."""


@dataclass(slots=True)
class EditedLines:
    """What a turn did to one file. Lines are without the blanks around them, and without those that say nothing."""

    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    is_whole: bool = False
    """The file was written as a whole, which tells nothing of what it held before."""

    def change(self, old: str, new: str) -> None:
        """One more edit, which may take back an earlier one of the turn."""
        before, after = lines_of(old), lines_of(new)
        gone, come = before - after, after - before
        added = (self.added - gone) | (come - self.removed)
        self.added, self.removed = added, (self.removed - come) | (gone - self.added)

    def write(self, text: str) -> None:
        """The whole file anew."""
        self.added, self.removed, self.is_whole = lines_of(text), set(), True

    def stand_in(self, text: str | None) -> bool | None:
        """Tell whether a version of the file (None: there is none) has the turn's edits, or all was as if they were
        never made; None where it is neither.
        """
        if text is None:
            return False if self.is_whole else None
        held = lines_of(text)
        if len(self.added & held) >= _HELD_SHARE * len(self.added) and not self.removed & held:
            return True
        return False if not self.is_whole and not self.added & held and self.removed <= held else None


def lines_of(text: str) -> set[str]:
    """The lines of a text that can be told from others."""
    return {line.strip() for line in text.splitlines() if sum(map(str.isalnum, line)) >= _LEAST_CHARACTERS}


def edited_lines(steps: Sequence[Step]) -> dict[str, EditedLines]:
    """The edits of a turn by path. A command that changes files makes those before it uncertain: they don't count."""
    results = {step.answers_call: step for step in steps if step.role == "tool"}
    found: dict[str, EditedLines] = {}
    for call in (call for step in steps for call in step.calls):
        result = results.get(call.id)
        if result is None or result.is_error:
            continue
        told = list(_changes(call))
        if not told and edits(call, failed=False):
            found.clear()
        for path, old, new in told:
            if old is None:
                found.setdefault(path, EditedLines()).write(new)
            else:
                found.setdefault(path, EditedLines()).change(old, new)
    return {path: lines for path, lines in found.items() if lines.added or lines.removed}


def _changes(call: ToolCall) -> Iterator[tuple[str, str | None, str]]:
    """Path, old and new text of each change that a call tells; no old text where a file is written as a whole."""
    given = call.arguments
    line = command_text(given)
    texts = [line] if line is not None else [value for value in given.values() if isinstance(value, str)]
    if patch := next((text for text in texts if _PATCHED.search(text)), None):
        yield from _patched(patch)
    path = _text(given, _PATH)
    if path is None or not EDITORS.fullmatch(call.name):
        return
    parts = given.get("edits")
    for part in parts if isinstance(parts, list) else [given]:
        old, new = (_text(part, names) if isinstance(part, Mapping) else None for names in (_OLD, _NEW))
        if old is not None and new is not None:
            yield path, old, new
    whole = _text(given, _WHOLE)
    if whole is not None:
        yield path, None, whole


def _patched(patch: str) -> Iterator[tuple[str, str | None, str]]:
    """The changes of a patch as Codex writes them."""
    _, *parts = _PATCHED.split(patch)
    for kind, path, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        lines = body.split("\n*** ")[0].splitlines()
        old, new = ("\n".join(line[1:] for line in lines if line[:1] in signs) for signs in ("- ", "+ "))
        yield path.strip(), None if kind == "Add" else old, new


def _text(given: Mapping[str, object], names: Sequence[str]) -> str | None:
    return next((value for name in names if isinstance(value := given.get(name), str)), None)
