"""What people wrote for their agents in a project: the bullets of CLAUDE.md, AGENTS.md and files of rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from explib_server.clients import files

PATTERNS = (
    "CLAUDE.md",
    ".claude/CLAUDE.md",
    ".claude/rules/*.md",
    "AGENTS.md",
    "GEMINI.md",
    ".github/copilot-instructions.md",
    ".github/instructions/*.md",
    ".cursorrules",
    ".cursor/rules/*.mdc",
)
BULLET = re.compile(r"(?P<indent>\s*)(?:[-*+]|\d+[.)])\s+(?P<text>\S.*)")
FENCE = re.compile(r"\s*(?:```|~~~)")
EMPHASIS = re.compile(r"\*\*|__")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One bullet, without its mark and emphasis, on one line."""

    file: str
    """Relative to the project."""
    text: str


def instructions(project: Path) -> list[Instruction]:
    """Every bullet of the project's files, each text once. Raises InvalidInput for a file that can't be read."""
    found: dict[str, Instruction] = {}
    for path in dict.fromkeys(path for pattern in PATTERNS for path in sorted(project.glob(pattern)) if path.is_file()):
        text = (files.read(path) or b"").decode("utf-8", "replace")
        for bullet in bullets(text):
            found.setdefault(bullet, Instruction(path.relative_to(project).as_posix(), bullet))
    return list(found.values())


def bullets(text: str) -> Iterator[str]:
    """The items of Markdown lists, each with the lines that continue it; blocks of code are left out."""
    item: list[str] = []
    fenced = False
    for line in [*text.splitlines(), ""]:
        if FENCE.match(line):
            fenced = not fenced
        marked = None if fenced else BULLET.fullmatch(line)
        continues = bool(item) and not fenced and not marked and line[:1].isspace() and bool(line.strip())
        if continues:
            item.append(line.strip())
            continue
        if item:
            yield EMPHASIS.sub("", " ".join(item))
        item = [marked["text"].strip()] if marked else []
