"""A shell command line as its simple commands, and which of them its exit code speaks for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?.*?^\s*\1\s*$", re.DOTALL | re.MULTILINE)
_SUBSTITUTED = re.compile(r"\$\([^()]*\)|`[^`]*`")
_REDIRECTED = re.compile(r"(?<![\w$])\d?(?:>&\d|&>>?|>>?|<)\s*(?:&\d|[\w./~$%@+{}-]+)?")
_VARIABLE = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_KEYWORDS = {
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "function", "{", "}",
    "!",
}  # fmt: skip
_SHELLS = {"sh", "bash", "zsh", "dash"}
_STRICT = re.compile(r"-[a-z]*e[a-z]*")
_LONGEST = 20_000
"""Characters of a command line that is looked into."""


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command of a line."""

    words: tuple[str, ...]
    """Program and arguments, without assignments before it."""
    is_told: bool
    """The line's exit code is 0 only where this command's is."""


def commands(line: str) -> list[Command]:
    """The simple commands of a line in their order; none where it cannot be told what they are."""
    plain = _SUBSTITUTED.sub("_", _HEREDOC.sub(" ", line[:_LONGEST])).replace("\\\n", " ")
    try:
        parts = list(_parts(_REDIRECTED.sub(" ", plain)))
    except ValueError:  # quotes that don't close
        return []
    found = [Command(words, is_told) for words, is_told in _told(parts)]
    return [inner for command in found for inner in _unwrapped(command)]


def _parts(plain: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each command's words with the mark that follows it; a new line is a mark too."""
    words: list[str] = []
    for text in plain.splitlines():
        lexer = shlex.shlex(text, posix=True, punctuation_chars="();|&")
        lexer.whitespace_split = True
        lexer.commenters = "#" if text.lstrip().startswith("#") else ""
        for word in lexer:
            if not word or word[0] not in "();|&":
                words.append(word)
            elif word not in "()":
                yield tuple(words), word
                words = []
        if words:
            yield tuple(words), ";"
            words = []


def _told(parts: Sequence[tuple[tuple[str, ...], str]]) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Each command, and whether the line's exit code tells of its failure."""
    strict = any(words[:1] == ("set",) and any(map(_STRICT.fullmatch, words[1:])) for words, _ in parts)
    piped = any(words[:1] == ("set",) and "pipefail" in words for words, _ in parts)
    hidden = any(mark in ("||", "&") or (words and words[0] in _KEYWORDS) for words, mark in parts)
    for at, (words, mark) in enumerate(parts):
        rest = [following for _, following in parts[at:-1]]
        goes_on = all(each == "&&" or (strict and each == ";") or (piped and each.startswith("|")) for each in rest)
        while words and _VARIABLE.fullmatch(words[0]):
            words = words[1:]
        if words:
            yield words, goes_on and not hidden and mark != "&"


def _unwrapped(command: Command) -> Iterator[Command]:
    """The commands in the text that a shell is given, else the command itself."""
    words = command.words
    flags = [at for at, word in enumerate(words[:4]) if re.fullmatch(r"-[a-z]*c", word)]
    if words[0].rsplit("/", 1)[-1] in _SHELLS and flags and len(words) > flags[0] + 1:
        inner = commands(words[flags[0] + 1])
        yield from (Command(each.words, each.is_told and command.is_told) for each in inner)
    else:
        yield command
