"""A learner process that belongs to no server: started by one, with its settings, and then left to itself."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable

from pydantic import SecretStr

from explib.errors import ExplibError
from explib.settings.program import Settings
from explib.storage.sqlite.file import make_private
from explib.storage.store import database_file
from explib_learner.pipeline import Run
from explib_server.compose import open_application
from explib_server.learner_process.process import LOG_BYTES, learn_until_idle, learner_log, write_log
from explib_server.render.learning import run_text
from explib_server.telemetry.tracing import set_up_traces

log = logging.getLogger(__name__)
COMMAND = (sys.executable, "-P", "-m", "explib_server.learner_process")
"""`-P`: what lies in the folder where the client started its server is not imported."""
_WINDOWS_DETACHED = 0x00000008 | 0x00000200 | 0x01000000
"""DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP, CREATE_BREAKAWAY_FROM_JOB."""


def start_detached(settings: Settings) -> None:
    """Start a learner process with these settings. Returns when it is on its own. Raises OSError."""
    path = learner_log(settings)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    make_private(path)
    with path.open("ab") as output:  # for what is said before, or instead of, the log's own lines
        _run_apart(environment(settings), output.fileno())


def environment(settings: Settings) -> dict[str, str]:
    """The variables by which another process comes to the same settings. Keys are in no command line."""
    names = {f"EXPLIB_{name.upper()}": getattr(settings, name) for name in settings.model_fields_set}
    return {**os.environ, **{name: _said(value) for name, value in names.items() if value is not None}}


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


if sys.platform == "win32":
    _started: list[subprocess.Popen[bytes]] = []

    def _run_apart(variables: dict[str, str], output: int) -> None:
        _started.append(
            subprocess.Popen(
                COMMAND,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                creationflags=_WINDOWS_DETACHED,
            )
        )

else:

    def _run_apart(variables: dict[str, str], output: int) -> None:
        """In a session of its own, and by a process in between that ends at once, so that it is nobody's child."""
        subprocess.run(
            COMMAND,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            check=False,
        )


async def learn_detached() -> None:
    """Learn until idle, in a process of its own."""
    settings = Settings()
    os.umask(0o077)  # the logs that it makes are the person's own
    write_log(settings)
    log.info("learner process %d started", os.getpid())
    file = database_file(settings.database_url)
    if file is not None and not file.exists():
        log.warning("the database %s is gone: nothing is created in its place", file)
        return
    try:
        set_up_traces()
        async with open_application(settings, "existing") as application:
            learning = asyncio.create_task(learn_until_idle(application, _note))
            _on_termination(learning.cancel)
            await asyncio.wait({learning})
            if not learning.cancelled() and not learning.result():
                log.info("another process learns from this database")
    except ExplibError as error:
        log.error("%s", error)
    log.info("learner process %d ended", os.getpid())


async def _note(run: Run) -> None:
    log.info("%s", run_text(run))


def _on_termination(stop: Callable[[], object]) -> None:
    if sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
