"""The service: one application, index and learner behind a socket, for all clients of a person."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import secrets
import signal
import sys

from pydantic import JsonValue

from explib.errors import ExplibError
from explib.tasks import cancel_and_wait, set_within
from explib_server import VERSION
from explib_server.auth.connections import connected
from explib_server.mcp.lines import LINE_BYTES, PipeLines
from explib_server.mcp.server import raise_gc_threshold
from explib_server.mcp.stdio import Incoming, Outgoing
from explib_server.program import load_settings, reporting_errors
from explib_server.projects.folder import working_in
from explib_server.service.connection import LEAVING
from explib_server.service.doors import ANSWERING, Hello, Message, answering
from explib_server.service.idleness import Idleness
from explib_server.service.listening import Listening, peer_is_own
from explib_server.service.log import write_log
from explib_server.service.paths import Place
from explib_server.service.serving import Serving
from explib_server.service.standing import Client, status

log = logging.getLogger(__name__)
HELLO_SECONDS = 30.0
"""How long a connection may take to say what it is for."""
LASTING = ("mcp", "page")
"""Doors behind which a client stays."""
STARTED_SECONDS = 10.0
"""After which the application is imported and open, and garbage is searched for (see `__main__`)."""


def run_service(place: Place, listening: Listening) -> None:
    """Serve until idle, told to stop, or replaced. Errors that prevent it are said on standard error."""
    with reporting_errors():
        settings = load_settings()
        settings.chosen_analyst()
        serving = Serving(settings)
        try:
            write_log(place.log, settings)
        except OSError as error:
            sys.exit(f"explib: the service's log can't be written ({error}): make room, or set XDG_STATE_HOME")
    raise_gc_threshold()
    log.info("service %d started", os.getpid())
    asyncio.run(Service(place, listening, serving).run())
    log.info("service %d ended", os.getpid())


class Service:
    """Takes connections, each to its door, until it ends."""

    def __init__(self, place: Place, listening: Listening, serving: Serving) -> None:
        self._listening = listening
        self._serving = serving
        self._idleness = Idleness(place, listening, serving)
        self._clients: set[Client] = set()
        self._connections: set[asyncio.Future[None] | None] = set()
        self._ended = asyncio.Event()
        self._gives_way = False

    async def run(self) -> None:
        """Serve until the end; then answer what was asked, and close."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._ended.set)
        asyncio.get_running_loop().call_later(STARTED_SECONDS, gc.enable)
        server = await asyncio.start_unix_server(self._connected, sock=self._listening.socket, limit=LINE_BYTES)
        async with self._serving.running():
            while not await set_within(self._ended, self._idleness.look_seconds):
                if await self._idleness.over(bool(self._connections)):
                    self._ended.set()
            server.close()
            self._listening.end()
            if self._gives_way:
                self._listening.give_way()
            await asyncio.gather(*(client.outgoing.wait_for_answers() for client in self._clients))
            await cancel_and_wait(*filter(None, self._connections))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                opening = await reader.readline() if peer_is_own(writer.get_extra_info("socket")) else b""
            if opening:
                await self._at_door(Hello.of(json.loads(opening)), PipeLines(reader, writer))
        except (OSError, ValueError, TimeoutError) as error:
            log.info("a connection ended: %s", error)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _at_door(self, hello: Hello, lines: PipeLines) -> None:
        if newer(hello.version, VERSION) or (hello.door in LASTING and self._idleness.database_gone()):
            self._gives_way = True
            self._ended.set()
            await self._say(lines, {"explib": VERSION, LEAVING: True})
        elif hello.door == "mcp":
            await self._say(lines, {"explib": VERSION, "process": os.getpid()})
            await self._serve(hello, lines)
        else:
            await self._say(lines, await self._answer(hello, lines))

    async def _serve(self, hello: Hello, lines: PipeLines) -> None:
        client = Client(hello, outgoing := Outgoing(lines))
        self._clients.add(client)
        hello.connection.session = secrets.token_hex(8)
        try:
            with connected(hello.connection), working_in(hello.folder):
                await self._serving.server(hello.tools).serve(Incoming(lines, outgoing), outgoing)
        finally:
            self._clients.discard(client)
            self._idleness.touch()

    async def _answer(self, hello: Hello, lines: PipeLines) -> Message:
        if hello.door == "control":
            return self._controlled(hello)
        if hello.door not in {"page", *ANSWERING}:
            return {"error": f"the service {VERSION} has no door {hello.door[:40]!r}"}
        try:
            with connected(hello.connection), working_in(hello.folder):
                if hello.door == "page":
                    return await self._show(hello, lines)
                return await answering(hello.door)(await self._serving.application(), hello.message)
        except ExplibError as error:
            return {"error": str(error)}
        except Exception as error:  # the outermost loop: who asks is told
            log.exception("the door %s failed", hello.door)
            return {"error": f"a defect of explib: {error!r}"}
        finally:
            self._idleness.touch()

    async def _show(self, hello: Hello, lines: PipeLines) -> Message:
        """Tell the page's address, and keep its port open as long as the connection is."""
        port = hello.message.get("port")
        async with self._serving.page(port if isinstance(port, int) else 0) as address:
            await self._say(lines, {"explib": VERSION, "address": address})
            await lines.read()
        return {}

    def _controlled(self, hello: Hello) -> Message:
        if hello.message.get("act") == "stop":
            self._ended.set()
        return status(hello, self._clients, self._serving)

    async def _say(self, lines: PipeLines, document: dict[str, JsonValue]) -> None:
        await lines.write(json.dumps(document).encode() + b"\n")


def newer(version: str, than: str) -> bool:
    """Whether a version comes after another. What is no number in it counts as nothing."""
    one, other = ([int(part) if part.isdecimal() else 0 for part in each.split(".")] for each in (version, than))
    return one > other
