"""The page over HTTP: the empty document at /ui, and the swap of a one-time code for a session's key at /ui/key.

Both are open to whoever reaches the server, since neither holds data: what the page shows it asks of /mcp, with a key.
"""

from __future__ import annotations

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from explib_server.auth.requests import bearer
from explib_server.mcp.server import ExperienceMCP
from explib_server.page.app import add_page_tool
from explib_server.page.keys import PageKeys

PAGE_PATH, KEY_PATH = "/ui", "/ui/key"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
USED = "This code was used already, or is older than a minute: run `explib ui` again."


def add_page(server: ExperienceMCP, security: TransportSecuritySettings, keys: PageKeys) -> None:
    """Serve the page, for the Host and Origin headers that are taken."""
    guard = TransportSecurityMiddleware(security)
    if server.toolset != "all":
        add_page_tool(server, server.application)

    async def page(request: Request) -> Response:
        if (refusal := await guard.validate_request(request)) is not None:
            return refusal
        from explib_server.page.document import document

        composed = document()
        return HTMLResponse(composed.html, headers={**HEADERS, "Content-Security-Policy": composed.policy})

    async def key(request: Request) -> Response:
        if (refusal := await guard.validate_request(request)) is not None:
            return refusal
        swapped = keys.swap(bearer(request.scope) or "")
        if swapped is None:
            return JSONResponse({"problem": USED}, status_code=403, headers=HEADERS)
        return JSONResponse({"key": swapped}, headers=HEADERS)

    async def front(_request: Request) -> Response:
        return RedirectResponse("ui", headers=HEADERS)  # relative: a proxy may have put a path before ours

    server.custom_route("/", methods=["GET"])(front)
    server.custom_route(PAGE_PATH, methods=["GET"])(page)
    server.custom_route(KEY_PATH, methods=["POST"])(key)
