"""The folders of this program, and single settings looked up before pydantic is imported.

Standard library only, and little of it: what starts in a client's path imports this.
"""

from __future__ import annotations

import os
import sys
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["data", "config", "cache", "log"]
NAME = "explib"
XDG = {
    "data": ("XDG_DATA_HOME", "~/.local/share", ""),
    "config": ("XDG_CONFIG_HOME", "~/.config", ""),
    "cache": ("XDG_CACHE_HOME", "~/.cache", ""),
    "log": ("XDG_STATE_HOME", "~/.local/state", "log"),
}
"""Variable, what stands for it where it is unset, and the folder below the program's own."""


def folder(kind: Kind) -> str:
    """The program's folder of this kind, as platformdirs has it (which takes 40 ms to import)."""
    if not sys.platform.startswith("linux"):
        import platformdirs

        found: str = getattr(platformdirs, f"user_{kind}_dir")(NAME)
        return found
    variable, default, below = XDG[kind]
    home = os.environ.get(variable, "").strip() or os.path.expanduser(default)
    return os.path.join(home, NAME, below).rstrip(os.sep)


def default_database_url() -> str:
    """The address of the database where none is set."""
    return f"sqlite+aiosqlite:///{os.path.join(folder('data'), 'library.db')}"


def config_path() -> str:
    """The TOML file that is read, whether it is there or not."""
    return os.environ.get("EXPLIB_CONFIG") or os.path.join(folder("config"), "config.toml")


def given(name: str) -> str | None:
    """A setting as the environment or the TOML file gives it, unchecked; None where neither does.

    A file that can't be read gives nothing: whoever loads all the settings says what is wrong with it.
    """
    variable = f"EXPLIB_{name.upper()}"
    for key, value in os.environ.items():
        if key.upper() == variable:
            return value
    if not os.path.isfile(path := config_path()):
        return None
    import tomllib

    try:
        with open(path, "rb") as file:
            found = tomllib.load(file).get(name)
    except (OSError, ValueError):
        return None
    return None if found is None else str(found)
