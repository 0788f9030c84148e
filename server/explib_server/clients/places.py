"""Which clients there are, and where this platform keeps their configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class ClientName(StrEnum):
    """The clients that `explib attach` knows."""

    claude_desktop = "claude-desktop"
    claude_code = "claude-code"
    vscode = "vscode"
    cursor = "cursor"
    codex = "codex"
    opencode = "opencode"
    gemini = "gemini"
    copilot = "copilot"


class Scope(StrEnum):
    """For whom an entry holds."""

    user = "user"
    project = "project"


@dataclass(frozen=True, slots=True)
class Machine:
    """One user's machine: home, the project's folder, platform (`sys.platform`) and environment."""

    home: Path
    project: Path
    platform: str
    environment: Mapping[str, str]

    @property
    def applications(self) -> Path:
        """Where desktop programs keep their settings."""
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        if self.platform == "win32":
            return self.folder("APPDATA", "AppData", "Roaming")
        return self.configuration

    @property
    def configuration(self) -> Path:
        """The XDG folder, which some programs use on every platform."""
        return self.folder("XDG_CONFIG_HOME", ".config")

    def folder(self, variable: str, *default: str) -> Path:
        """The folder that a variable names, else one below home."""
        return Path(self.environment.get(variable) or self.home.joinpath(*default))


def this_machine() -> Machine:
    """The machine and the folder that the command runs in."""
    return Machine(Path.home(), Path.cwd(), sys.platform, os.environ)
