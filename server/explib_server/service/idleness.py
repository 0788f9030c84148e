"""When a service is not needed any more."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TypeAlias

from explib_server.service.listening import Listening
from explib_server.service.paths import Place
from explib_server.service.serving import Serving

MOST_LOOK_SECONDS = 5.0
STUCK_SECONDS = 30.0
"""What is ready and is not learned for so long is held by another learner, or its model is away: the next one sees."""
Identity: TypeAlias = "tuple[int, int] | None"


class Idleness:
    """Tells when nobody has been there, and nothing was learned, for EXPLIB_SERVICE_IDLE_SECONDS."""

    def __init__(self, place: Place, listening: Listening, serving: Serving) -> None:
        self._file = None if place.database_file is None else Path(place.database_file)
        self._listening = listening
        self._serving = serving
        self._seconds = serving.settings.service_idle_seconds
        self._opened: Identity = None
        serving.on_open = self._remember
        self._touched = time.monotonic()
        self.look_seconds = min(MOST_LOOK_SECONDS, max(0.1, self._seconds / 10))

    def touch(self) -> None:
        """Somebody was there."""
        self._touched = time.monotonic()

    def database_gone(self) -> bool:
        """True if the file that was opened is gone, or another's: another file of the same name is another database."""
        return self._opened is not None and self._identity() != self._opened

    async def over(self, connections: bool) -> bool:
        """True if the service is to end now. One that nobody can reach any more hands its clients over."""
        if not self._listening.reachable:
            return True
        if connections:
            return False
        if self.database_gone():
            return True
        learner = self._serving.learner
        if learner is not None and learner.working:
            return False
        quiet = time.monotonic() - max(self._touched, 0.0 if learner is None else learner.progressed)
        return quiet >= self._seconds and (quiet >= STUCK_SECONDS or not await self._work())

    async def _work(self) -> bool:
        """Whether this service's learner has something to do. Nothing is imported or opened to know it."""
        if self._serving.settings.chosen_analyst() == "agent" or (open_one := self._serving.application.opened) is None:
            return False
        return bool(await open_one.store.groups.libraries_with_work())

    def _remember(self) -> None:
        self._opened = self._identity()

    def _identity(self) -> Identity:
        try:
            status = self._file.stat() if self._file is not None else None
        except OSError:
            status = None
        return None if status is None else (status.st_dev, status.st_ino)
