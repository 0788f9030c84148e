"""`explib serve`: the MCP server over stdio or streamable HTTP."""

from __future__ import annotations

import signal
import sys
from enum import StrEnum
from typing import Annotated

import typer

from explib_server.cli.run import load_settings
from explib_server.projects.folder import here, working_in


class Transport(StrEnum):
    """The transport between client and server."""

    stdio = "stdio"
    http = "http"


class Tools(StrEnum):
    """Which tools clients see."""

    agent = "agent"
    learn = "learn"
    all = "all"


class Auth(StrEnum):
    """The callers that need an access token."""

    auto = "auto"
    required = "required"
    none = "none"


class Learner(StrEnum):
    """Where learning happens."""

    inprocess = "inprocess"
    detached = "detached"
    off = "off"


def serve(
    transport: Annotated[Transport, typer.Option(help="stdio for one client, http for many.")] = Transport.stdio,
    host: Annotated[str, typer.Option(help="Address to bind (http).")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to bind (http).")] = 8765,
    tools: Annotated[
        Tools,
        typer.Option(help="agent: the four for agents; learn: also the analysis tools; all: also those for curators."),
    ] = Tools.agent,
    learner: Annotated[
        Learner | None,
        typer.Option(
            help="inprocess (default for http); detached: in a process that outlives this one (default for stdio); off."
        ),
    ] = None,
    auth: Annotated[Auth | None, typer.Option(help="Who needs a token (http); default: EXPLIB_AUTH, auto.")] = None,
    allowed_host: Annotated[list[str] | None, typer.Option(help="A name clients may reach it by (http).")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the port (http).")] = 1,
) -> None:
    """Serve the experience library over MCP."""
    if transport is Transport.stdio and (auth or allowed_host or workers > 1):
        raise typer.BadParameter("--auth, --allowed-host and --workers are for --transport http")
    settings = load_settings()
    if transport is Transport.http:
        settings = settings.serving_teams()
    mode = learner or (Learner.detached if transport is Transport.stdio else Learner.inprocess)
    if transport is Transport.stdio:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as of a shell's background job
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it serves Ctrl-C ends it at once, and quietly
        if sys.stdin.isatty():
            typer.echo(
                "explib serves MCP on stdin and stdout: attach it to a client (README). Ctrl-C ends it.", err=True
            )
        from explib_server.mcp.server import build_server, raise_gc_threshold

        raise_gc_threshold()
        with working_in(here()):
            build_server(settings, mode.value, tools.value).run("stdio")
    else:
        from explib_server.http.server import Serving, serve_http

        auth_change = {"auth": auth.value} if auth else {}
        hosts = {"allowed_hosts": (*settings.allowed_hosts, *(allowed_host or ()))}
        serve_http(
            settings.model_copy(update={**auth_change, **hosts}), Serving(host, port, mode.value, tools.value, workers)
        )
