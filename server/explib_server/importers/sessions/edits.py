"""Calls that change the files of a project, after which an earlier check tells nothing any more."""

from __future__ import annotations

import re
from collections.abc import Iterator

from explib.models.trajectories import ToolCall
from explib_learner.grammar.commands import command_text
from explib_server.importers.sessions.shell import commands

EDITORS = re.compile(
    r"(?:.*[_.-])?(?:multi_?edit|notebook_?edit|edit(?:_?file)?|write(?:_?file)?|create(?:_?file)?|insert(?:_edit_into_file)?"
    r"|apply_?patch|patch|replace(?:_string_in_file|_in_file)?|str_replace\w*|delete_?file|rename_?file|move_?file)",
    re.IGNORECASE,
)
_WORKERS = re.compile(r"task|agent|spawn_agent|delegate\w*", re.IGNORECASE)
"""Tools that let another agent work, whose edits are not seen here."""
_WRITES = re.compile(r"(?<![\d>&-])(?:1)?>>?\s*(?![&>])(?!/dev/|/tmp/|\$)[\w./~\"'-]")
_CHANGES = {"tee", "patch", "apply_patch", "mv", "cp", "rm", "rmdir", "truncate", "install", "unzip", "dos2unix"}
_GIT = {
    "apply", "am", "checkout", "restore", "stash", "reset", "revert", "merge", "rebase", "pull", "cherry-pick", "clean",
    "switch", "mv", "rm",
}  # fmt: skip
_TEXTS = (".md", ".rst", ".txt", ".adoc")
"""Files that no check reads."""


def edits(call: ToolCall, failed: bool | None) -> bool:
    """Tell whether a call has changed files: not one that failed, nor one of notes and documents alone."""
    line = command_text(call.arguments)
    if line is not None:
        return _line_edits(line)
    if failed:
        return False
    if _WORKERS.fullmatch(call.name):
        return True
    if not EDITORS.fullmatch(call.name):
        return False
    paths = list(_paths(call))
    return not paths or not all(path.lower().endswith(_TEXTS) for path in paths)


def _paths(call: ToolCall) -> Iterator[str]:
    for name in ("file_path", "filePath", "path", "notebook_path", "filename", "file"):
        value = call.arguments.get(name)
        if isinstance(value, str):
            yield value
    for value in call.arguments.values():  # a patch names its files
        if isinstance(value, str):
            yield from re.findall(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", value, re.MULTILINE)


def _line_edits(line: str) -> bool:
    if _WRITES.search(_without_quotes(line)) or "*** Begin Patch" in line:
        return True
    for command in commands(line):
        program, rest = command.words[0].rsplit("/", 1)[-1], command.words[1:]
        in_place = program in ("sed", "perl", "ruby") and any(word.startswith(("-i", "-pi")) for word in rest)
        if in_place or program in _CHANGES or (program == "git" and not _GIT.isdisjoint(rest[:3])):
            return True
    return False


def _without_quotes(line: str) -> str:
    return re.sub(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"", "''", line)
