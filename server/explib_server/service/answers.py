"""What every client asks first, answered before the SDK is loaded: by answers that the SDK gave, and that were kept.

Reading is standard library only. They are kept for each version of explib, Python and toolset; no setting changes them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

from explib.settings.places import folder
from explib_server import VERSION

OPENING = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
"""Beside `initialize` and `server/discover`."""
PROTOCOL = "io.modelcontextprotocol/protocolVersion"
ENVELOPE = (PROTOCOL, "io.modelcontextprotocol/clientInfo", "io.modelcontextprotocol/clientCapabilities")
"""The `_meta` of each request in the spec of 2026-07-28."""
MARK_CHARACTERS = 8


class Kept:
    """The answers of one toolset. Without a file, or with one that can't be read, it has none."""

    def __init__(self, tools: str) -> None:
        self._versions: dict[str, dict[str, dict[str, object]]] = {}
        self._handshakes: list[str] = []
        self._agreed = ""
        self._shows_pages = False
        try:
            with open(path(tools), encoding="utf-8") as file:
                document = json.load(file)
            self._versions, self._handshakes = document["versions"], document["handshakes"]
        except (OSError, ValueError, LookupError, TypeError):
            return

    @property
    def any(self) -> bool:
        """Whether there are answers."""
        return bool(self._versions)

    def answer(self, message: dict[str, object]) -> dict[str, object] | None:
        """The result for a request; None where the SDK is to answer it, also what is wrong with it."""
        method, params = str(message.get("method")), message.get("params") or {}
        if not isinstance(params, dict):
            return None
        if method == "initialize":
            return self._greeting(params)
        meta = params.get("_meta")
        modern = meta.get(PROTOCOL) if isinstance(meta, dict) and all(key in meta for key in ENVELOPE) else None
        if method == "tools/list" and (self._shows_pages or _extends(meta)):
            return None  # hosts of Apps see a tool more
        if params.keys() - {"_meta"} or (modern is None and not self._agreed) or modern in self._handshakes:
            return None
        return self._versions.get(str(modern or self._agreed), {}).get(method)

    def repeatable(self, tool: str) -> bool:
        """True for a tool that may be called again where nobody knows whether it was: it says so itself."""
        for answers in self._versions.values():
            listed = answers.get("tools/list", {}).get("tools")
            for each in listed if isinstance(listed, list) else []:
                hints = each.get("annotations")
                if each.get("name") == tool and hints:
                    return bool(hints.get("readOnlyHint") or hints.get("idempotentHint"))
        return False

    def _greeting(self, params: dict[str, object]) -> dict[str, object] | None:
        asked, client = params.get("protocolVersion"), params.get("clientInfo")
        named = isinstance(client, dict) and all(isinstance(client.get(key), str) for key in ("name", "version"))
        if not (self._handshakes and isinstance(asked, str) and named and isinstance(params.get("capabilities"), dict)):
            return None
        capabilities = params["capabilities"]
        self._shows_pages = isinstance(capabilities, dict) and "extensions" in capabilities
        self._agreed = asked if asked in self._handshakes else self._handshakes[-1]
        return self._versions[self._agreed]["initialize"]


def _extends(meta: object) -> bool:
    """Whether the client of a modern request declares extensions."""
    capabilities = meta.get(ENVELOPE[2]) if isinstance(meta, dict) else None
    return isinstance(capabilities, dict) and "extensions" in capabilities


def path(tools: str) -> str:
    """The file of the answers with this toolset. Another installation, or Python, has its own."""
    mark = hashlib.sha256(f"{sys.prefix} {sys.version}".encode()).hexdigest()[:MARK_CHARACTERS]
    return os.path.join(folder("cache"), f"answers-{VERSION}-{mark}-{tools}.json")


def keep(tools: str = "agent") -> str:
    """Have the SDK make the answers of a toolset now, and keep them: the file. Imports the SDK. Raises OSError.

    `explib attach` calls it, so that the first session does not wait either.
    """
    import asyncio

    from explib.settings.program import Settings
    from explib_server.mcp.server import build_server
    from explib_server.service.asking import kept_answers
    from explib_server.service.serving import named

    asyncio.run(kept_answers(build_server(Settings(), "off", named(tools))))
    return path(tools)
