"""The start of every process of ours: its settings and logs, and errors as one line on standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from explib.errors import ExplibError, InvalidSetting, leaves
from explib.settings.program import Settings, config_file
from explib.settings.wording import wrong_settings
from explib_server.telemetry.logs import announce, set_up_logs
from explib_server.telemetry.tracing import set_up_traces


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Our errors end the program with their message, which says what to do; defects keep their traceback."""
    try:
        yield
    except* ExplibError as group:
        for error in leaves(group):
            announce(f"explib: {error}", logging.ERROR)
        sys.exit(1)


def load_settings() -> Settings:
    """The settings of environment and TOML file. Raises InvalidSetting, naming each wrong one."""
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = wrong_settings(error, Settings, "EXPLIB_")
        raise InvalidSetting(
            f"Settings cannot be used: {wrong}. Correct them in the environment (EXPLIB_…) or in {config_file()}."
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidSetting(
            f"{config_file()} cannot be read as TOML ({error}): correct it, or name another file by EXPLIB_CONFIG."
        ) from error
    set_up_logs(settings)
    set_up_traces()
    return settings
