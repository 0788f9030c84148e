"""`explib serve`: the MCP server over streamable HTTP, or over stdio where the service does not serve (see `relay`)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from explib_server.program import load_settings
from explib_server.projects.folder import here, working_in
from explib_server.service.relay import begin

if TYPE_CHECKING:
    from explib_server.mcp.server import LearnerMode


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
            help="inprocess: here (default for http); detached: in the service, which outlives this process (default "
            "for stdio, which serves alone with the others); off."
        ),
    ] = None,
    auth: Annotated[Auth | None, typer.Option(help="Who needs a token (http); default: EXPLIB_AUTH, auto.")] = None,
    allowed_host: Annotated[list[str] | None, typer.Option(help="A name clients may reach it by (http).")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the port (http).")] = 1,
) -> None:
    """Serve the experience library over MCP."""
    if transport is Transport.stdio and (auth or allowed_host or workers > 1):
        raise typer.BadParameter("--auth, --allowed-host and --workers are for --transport http")
    if transport is Transport.http and learner is Learner.detached:
        raise typer.BadParameter("--learner detached is for --transport stdio")
    settings = load_settings()
    if transport is Transport.http:
        settings = settings.serving_teams()
    mode: LearnerMode = "off" if learner is Learner.off else "inprocess"
    if transport is Transport.stdio:
        begin()
        from explib_server.mcp.server import build_server, raise_gc_threshold

        raise_gc_threshold()
        with working_in(here()):
            build_server(settings, mode, tools.value).run("stdio")
    else:
        from explib_server.http.server import Serving, serve_http

        auth_change = {"auth": auth.value} if auth else {}
        hosts = {"allowed_hosts": (*settings.allowed_hosts, *(allowed_host or ()))}
        serve_http(
            settings.model_copy(update={**auth_change, **hosts}), Serving(host, port, mode, tools.value, workers)
        )
