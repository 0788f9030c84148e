"""What docstrings refer to is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = [path for package in ("library", "learner", "server") for path in sorted((ROOT / package).rglob("*.py"))]
REFERENCE = re.compile(r"\b(?:[Ss]ee|Implementations?:|in the sense of)\s((?:[^.`]{0,30}`[\w.]+`)+)")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def names_and_references(path: Path) -> Iterator[tuple[set[str], list[str]]]:
    """What a file defines and is called, with what its docstrings send the reader to."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, DOCUMENTED):
            name = {path.stem, path.parent.name} if isinstance(node, ast.Module) else {node.name}
            said = REFERENCE.findall(ast.get_docstring(node) or "")
            yield name, [named for each in said for named in re.findall(r"`([\w.]+)`", each)]


def test_what_a_docstring_sends_the_reader_to_exists() -> None:
    found = [(path, *each) for path in FILES for each in names_and_references(path)]
    known = set[str]().union(*(names for _, names, _ in found))
    sent = [(path.name, reference) for path, _, references in found for reference in references]
    assert not [(file, reference) for file, reference in sent if reference.split(".")[-1] not in known]
