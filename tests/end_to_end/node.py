"""What comes by npm: `.ci/run` installs it under `.node/` from `clients/package.json`.

EXPLIB_NODE names another folder. The tests that need what isn't there skip, with the reason.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("EXPLIB_NODE") or Path(__file__).parents[2] / ".node").absolute()
CLIENTS = Path(__file__).parent / "clients"


def command(name: str) -> str:
    """The path of an installed command."""
    return str(FOLDER / "node_modules" / ".bin" / name)


def needs(name: str) -> pytest.MarkDecorator:
    """Skips where the command isn't installed."""
    missing = not Path(command(name)).exists()
    return pytest.mark.skipif(missing, reason=f"{name} is not in {FOLDER}: run .ci/run where npm is")


def environment(**more: str) -> dict[str, str]:
    """This process's environment with the installed Node first in the path."""
    return {**os.environ, "PATH": os.pathsep.join((str(Path(command("node")).parent), os.environ["PATH"])), **more}
