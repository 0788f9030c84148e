"""`explib doctor`: the settings with their sources, and a try of the parts, the server and the attached clients."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import tomllib
from dataclasses import replace
from importlib.metadata import version
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias

from pydantic import BaseModel

from explib.errors import ExplibError, ModelError
from explib.models.libraries import LibrarySettings
from explib.settings.program import Settings, config_file
from explib.settings.wording import setting_text
from explib.storage.maintenance.clock import times_ahead
from explib.storage.store import database_file
from explib_learner.model.answers import json_objects, schema_of
from explib_learner.model.chat import ChatAnswer, ChatMessage, ChatRequest
from explib_server.application import Application
from explib_server.cli.run import say
from explib_server.cli.service import differing_lines, service_line
from explib_server.clients.attached import Address, Attached, Command, Launch, attached
from explib_server.clients.catalogue import CLIENTS
from explib_server.clients.entries import own_command
from explib_server.clients.installed_hooks import installed_hooks
from explib_server.clients.places import ClientName, Scope, this_machine
from explib_server.compose import configured_model, embedder_for, open_application
from explib_server.program import load_settings
from explib_server.projects.folder import here, working_in
from explib_server.render.times import ago
from explib_server.service.connection import ask

OUR_VARIABLES = ("EXPLIB_", "OPENAI_")
TRIAL_SECONDS = 15.0


class TrialAnswer(BaseModel):
    """The answer to the trial."""

    works: bool


TRIAL = ChatRequest(
    step="trial",
    model="",
    messages=(
        ChatMessage("system", "You answer with one JSON object and nothing else."),
        ChatMessage("user", 'Answer with {"works": true}.'),
    ),
    schema_name="trial",
    schema=schema_of(TrialAnswer),
    prompt_hash="",
    max_tokens=0,
)
"""A short request, made, limited and read as the learner makes, limits and reads its own."""
Status: TypeAlias = Literal["OK", "FAIL", "SKIP", "INFO"]


def doctor() -> None:
    """Print every setting with its source, then try the parts, the server, and what the clients have configured."""
    settings = load_settings()
    say(f"explib {version('explib')} on Python {sys.version.split()[0]}; config file: {config_file()}")
    ours = [name for name in Settings.model_fields if name not in LibrarySettings.model_fields]
    for title, names in (("This program:", ours), ("Libraries created from now on:", LibrarySettings.model_fields)):
        say(title)
        for name in names:
            say(f"  {name} = {setting_text(getattr(settings, name))}  ({_source(name)})")
    with working_in(here()):
        works = asyncio.run(_works(settings))
    if not works:
        sys.exit(1)


async def _works(settings: Settings) -> bool:
    """Make every check, even where an earlier one failed."""
    parts = await _check_parts(settings)
    model = await check_model(settings) if parts else False
    _check_service()
    server = await _check_server(settings) if parts else False
    entries = list(attached(this_machine()))
    clients = [await check_client(entry) for entry in entries]
    clients += [check_hooks(name) for name in dict.fromkeys(entry.client for entry in entries)]
    if not clients:
        _report("INFO", "no client is configured to use explib: `explib attach CLIENT` adds it")
    return parts and model and server and all(clients)


def _check_service() -> None:
    """The service that runs; none is started for this."""
    standing = ask("control", {}, TRIAL_SECONDS, start=False)
    for line in (service_line(standing), *differing_lines(standing)):
        _report("INFO", line)


async def _check_server(settings: Settings) -> bool:
    """Start the server of this installation with this environment."""
    own = {name: value for name, value in os.environ.items() if name.startswith(OUR_VARIABLES)}
    command, *arguments = own_command()
    with TemporaryDirectory(prefix="explib-doctor-") as folder:
        if not _database_exists(settings):  # looking creates nothing
            own |= {"EXPLIB_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/library.db", "EXPLIB_SERVICE": "off"}
        return await _try("the server", Command(command, tuple(arguments), own))


async def check_client(entry: Attached) -> bool:
    """Start or reach one client's entry as the client would."""
    title = f"{CLIENTS[entry.client].title} ({entry.path})"
    if isinstance(entry.launch, str):
        _report("SKIP", f"{title}: {entry.launch}")
        return True
    again = f"`explib attach {entry.client}`"
    advice = f"Attach again: {again}"
    if isinstance(entry.launch, Address):
        advice = (
            f"Is the server at {entry.launch.url} running, and is the address complete (it usually ends in /mcp)? "
            f"If so, attach again with a valid token: {again}"
        )
    return await _try(f"{title}: {entry.name}", entry.launch, f" {advice}.")


