"""Where a database's learner process writes what it did."""

from __future__ import annotations

import hashlib
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from platformdirs import user_log_path

from explib.settings.program import Settings
from explib.storage.store import database_file

LOG_BYTES = 1024 * 1024
"""A fuller log becomes `….log.1`, in place of the one before it: a log takes twice this at most."""
_NAME_LENGTH = 12


def learner_log(settings: Settings) -> Path:
    """The log of this database's learner processes on this machine; there is none where none ever ran."""
    file = database_file(settings.database_url)
    database = settings.database_url if file is None else str(file.resolve())
    name = hashlib.sha256(database.encode()).hexdigest()[:_NAME_LENGTH]
    return user_log_path("explib") / f"learner-{name}.log"


def write_log(settings: Settings) -> None:
    """From here on everything that this process logs goes to the learner's log, its runs at any level."""
    path = learner_log(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    form = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=settings.log_level, handlers=[handler], format=form, force=True)
    logging.getLogger("explib_server.learner_process").setLevel(logging.INFO)
