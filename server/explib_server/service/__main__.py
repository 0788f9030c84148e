"""`python -m explib_server.service`: the service of this environment's database, if there is none yet.

It leaves its parent before anything else: a child that a client would kill with its server must not be found. Then it
listens, before it imports what it serves with: who connects is answered as soon as it can.
"""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Serve until idle. What prevents it is said on standard error, to who started it."""
    if os.fork():
        os._exit(0)
    from explib_server.service.listening import listen
    from explib_server.service.paths import Place

    os.umask(0o077)
    try:
        place = Place()
        listening = listen(place)
    except OSError as error:
        sys.exit(f"explib: the service can't listen: {error}")
    if listening is None:
        return
    gc.disable()  # while it is imported: a search for garbage finds none, and takes a tenth of the start
    from explib_server.service.process import run_service

    try:
        run_service(place, listening)
    finally:
        listening.end()


if __name__ == "__main__":
    main()
