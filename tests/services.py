"""Services that servers have started: found by their locks, ended with their test."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from waiting import PATIENCE


def services(runtime: Path) -> list[int]:
    """The processes that serve now."""
    return [process for lock in runtime.glob("*.lock") if alive(process := int(lock.read_text() or 0))]


def alive(process: int) -> bool:
    """Whether it still is, and is a service: its number may have gone to another process."""
    try:
        return b"explib_server.service" in Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def end_services(runtime: Path) -> None:
    """Kill them, also those that have given way to another, and see them gone."""
    until = time.monotonic() + PATIENCE
    for process in _all_of(runtime):
        while alive(process) and time.monotonic() < until:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            time.sleep(0.02)
        assert not alive(process)


def _all_of(runtime: Path) -> list[int]:
    """Every service that was started with this folder."""
    mark = f"XDG_RUNTIME_DIR={runtime.parent}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if alive(int(place.name)) and mark in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
    return found
