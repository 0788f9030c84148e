"""What the exit code of a command line says of the test, build or lint commands in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from explib_server.importers.sessions.check_commands import Kind, kind_of
from explib_server.importers.sessions.shell import commands

_NOT_RUN = re.compile(
    r"""^(?:.*(?:sh|line\ \d+):\ .*(?:not\ found|No\ such\ file\ or\ directory)$
        | .*\bcd:\ .*(?:No\ such\ file|can't\ cd)
        | (?:\S*/)?(?:python[\d.]*|node|ruby):\ (?:No\ module\ named|can't\ open)
        | .*No\ rule\ to\ make\ target | .*[Mm]issing\ script | error:\ Failed\ to\ spawn | .*is\ not\ recognized\ as
        | .*Cannot\ connect\ to\ the\ Docker\ daemon | .*[Nn]o\ tests?\ (?:ran|found))""",
    re.VERBOSE | re.MULTILINE,
)
_LOOKED_AT = 500
"""Characters at the beginning and end of an output that tell that nothing ran."""
_CUT_SHORT = frozenset({124, 126, 127, 130, 137, 143})
"""Exit codes of what was not found, timed out or was killed: they say nothing of the code."""
_PYTEST_UNTOLD = frozenset({3, 4, 5})
"""Internal error, wrong usage, no tests."""
_HARMLESS = {
    "cd", "pushd", "popd", "export", "source", ".", "set", "unset", "ulimit", "echo", "printf", "true", "mkdir", "ls",
    "pwd", "sleep", "cat", "date", "tail", "head", "tee",
}  # fmt: skip
"""Programs beside a check that are not why a line failed."""


@dataclass(frozen=True, slots=True)
class Check:
    """A test, build or lint command that ran to its end."""

    kind: Kind
    words: str
    """The command, for people."""
    exit_code: int

    @property
    def passed(self) -> bool:
        """Whether all was well."""
        return self.exit_code == 0


def check(line: str, exit_code: int, output: str) -> Check | None:
    """The check that a command line made; None where it made none, or its exit code doesn't tell.

    Behind a pipe, `|| true` or `;` the exit code is another command's.
    """
    ran = commands(line)
    kinds = [kind_of(command.words) for command in ran]
    found = [(command, kind) for command, kind in zip(ran, kinds, strict=True) if kind is not None]
    if not found or not all(command.is_told for command, _ in found) or exit_code in _CUT_SHORT:
        return None
    others = [command.words[0] for command, kind in zip(ran, kinds, strict=True) if kind is None and command.is_told]
    command, kind = found[-1]
    words = " ".join(command.words)
    if exit_code != 0:
        if any(program not in _HARMLESS for program in others) or _has_not_run(output):
            return None
        if "pytest" in words and exit_code in _PYTEST_UNTOLD:
            return None
    strongest: Kind = "test" if any(kind == "test" for _, kind in found) else kind
    return Check(strongest, words[:80], exit_code)


def _has_not_run(output: str) -> bool:
    return _NOT_RUN.search(output[:_LOOKED_AT]) is not None or _NOT_RUN.search(output[-_LOOKED_AT:]) is not None
