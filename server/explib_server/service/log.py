"""The log of the service: a file, since nobody reads its standard error."""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

from explib.settings.program import Settings
from explib.storage.sqlite.file import make_private
from explib_server.telemetry.logs import Repeats

LOG_BYTES = 1024 * 1024
"""A fuller log becomes `….log.1`, in place of the one before it: a log takes twice this at most."""


def write_log(file: str, settings: Settings) -> None:
    """From here on all that this process logs goes there, what it does at any level. Raises OSError.

    Standard error, which was heard by who started it, goes there too.
    """
    path = Path(file)
    make_private(path)
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.addFilter(Repeats())
    form = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=settings.log_level, handlers=[handler], format=form, force=True)
    for name in ("explib_server.service", "explib_server.mcp.background"):
        logging.getLogger(name).setLevel(logging.INFO)
    errors = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.dup2(errors, 2)
    os.close(errors)
