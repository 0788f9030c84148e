"""A repository's history, read by git: no hook, filter, pager or program that it configures runs, nothing is fetched.

Only commits and files at commits are read, never the index or the working tree, whose reading runs what a repository
configures.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 5.0
"""That one command of git may take."""
MOST_COMMITS = 20
"""Of those that changed a file that are looked at, the newest ones."""
MOST_BYTES = 32 * 1024 * 1024
"""Of all versions of a file that are read."""
_OFFLINE = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that changed a file, with the file's text in it and in the one before; None where there was no file."""

    at: int
    """When it was made (Unix time)."""
    is_here: bool
    """It is part of what is checked out; else of another branch, or stashed."""
    text: str | None
    before: str | None
    is_reverted: bool = False
    """A later commit here says so."""


@dataclass(frozen=True, slots=True)
class FileHistory:
    """The newest commits of any branch that changed a file, newest first, and its text in the commit checked out."""

    commits: tuple[Commit, ...]
    head: str | None
    is_all: bool
    """False: there are more commits."""


def file_history(root: Path, path: str, since: float) -> FileHistory | None:
    """The history of a file, by its path in the repository, since then (Unix time).

    None where git isn't there, fails, or takes too long.
    """
    newest = ("--timestamp", f"--max-count={MOST_COMMITS}", f"--max-age={int(since)}")
    everywhere, here = (_git(root, "rev-list", which, *newest, "--", path) for which in ("--all", "HEAD"))
    if everywhere is None or here is None or "\n" in path:
        return None
    listed = [line.split() for line in everywhere.decode().splitlines()]
    own = {line.split()[1] for line in here.decode().splitlines()}
    names = [name for _, name in listed]
    asked = [f"{revision}:{path}" for name in names for revision in (name, f"{name}^")]
    texts = _texts(root, [f"HEAD:{path}", *asked])
    reverts = _git(root, "rev-list", "HEAD", "--grep=This reverts commit", f"--max-age={int(since)}", "--format=%b")
    if texts is None or reverts is None:
        return None
    head, *versions = texts
    said = reverts.decode(errors="replace")
    commits = [
        Commit(int(at), name in own, versions[2 * place], versions[2 * place + 1], f"reverts commit {name}" in said)
        for place, (at, name) in enumerate(listed)
    ]
    return FileHistory(tuple(commits), head, len(listed) < MOST_COMMITS)


def _texts(root: Path, names: Sequence[str]) -> list[str | None] | None:
    """The texts of files at commits, `COMMIT:PATH`, in one process; None for those that there are not."""
    given = "".join(f"{name}\n" for name in names).encode()
    sizes = _git(root, "cat-file", "--batch-check=%(objectsize)", given=given) or b""
    if sum(int(size) for size in sizes.split() if size.isdigit()) > MOST_BYTES:
        return None
    printed = _git(root, "cat-file", "--batch", given=given)
    if printed is None:
        return None
    texts: list[str | None] = []
    while printed:
        head, _, printed = printed.partition(b"\n")
        words = head.rsplit(b" ", 2)
        size = int(words[2]) if words[-1].isdigit() else None
        text = printed[:size] if size is not None and words[1] == b"blob" else None
        texts.append(None if text is None else text.decode(errors="replace"))
        printed = printed[size + 1 :] if size is not None else printed
    return texts if len(texts) == len(names) else None


def _git(root: Path, *arguments: str, given: bytes = b"") -> bytes | None:
    command = ("git", "--literal-pathspecs", "-C", str(root), *arguments)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        ran = subprocess.run(  # noqa: S603  the words are ours, paths stand behind `--` or on standard input
            command, input=given, capture_output=True, timeout=SECONDS, env=kept | _OFFLINE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout if ran.returncode == 0 else None
