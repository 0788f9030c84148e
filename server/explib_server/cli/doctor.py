"""`explib doctor`: what is set, where it comes from, and whether it works."""

from __future__ import annotations

import asyncio
import os
import sys
import tomllib
from importlib.metadata import version

from pydantic import SecretStr

from explib.errors import ExplibError
from explib.settings import Settings, config_file
from explib_server.analyst_choice import analyst_name
from explib_server.cli.running import load_settings, say
from explib_server.runtime import Runtime, open_runtime


def doctor() -> None:
    """Print every setting with its source, then try the database, the embedder and the analyst."""
    settings = load_settings()
    say(f"explib {version('explib')} on Python {sys.version.split()[0]}; config file: {config_file()}")
    for name in Settings.model_fields:
        say(f"  {name} = {_shown(getattr(settings, name))}  ({_source(name)})")
    if not asyncio.run(_check(settings)):
        sys.exit(1)


async def _check(settings: Settings) -> bool:
    try:
        async with open_runtime(settings) as runtime:
            say(f"ok    database: {runtime.store.database.dialect.describe()}")
            say(f"ok    library {(await runtime.library()).name}: {await _retrieval(runtime)}")
            analyst = analyst_name(settings)
            say(f"ok    analyst: {analyst}" + (f" with {settings.model_name}" if analyst == "model" else ""))
    except ExplibError as error:
        say(f"FAIL  {error}")
        return False
    return True


async def _retrieval(runtime: Runtime) -> str:
    embedder = runtime.experiences.embedder
    if embedder is None:
        return "retrieval by words only (EXPLIB_EMBEDDER=none)"
    [vector] = await embedder.embed(["does it work?"])
    return f"retrieval by words and by {embedder.name} ({len(vector)} dimensions)"


def _shown(value: object) -> str:
    return "(set)" if isinstance(value, SecretStr) else str(value)


def _source(name: str) -> str:
    if (variable := f"EXPLIB_{name.upper()}") in os.environ:
        return f"environment {variable}"
    path = config_file()
    if path.exists() and name in tomllib.loads(path.read_text(encoding="utf-8")):
        return f"{path}"
    return "default"
