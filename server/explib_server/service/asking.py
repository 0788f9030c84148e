"""Asks a server what every client asks first, in each version of the protocol, and keeps its answers."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from pydantic import JsonValue

from explib_server.mcp.server import ExperienceMCP
from explib_server.mcp.stdio import Incoming, Outgoing
from explib_server.service.answers import ENVELOPE, OPENING, path

CLIENT: JsonValue = {"name": "explib", "version": "1"}


class PreparedLines:
    """A client that has said everything that it has to say."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = iter(lines)
        self.heard: list[bytes] = []

    async def read(self) -> bytes:
        """The next line of the client."""
        return next(self._lines, b"")

    async def write(self, line: bytes) -> None:
        """Hear one line of the server."""
        self.heard.append(line)


async def kept_answers(server: ExperienceMCP) -> None:
    """Keep the server's answers, unless they are kept already. Raises OSError."""
    document = {"handshakes": [*HANDSHAKE_PROTOCOL_VERSIONS], "versions": await opening_answers(server)}
    await asyncio.to_thread(_written, Path(path(server.toolset)), json.dumps(document))


async def opening_answers(server: ExperienceMCP) -> dict[str, JsonValue]:
    """The results of the opening requests, by version and method."""
    found: dict[str, JsonValue] = {}
    for version in HANDSHAKE_PROTOCOL_VERSIONS:
        greeting: JsonValue = {"protocolVersion": version, "capabilities": {}, "clientInfo": CLIENT}
        found[version] = await _asked(server, {"initialize": greeting, **{method: {} for method in OPENING}})
    for version in MODERN_PROTOCOL_VERSIONS:
        meta: JsonValue = {"_meta": dict(zip(ENVELOPE, (version, CLIENT, {}), strict=True))}
        found[version] = await _asked(server, dict.fromkeys(("server/discover", *OPENING), meta))
    return found


async def _asked(server: ExperienceMCP, requests: dict[str, JsonValue]) -> JsonValue:
    lines = PreparedLines(
        [
            json.dumps({"jsonrpc": "2.0", "id": method, "method": method, "params": params}).encode()
            for method, params in requests.items()
        ]
    )
    outgoing = Outgoing(lines)
    await server.serve(Incoming(lines, outgoing), outgoing)
    answers = [json.loads(line) for line in lines.heard]
    return {answer["id"]: answer["result"] for answer in answers if "result" in answer}


def _written(file: Path, text: str) -> None:
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
