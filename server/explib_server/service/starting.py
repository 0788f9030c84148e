"""Starting a service that is nobody's child. Standard library only."""

from __future__ import annotations

import os
import select
import sys

from explib_server.service.paths import NoService, Place

COMMAND = (sys.executable, "-P", "-m", "explib_server.service")
"""`-P`: what lies in the folder where the client started its server is not imported."""
WORDS_BYTES = 64 * 1024


class Starting:
    """Starts of one database's service, one at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._words: int | None = None

    def look(self, seconds: float) -> None:
        """Start one unless one is starting; then wait up to `seconds` for its end.

        A service says on its standard error, until it serves, why it can't. Raises NoService with these words. One that
        ends without any found another one at work.
        """
        if self._words is None:
            self._words = _started(self._place)
        if select.select([self._words], [], [], seconds)[0]:
            words = b""
            while more := os.read(self._words, WORDS_BYTES):
                words += more
            self.close()
            if words.strip():
                raise NoService(words.decode(errors="replace").strip().removeprefix("explib: "))

    def close(self) -> None:
        """What it may still say is for its log."""
        if self._words is not None:
            os.close(self._words)
            self._words = None


def _started(place: Place) -> int:
    """Start one in a session of its own, by a process in between that ends at once; its words can be read here."""
    import subprocess

    reading, writing = os.pipe()
    try:
        subprocess.run(
            COMMAND,
            env=place.environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=writing,
            start_new_session=True,
            check=False,
        )
    except OSError as error:
        os.close(reading)
        raise NoService(f"the service can't be started: {error}") from error
    finally:
        os.close(writing)
    return reading
