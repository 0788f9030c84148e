"""What the tests of the commands start from: a command in this process, and what it answered."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from explib_server.cli import main


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


Explib: TypeAlias = Callable[..., Said]


@pytest.fixture
def explib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Explib:
    """The program `explib`, in this process."""
    monkeypatch.setenv("EXPLIB_EMBEDDER", "none")

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["explib", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int | None)
        return Said(code or 0, said.out, said.err)

    return run


def one_line(said: Said) -> str:
    """The error of a command that failed as it should."""
    assert (said.code, said.out) == (1, "")
    [line] = said.err.splitlines()
    assert line.startswith("explib: ")
    assert "Traceback" not in said.err
    return line
