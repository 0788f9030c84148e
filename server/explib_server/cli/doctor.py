"""`explib doctor`: what is set, where it comes from, and whether it works, also as the attached clients start it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import tomllib
from importlib.metadata import version

from pydantic import SecretStr

from explib.errors import ExplibError, ModelError
from explib.settings.program import Settings, config_file
from explib_server.analyst_choice import analyst_name
from explib_server.application import Application, open_application
from explib_server.cli.run import load_settings, say
from explib_server.clients.attached import Address, Attached, Command, Launch, attached
from explib_server.clients.catalogue import CLIENTS
from explib_server.clients.entries import own_command
from explib_server.clients.places import this_machine

OUR_VARIABLES = ("EXPLIB_", "OPENAI_")


def doctor() -> None:
    """Print every setting with its source, then try the parts, the server, and what the clients have configured."""
    settings = load_settings()
    say(f"explib {version('explib')} on Python {sys.version.split()[0]}; config file: {config_file()}")
    for name in Settings.model_fields:
        say(f"  {name} = {_shown(getattr(settings, name))}  ({_source(name)})")
    if not asyncio.run(_works(settings)):
        sys.exit(1)


async def _works(settings: Settings) -> bool:
    """Every check that can be made is, whatever the ones before it said."""
    parts = await _check_parts(settings)
    model = await check_model(settings) if parts else False
    server = await _check_server() if parts else False
    clients = [await check_client(each) for each in attached(this_machine())]
    if not clients:
        say("-     no client has the server in its configuration: `explib attach CLIENT` puts it there")
    return parts and model and server and all(clients)


async def _check_server() -> bool:
    """The server of this installation, started with this environment."""
    own = {name: value for name, value in os.environ.items() if name.startswith(OUR_VARIABLES)}
    command, *arguments = own_command()
    return await _try("the server", Command(command, tuple(arguments), own))


async def check_client(found: Attached) -> bool:
    """One client's entry, started or reached as the client would."""
    title = f"{CLIENTS[found.client].title} ({found.path})"
    if isinstance(found.launch, str):
        say(f"?     {title}: {found.launch}")
        return True
    again = f"`explib attach {found.client}`"
    advice = f"Attach again: {again}"
    if isinstance(found.launch, Address):
        advice = (
            f"Is the server at {found.launch.url} running, and is that all of its address (mostly it ends in /mcp)? "
            f"If so, attach again with a token that is good: {again}"
        )
    return await _try(f"{title}: {found.name}", found.launch, f" {advice}.")


async def _try(title: str, launch: Launch, advice: str = "") -> bool:
    from explib_server.clients.probe import ServerFailed, try_server

    try:
        say(f"ok    {title} {await try_server(launch)}")
    except ServerFailed as error:
        say(f"FAIL  {title}: {error}.{advice}")
        return False
    return True


async def _check_parts(settings: Settings) -> bool:
    try:
        async with open_application(settings) as application:
            say(f"ok    database: {application.store.database.dialect.describe()}")
            say(await _library(application))
            say(f"ok    {await _retrieval(application)}")
            analyst = analyst_name(settings)
            say(f"ok    analyst: {analyst}" + (f" with {settings.model_name}" if analyst == "model" else ""))
    except ExplibError as error:
        say(f"FAIL  {error}")
        return False
    return True


async def check_model(settings: Settings) -> bool:
    """One short request to the model's endpoint, where the learner asks one."""
    if analyst_name(settings) != "model":
        return True
    from explib_server.model_runtime import try_model

    address = settings.model_base_url or os.environ.get("OPENAI_BASE_URL", "OpenAI's address")
    where = f"the model {settings.model_name} at {address}"
    started = time.monotonic()
    try:
        answer = await try_model(settings)
    except ModelError as error:
        say(f"FAIL  {where}: {error}")
        return False
    spent = f"{answer.prompt_tokens} + {answer.completion_tokens} tokens"
    say(f"ok    {where} answers in {time.monotonic() - started:.1f} s ({spent})")
    return True


async def _library(application: Application) -> str:
    name = application.settings.library
    found = await application.store.libraries.find(name)
    if found is None:
        return f"-     library {name} is not there yet: the first use makes it"
    return f"ok    library {name}, at revision {found.revision}"


async def _retrieval(application: Application) -> str:
    embedder = application.experiences.embedder
    if embedder is None:
        return "retrieval by words only (EXPLIB_EMBEDDER=none)"
    [vector] = await embedder.embed(["does it work?"])
    return f"retrieval by words and by {embedder.name} ({len(vector)} dimensions)"


def _shown(value: object) -> str:
    """As people write it."""
    match value:
        case SecretStr():
            return "(set)"
        case None | ():
            return "unset"
        case bool():
            return "on" if value else "off"
        case tuple():
            return ",".join(value)
        case _:
            return str(value)


def _source(name: str) -> str:
    if (variable := f"EXPLIB_{name.upper()}") in os.environ:
        return f"environment {variable}"
    path = config_file()
    if path.exists() and name in tomllib.loads(path.read_text(encoding="utf-8")):
        return f"{path}"
    return "default"
