"""`explib service`: the process that serves all clients of a person and database."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import typer

from explib.text.words import number_of
from explib_server.cli.run import JsonOption, say
from explib_server.service.connection import ask
from explib_server.service.paths import NoService, Place

app = typer.Typer(
    help="The process that serves all clients of a person and database.", no_args_is_help=True, add_completion=False
)
ANSWER_SECONDS = 10.0


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Show the service and its clients, and which of their settings are not the service's."""
    standing = ask("control", {}, ANSWER_SECONDS, start=False)
    say(json.dumps(standing, indent=2) if as_json else "\n".join([service_line(standing), *_client_lines(standing)]))


@app.command()
def stop(as_json: JsonOption = False) -> None:
    """End the service once it has answered what it was asked. The next call of a client starts another."""
    standing = ask("control", {"act": "stop"}, ANSWER_SECONDS, start=False)
    if as_json:
        say(json.dumps(standing, indent=2))
    else:
        say("the service ends, what is asked meanwhile starts another" if standing else service_line(None))


def service_line(standing: Mapping[str, object] | None) -> str:
    """How the service stands, in a line."""
    if standing is None:
        try:
            return f"service: none runs, the next client starts one (log: {Place().log})"
        except NoService as error:
            return f"service: none, each client's server works alone: {error}"
    attached = number_of(len(_clients(standing)), "client")
    learning = ", learning now" if standing["learning"] else ""
    return f"service: process {standing['process']} for {_age(standing['started'])}, {attached}{learning}"


def differing_lines(standing: Mapping[str, object] | None) -> list[str]:
    """A line on what is set here in another way than for the service, if anything is."""
    if standing is None or not isinstance(names := standing["differing"], list) or not names:
        return []
    return [
        f"the service was started with other settings than these: {', '.join(names)}. `explib service stop` ends it; "
        "the next client starts one with its own"
    ]


def _client_lines(standing: Mapping[str, object] | None) -> list[str]:
    if standing is None:
        return []
    lines = []
    for client in _clients(standing):
        where = f", library {client['library']}" if client["library"] else ""
        other = client["differing"]
        differs = f"; set otherwise: {', '.join(other)}" if isinstance(other, list) and other else ""
        name = client["client"] or "a client"
        lines.append(
            f"  {name} for {_age(client['since'])}, tools {client['tools']}{where}, {client['folder']}{differs}"
        )
    return [*lines, *differing_lines(standing)]


def _clients(standing: Mapping[str, object]) -> list[dict[str, object]]:
    clients = standing["clients"]
    return clients if isinstance(clients, list) else []


def _age(since: object) -> str:
    seconds = max(0, round(time.time() - since)) if isinstance(since, int | float) else 0
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
