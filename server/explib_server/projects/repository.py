"""The repository of a folder, read from its files: its root and what names it. Git itself is not started."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR

_SECTION = re.compile(r'\[\s*remote\s+"origin"\s*\]', re.IGNORECASE)
_URL = re.compile(r"\s*url\s*=\s*(.*)", re.IGNORECASE)
_SCP = re.compile(r"(?P<host>[^/\\]{2,}?):(?P<path>.+)")
"""`user@host:path`; one letter before the colon is a drive of Windows."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A working tree. `identity` is the same in all its clones and worktrees, and holds no credentials."""

    root: Path
    identity: str


def repository_of(folder: Path) -> Repository | None:
    """The repository that a folder, which is resolved, lies in."""
    for root in (folder, *folder.parents):
        if (git := _git_folder(root)) is not None:
            shared = _shared_folder(git)
            remote = _origin(shared / "config")
            return Repository(root, _address(remote, root) if remote else _local_name(shared))
    return None


def mode_of(path: Path) -> int:
    """The kind and permissions of a file; 0 where there is none, or none that can be seen."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _git_folder(root: Path) -> Path | None:
    """The folder that `.git` is, or that it names in a worktree or a submodule."""
    git = root / ".git"
    if S_ISDIR(mode_of(git)):
        return git
    first, _, named = _text(git).partition(":")
    return (root / named.strip()).resolve() if first.strip() == "gitdir" and named.strip() else None


def _shared_folder(git: Path) -> Path:
    """The folder with the repository's configuration: a worktree's own one names it."""
    named = _text(git / "commondir").strip()
    return (git / named).resolve() if named else git


def _origin(config: Path) -> str | None:
    """The URL of the remote `origin`."""
    within = False
    for line in _text(config).splitlines():
        if line.lstrip().startswith("["):
            within = _SECTION.match(line.strip()) is not None
        elif within and (found := _URL.match(line)):
            return _value(found[1]) or None
    return None


def _value(written: str) -> str:
    """A value of a configuration file without its quotes and comment."""
    plain = written.strip()
    if plain.startswith('"'):
        return plain[1:].partition('"')[0]
    return re.split(r"\s[#;]", plain, maxsplit=1)[0].strip()


def _address(remote: str, root: Path) -> str:
    """Host and path in lower case: without user, password, port, query and the `.git` at the end."""
    scheme, separator, rest = remote.partition("://")
    if separator:
        place, _, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
        host = "" if scheme.lower() == "file" else place.rpartition("@")[2].partition(":")[0]
    elif named := _SCP.fullmatch(remote):
        host, path = named["host"].rpartition("@")[2], named["path"]
    else:
        host, path = "", str((root / remote).resolve())
    trimmed = path.replace("\\", "/").strip("/").removesuffix(".git").strip("/")
    return f"{host}/{trimmed}".lower() if host else f"/{trimmed}"


def _local_name(shared: Path) -> str:
    return str(shared.parent if shared.name == ".git" else shared)


def _text(path: Path) -> str:
    """The text of a small file; empty where it can't be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