def check_hooks(name: ClientName) -> bool:
    """The hooks of a client that has our server: there, with a program that is there, and called by the client."""
    found = [hooks for scope in Scope if (hooks := installed_hooks(name, this_machine(), scope)) is not None]
    title, again = f"{CLIENTS[name].title}: hooks", f"`explib attach {name}`"
    present = next((hooks for hooks in found if hooks.program), None)
    if present is None:
        if found:
            _report("INFO", f"{title} are not in {found[0].path}: {again} puts them in")
        return True
    if present.is_gone:
        _report("FAIL", f"{title} in {present.path} start {present.program}, which is not there. Attach again: {again}")
        return False
    if present.last_called is None:
        asks = " In Codex, open /hooks and trust them." if name is ClientName.codex else ""
        _report("INFO", f"{title} are in {present.path}, and were never called: start a new session.{asks}")
    else:
        _report("OK", f"{title} are in {present.path}, last called {ago(present.last_called, time.time())}")
    return True


async def _try(title: str, launch: Launch, advice: str = "") -> bool:
    from explib_server.clients.probe import ServerFailed, try_server

    try:
        _report("OK", f"{title} {await try_server(launch)}")
    except ServerFailed as error:
        _report("FAIL", f"{title}: {error}.{advice}")
        return False
    return True


async def _check_parts(settings: Settings) -> bool:
    try:
        await _check_database(settings)
        _report("OK", await _retrieval(settings))
        analyst = settings.chosen_analyst()
        _report("OK", f"analyst: {analyst}" + (f" with {settings.model_name}" if analyst == "model" else ""))
    except ExplibError as error:
        _report("FAIL", f"{error}")
        return False
    return True


async def _check_database(settings: Settings) -> None:
    if not _database_exists(settings):
        _report("INFO", f"no database yet: the first use creates {database_file(settings.database_url)}")
        return
    async with open_application(settings, "read") as application:
        _report("OK", f"database: {application.store.database.dialect.describe()}")
        for ahead in await times_ahead(application.store.database):
            _report("INFO", f"{ahead.count} × {ahead.what} ({', '.join(ahead.examples)}): {ahead.advice}")
        _report(*await _library(application))


def _database_exists(settings: Settings) -> bool:
    """False for an SQLite database whose file is not there."""
    file = database_file(settings.database_url)
    return file is None or file.exists()


async def try_model(settings: Settings, seconds: float = TRIAL_SECONDS) -> ChatAnswer:
    """Ask the configured model one short question, once. Raises ModelError, also for an answer that can't be used."""
    model = configured_model(settings, seconds, retries=0)
    request = replace(TRIAL, model=settings.model_name, max_tokens=settings.model_answer_tokens)
    try:
        answer = await model.ask(request)
    finally:
        await model.close()
    json_objects(answer.text)
    return answer


async def check_model(settings: Settings) -> bool:
    """Try the model's endpoint, if the learner uses one."""
    if settings.chosen_analyst() != "model":
        return True
    address = settings.model_base_url or os.environ.get("OPENAI_BASE_URL", "OpenAI's address")
    where = f"the model {settings.model_name}" + ("" if settings.model_command else f" at {address}")
    started = time.monotonic()
    try:
        answer = await try_model(settings)
    except ModelError as error:
        _report("FAIL", f"{where}: {error}")
        return False
    spent = f"{answer.prompt_tokens} + {answer.completion_tokens} tokens"
    _report("OK", f"{where} answers in {time.monotonic() - started:.1f} s ({spent})")
    return True


async def _library(application: Application) -> tuple[Status, str]:
    name = application.project.library
    library = await application.store.libraries.find(name)
    if library is None:
        return "INFO", f"library {name} does not exist yet: the first use creates it"
    for note in application.settings.not_in_force(library):
        _report("INFO", note)
    return "OK", f"library {name}, revision {library.revision}"


async def _retrieval(settings: Settings) -> str:
    embedder = embedder_for(settings)
    if embedder is None:
        return "retrieval by words only (EXPLIB_EMBEDDER=none)"
    [vector] = await embedder.embed(["does it work?"])
    return f"retrieval by words and by {embedder.name} ({len(vector)} dimensions)"


def _report(status: Status, text: str) -> None:
    say(f"{status:<4}  {text}")


def _source(name: str) -> str:
    if (variable := f"EXPLIB_{name.upper()}") in os.environ:
        return f"environment {variable}"
    path = config_file()
    if path.exists() and name in tomllib.loads(path.read_text(encoding="utf-8")):
        return f"{path}"
    return "default"
