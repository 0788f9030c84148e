"""Streamable HTTP: the MCP endpoint at /mcp behind its gate, the page at /ui, and /health, /ready and /metrics."""

from __future__ import annotations

import time
from importlib.metadata import version

from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from explib.errors import StorageError
from explib.settings.program import Settings
from explib.storage.tokens import Tokens
from explib_server.auth.callers import ANONYMOUS_ALLOWED, CALLER_KEY, LOCAL_USER, Caller
from explib_server.auth.gate import Admission, Gate
from explib_server.auth.limits import Limits
from explib_server.auth.oauth import Issuer, OAuthTokens
from explib_server.auth.tokens import StoredTokens, Verifier
from explib_server.http.binding import names, oauth
from explib_server.mcp.server import ExperienceMCP
from explib_server.page.door import add_page
from explib_server.page.keys import PageKeys
from explib_server.telemetry.metrics import Metrics

MCP_PATH = "/mcp"
SCOPES = ["explib:read", "explib:submit", "explib:curate", "explib:admin"]


def http_app(
    server: ExperienceMCP, settings: Settings, host: str, *, stateless: bool = False, keys: PageKeys | None = None
) -> Gate:
    """The ASGI application for this bound address. `stateless`: older clients get no sessions, for several workers.

    `keys`: of pages that a person opens from this process. Raises InvalidSetting.
    """
    by_oauth = oauth(settings)
    keys = keys or PageKeys()

    async def tokens() -> Tokens:
        return (await server.application()).store.tokens

    verifiers: list[Verifier] = [keys, StoredTokens(tokens)]
    if by_oauth is not None:
        verifiers.append(OAuthTokens(by_oauth[0], time.monotonic))

    async def shut() -> bool:
        return by_oauth is not None or await (await tokens()).any_access()

    security = names(settings, host)
    metrics = Metrics()
    server.observer = metrics
    _add_pages(server, metrics, security)
    add_page(server, security, keys)
    app = server.streamable_http_app(
        host=host,
        streamable_http_path=MCP_PATH,
        stateless_http=stateless,
        json_response=server.toolset == "agent",  # none of its tools reports progress: no stream is needed
        transport_security=security,
        max_request_body_size=settings.request_bytes,
    )
    metadata = None if by_oauth is None else _metadata(app, *by_oauth)
    limits = Limits(time.monotonic), Limits(time.monotonic)
    admission = Admission(settings.auth, tuple(verifiers), shut)
    return Gate(app, admission, limits, settings, metadata, metrics.refused)


def _metadata(app: Starlette, issuer: Issuer, endpoint: AnyHttpUrl) -> AnyHttpUrl:
    """Publish where clients get a token (protected resource metadata, RFC 9728); the address of that."""
    app.routes.extend(
        create_protected_resource_routes(endpoint, [AnyHttpUrl(issuer.url)], SCOPES, "Experience Library")
    )
    return build_resource_metadata_url(endpoint)


def _add_pages(server: ExperienceMCP, metrics: Metrics, security: TransportSecuritySettings) -> None:
    @server.custom_route("/health", methods=["GET"])
    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": version("explib")})

    @server.custom_route("/ready", methods=["GET"])
    async def ready(_request: Request) -> Response:
        try:
            await (await server.application()).store.ready()
        except StorageError as error:
            return JSONResponse({"status": "not ready", "reason": str(error)}, status_code=503)
        return JSONResponse({"status": "ready"})

    @server.custom_route("/metrics", methods=["GET"])
    async def measures(request: Request) -> Response:
        """For who needs no token, or has one of scope admin."""
        if (refusal := await TransportSecurityMiddleware(security).validate_request(request)) is not None:
            return refusal
        admitted = request.scope.get(CALLER_KEY)
        caller = LOCAL_USER if admitted == ANONYMOUS_ALLOWED else admitted
        if not isinstance(caller, Caller) or "admin" not in caller.scopes:
            return PlainTextResponse("metrics need a token of scope admin\n", status_code=403)
        return Response(await metrics.page((await server.application()).store, caller), media_type=metrics.content_type)
