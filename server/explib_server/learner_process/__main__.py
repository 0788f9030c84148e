"""`python -m explib_server.learner_process`: the learner process, apart from the server that started it.

It leaves its parent before anything else: a child that a client would kill with its server must not be found.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Learn until nothing is ready any more; what it says goes to the log."""
    if sys.platform != "win32" and os.fork():
        os._exit(0)
    import asyncio

    from explib_server.learner_process.detached import learn_detached

    asyncio.run(learn_detached())


if __name__ == "__main__":
    main()
