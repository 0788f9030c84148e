"""Streamable HTTP: the MCP endpoint at /mcp and the health check at /health."""

from __future__ import annotations

import sys
from importlib.metadata import version

import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

from explib.settings import Settings
from explib_server.opening import Opening
from explib_server.runtime import open_runtime

JSON_OVERHEAD = 2
"""A trajectory may grow this much by being escaped into JSON."""
ENVELOPE_BYTES = 1024 * 1024


def http_app(server: MCPServer[Opening], settings: Settings, host: str) -> Starlette:
    """The ASGI application. Requests that name another host than the bound one are refused (DNS rebinding)."""

    @server.custom_route("/health", methods=["GET"])
    async def health(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "version": version("explib")})

    return server.streamable_http_app(
        host=host,
        transport_security=_security(host),
        max_request_body_size=JSON_OVERHEAD * settings.max_trajectory_bytes + ENVELOPE_BYTES,
    )


async def serve_http(server: MCPServer[Opening], settings: Settings, host: str, port: int) -> None:
    """Serve until stopped. Raises StorageError before anything is bound where the database cannot be used."""
    async with open_runtime(settings):
        pass
    sys.stderr.write(f"explib listens on http://{host}:{port}/mcp\n")
    config = uvicorn.Config(
        http_app(server, settings, host), host=host, port=port, log_level=settings.log_level.lower()
    )
    await uvicorn.Server(config).serve()


def _security(host: str) -> TransportSecuritySettings | None:
    """The SDK's own check where the address is loopback; the container's wildcard takes local names only."""
    if host in {"127.0.0.1", "localhost", "::1"}:
        return None
    names = [host, "localhost", "127.0.0.1"]
    return TransportSecuritySettings(
        allowed_hosts=[pattern for name in names for pattern in (name, f"{name}:*")],
        allowed_origins=[f"http://{name}:*" for name in names],
    )
