"""`explib serve`: the MCP server over stdio or streamable HTTP."""

from __future__ import annotations

import asyncio
import signal
import sys
from enum import StrEnum
from typing import Annotated

import typer

from explib_server.cli.running import load_settings


class Transport(StrEnum):
    """How clients reach the server."""

    stdio = "stdio"
    http = "http"


class Tools(StrEnum):
    """Which tools clients see."""

    agent = "agent"
    all = "all"


class Learner(StrEnum):
    """Where learning happens."""

    inprocess = "inprocess"
    detached = "detached"
    off = "off"


def serve(
    transport: Annotated[Transport, typer.Option(help="stdio for one client, http for many.")] = Transport.stdio,
    host: Annotated[str, typer.Option(help="Address to bind (http).")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to bind (http).")] = 8765,
    tools: Annotated[Tools, typer.Option(help="agent: the four for agents; all: for curators too.")] = Tools.agent,
    learner: Annotated[
        Learner | None,
        typer.Option(
            help="inprocess (default for http); detached: in a process that outlives this one (default for stdio); off."
        ),
    ] = None,
) -> None:
    """Serve the experience library over MCP."""
    from explib_server.mcp_server import build_server

    settings = load_settings()
    mode = learner or (Learner.detached if transport is Transport.stdio else Learner.inprocess)
    server = build_server(settings, mode.value, tools.value)
    if transport is Transport.stdio:
        # Ctrl-C ends the process at once: the SDK's reading thread can't be interrupted. What is acknowledged is kept.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if sys.stdin.isatty():
            typer.echo(
                "explib serves MCP on stdin and stdout: attach it to a client (README). Ctrl-C ends it.", err=True
            )
        server.run("stdio")
    else:
        from explib_server.http import serve_http

        asyncio.run(serve_http(server, settings, host, port))
