"""Which commands are tests, builds and lints, however they are started: see checks.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["test", "lint", "build"]

_KINDS: tuple[Kind, ...] = ("test", "lint", "build")
_VERSION = re.compile(r"(?<=[a-z])[\d.]+$")
_SCRIPT_ENDING = re.compile(r"\.(?:sh|py|[cm]?js|ts|rb|pl|exe|cmd|bat)$")
_NAME_PARTS = re.compile(r"[A-Z]?[a-z\d]+|[A-Z]+")


@dataclass(frozen=True, slots=True)
class _Table:
    """The lists of checks.toml."""

    commands: Mapping[str, Kind]
    """Programs, and programs with one of their commands."""
    flags: Mapping[str, tuple[Kind, frozenset[str]]]
    names: Mapping[str, Kind]
    """Parts of the names of scripts and targets."""
    beside: frozenset[str]
    """Words that may stand beside them in the name of a script."""
    targets: frozenset[str]
    scripts: frozenset[str]
    not_scripts: frozenset[str]
    interpreters: frozenset[str]
    runners: Mapping[str, int]
    valued: frozenset[str]
    talks: frozenset[str]


def kind_of(words: Sequence[str]) -> Kind | None:
    """The kind of check that a command is; None for any other, also for one that only tells of itself."""
    table = _table()
    if not words or not table.talks.isdisjoint(words):
        return None
    program, rest = _program(words[0]), words[1:]
    started = _started(program, rest)
    if started is not None:
        return kind_of(started)
    operands = _operands(rest)
    for name in (program, *(f"{program} {operand}" for operand in operands[:1])):
        kind, flags = table.flags.get(name, (None, frozenset[str]()))
        if not flags.isdisjoint(rest):
            return kind
        if name in table.commands:
            return table.commands[name]
    if program in table.targets:
        return _of_targets(program, operands, rest)
    if program in table.interpreters and operands:
        script = operands[0].rsplit("/", 1)[-1]
        return table.commands.get(" ".join([script, *operands[1:2]])) or _of_script(script)
    return _of_script(words[0].rsplit("/", 1)[-1]) if "/" in words[0] else None


def _program(word: str) -> str:
    """The program's name without its folder and version."""
    name = _SCRIPT_ENDING.sub("", word.rsplit("/", 1)[-1]) if word.endswith((".exe", ".cmd", ".bat")) else word
    return _VERSION.sub("", name.rsplit("/", 1)[-1])


def _started(program: str, rest: Sequence[str]) -> Sequence[str] | None:
    """The command that a program starts, such as what follows `uv run`; None where it starts none."""
    if program == "python" and "-m" in rest[:4]:
        return rest[rest.index("-m") + 1 :]
    for length in (2, 1, 0):
        skipped = _table().runners.get(" ".join([program, *rest[:length]]))
        if skipped is not None:
            return _behind(rest[length:], skipped)
    return None


def _behind(rest: Sequence[str], skipped: int) -> Sequence[str]:
    """The words behind flags with their values, assignments, and a number of operands."""
    at = 0
    while at < len(rest):
        word = rest[at]
        if word == "--":
            return rest[at + 1 :]
        if word.startswith("-"):
            at += 2 if word in _table().valued else 1
        elif "=" in word or skipped:
            skipped -= "=" not in word
            at += 1
        else:
            break
    return rest[at:]


def _operands(rest: Sequence[str]) -> list[str]:
    """The words that are no flags, values of flags, assignments or toolchains (`+nightly`)."""
    valued = _table().valued
    words = [word for at, word in enumerate(rest) if not (at and rest[at - 1] in valued)]
    return [word for word in words if not word.startswith(("-", "+")) and "=" not in word]


def _of_targets(program: str, operands: Sequence[str], rest: Sequence[str]) -> Kind | None:
    """The kind of the first script or target that has one, by its name; `make` alone builds."""
    table = _table()
    names = [name for name in operands if name not in ("run", "run-script")]
    if program in table.scripts:
        was_run = len(names) < len(operands)
        names = [] if names and names[0] in table.not_scripts and not was_run else names[:1]
    elif program in ("make", "gmake") and (not names or "-n" in rest):
        return None if "-n" in rest else "build"
    return next((kind for name in names if (kind := _named(name)) is not None), None)


def _of_script(name: str) -> Kind | None:
    """The kind of a script by its name: of a test, or one that says nothing but what it checks."""
    parts, table = _parts(name), _table()
    says_only = all(part in table.names or part in table.beside for part in parts)
    return _named(name) if says_only or not {"test", "tests"}.isdisjoint(parts) else None


def _named(name: str) -> Kind | None:
    """The kind of a script or target of the project's, by the parts of its name."""
    kinds = {_table().names[part] for part in _parts(name) if part in _table().names}
    return next((kind for kind in _KINDS if kind in kinds), None)


def _parts(name: str) -> list[str]:
    return [part.lower() for part in _NAME_PARTS.findall(_SCRIPT_ENDING.sub("", name))]


@cache
def _table() -> _Table:
    written = tomllib.loads(files(__package__).joinpath("checks.toml").read_text(encoding="utf-8"))
    own, words = written["own"], written["words"]
    commands = {name: kind for part in ("programs", "commands") for kind in _KINDS for name in written[part][kind]}
    return _Table(
        commands=commands,
        flags={name: (kind, frozenset(found)) for kind in _KINDS for name, found in written["flags"][kind].items()},
        names={name: kind for kind in _KINDS for name in written["names"][kind]},
        beside=frozenset(written["names"]["beside"]),
        targets=frozenset(own["targets"]),
        scripts=frozenset(own["scripts"]),
        not_scripts=frozenset(own["not_scripts"]),
        interpreters=frozenset(own["interpreters"]),
        runners={name: int(number) for number, names in written["runners"].items() for name in names},
        valued=frozenset(words["valued"]),
        talks=frozenset(words["talks"]),
    )
