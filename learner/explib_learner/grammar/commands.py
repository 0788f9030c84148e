"""Shell commands inside calls: each simple command becomes an action of its own, named by program and sub-command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explib.models.json_value import Json

_ARGUMENTS = ("command", "cmd", "script", "shell_command", "bash", "commands")
_PROGRAM = re.compile(r"[\w./@+-]{1,60}")
_SUBCOMMAND = re.compile(r"[a-z][a-z-]{1,20}(?::[a-z-]{1,20})?")
_VARIABLE = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?.*?^\s*\1\s*$", re.DOTALL | re.MULTILINE)
_ENDS = frozenset({"&&", "||", ";", "|", "&", "(", ")", ";;"})
_WRAPPERS = frozenset({"sudo", "time", "env", "nohup", "exec", "command"})
_MAX_COMMANDS = 30
_MAX_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command: `name` is `$ ` and program with sub-command, `arguments` flags, operands, variables."""

    name: str
    arguments: Mapping[str, Json]


def command_text(arguments: Mapping[str, Json]) -> str | None:
    """The shell text that a call carries, by the usual names of that argument; None where it carries none."""
    for name in _ARGUMENTS:
        value = arguments.get(name)
        if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
            words = [str(word) for word in value]
            return words[-1] if len(words) == 3 and words[1] in ("-c", "-lc") else shlex.join(words)
        if isinstance(value, str) and value.strip():
            return value
    return None


def commands(text: str) -> tuple[Command, ...]:
    """The simple commands of a shell text, in order; what is no command is left out."""
    found: list[Command] = []
    plain = _HEREDOC.sub("", text[:_MAX_LENGTH])
    for line in plain.replace("\\\n", " ").splitlines():
        for words in _simple(line):
            command = _command(words)
            if command is not None:
                found.append(command)
    return _placed(found[:_MAX_COMMANDS])


def _placed(found: list[Command]) -> tuple[Command, ...]:
    """Commands behind a `cd` get its folder as their argument `folder`; the `cd` itself goes."""
    placed: list[Command] = []
    folder: Json = None
    for command in found:
        if command.name == "$ cd" and len(found) > 1:
            folder = command.arguments.get("operand")
        else:
            placed.append(Command(command.name, {**command.arguments, **({"folder": folder} if folder else {})}))
    return tuple(placed)


def _simple(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();|&")
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for word in lexer:
            if word in _ENDS:
                yield words
                words = []
            else:
                words.append(word)
    except ValueError:
        words = line.split()
    yield words


def _command(words: list[str]) -> Command | None:
    arguments: dict[str, Json] = {}
    while words and (_VARIABLE.fullmatch(words[0]) or words[0] in _WRAPPERS):
        name, equals, value = words[0].partition("=")
        if equals:
            arguments[f"{name}="] = value
        words = words[1:]
    if not words or not _PROGRAM.fullmatch(words[0]):
        return None
    program, rest = words[0], words[1:]
    if program.startswith("python") and rest[:1] == ["-m"] and len(rest) > 1:
        program, rest = f"{program} -m {rest[1]}", rest[2:]
    elif rest and _SUBCOMMAND.fullmatch(rest[0]):
        program, rest = f"{program} {rest[0]}", rest[1:]
    if program == "npm run" and rest:
        program, rest = f"{program} {rest[0]}", rest[1:]
    arguments.update(_flags(rest))
    return Command(f"$ {program}", arguments)


def _flags(words: list[str]) -> dict[str, Json]:
    """Flags as arguments (a value behind `=`, or the next word behind a short flag), operands as `operand`."""
    arguments: dict[str, Json] = {}
    operands: list[str] = []
    for at, word in enumerate(words):
        if word.startswith("-") and len(word) > 1:
            name, equals, value = word.partition("=")
            following = words[at + 1] if at + 1 < len(words) else ""
            valued = len(name) == 2 and following and not following.startswith("-")
            arguments[name] = value if equals else (following if valued else True)
        elif not (at and len(words[at - 1]) == 2 and words[at - 1].startswith("-")):
            operands.append(word)
    if operands:
        arguments["operand"] = operands[0]
        arguments["operands"] = list(operands)
    return arguments
