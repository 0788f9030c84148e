"""Running a command: settings, an open application, errors as one line on stderr."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import typer
from pydantic import ValidationError

from explib.errors import ExplibError, InvalidSetting
from explib.settings.program import Settings, config_file
from explib.settings.wording import wrong_settings
from explib_server.projects.folder import here, working_in
from explib_server.telemetry.logs import announce, set_up_logs
from explib_server.telemetry.tracing import set_up_traces

if TYPE_CHECKING:
    from explib.storage.engine import Access
    from explib_server.application import Application

T = TypeVar("T")
LibraryOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Which library; default: EXPLIB_LIBRARY, else the folder's.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Our errors end the program with their message, which says what to do; defects keep their traceback."""
    try:
        yield
    except* ExplibError as group:
        for error in _leaves(group):
            announce(f"explib: {error}", logging.ERROR)
        sys.exit(1)


def _leaves(group: BaseExceptionGroup[ExplibError]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


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


def run(work: Callable[[Application], Awaitable[T]], access: Access = "create") -> T:
    """Open the application, do the work, close it."""
    from explib_server.compose import open_application

    async def act() -> T:
        async with open_application(load_settings(), access) as application:
            return await work(application)

    with working_in(here()):
        return asyncio.run(act())


def say(text: str) -> None:
    """One text to standard output, as it is."""
    typer.echo(text)
