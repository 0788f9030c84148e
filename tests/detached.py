"""Learner processes that servers have started: seen in their log, ended with their test."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

from waiting import PATIENCE

STARTED = re.compile(r"learner process (\d+) started")


def learners(log: Path) -> list[int]:
    """The processes that the log tells of, in the order in which they were started."""
    return [int(found) for found in STARTED.findall(log.read_text(encoding="utf-8"))]


def alive(process: int) -> bool:
    """Whether it still is, and is a learner: its number may have gone to another process."""
    try:
        return b"explib_server.learner_process" in Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def end_learners(log: Path) -> None:
    """Kill them, and see them gone; one that was started a moment ago is waited for."""
    until = time.monotonic() + PATIENCE
    while not learners(log) and time.monotonic() < until:
        time.sleep(0.02)
    for process in learners(log):
        while alive(process) and time.monotonic() < until:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            time.sleep(0.02)
        assert not alive(process)
