"""`explib serve` over stdio: passes lines between a client and the service, and outlives the service's end.

Standard library only. The opening requests are answered from what was kept while the service starts. Where the service
ends, the next one is told what the client has said first, and asked again what was not answered: calls that may be made
twice. What may not is answered with an error that says so.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Final

from explib_server.service.answers import Kept
from explib_server.service.connection import START_SECONDS, Reached, hello, reach
from explib_server.service.options import toolset
from explib_server.service.paths import NoService, Place, ServiceOff

LINE_BYTES: Final = 64 << 20
"""Most bytes of one message, as the server has it."""
ANSWER_SECONDS = 60.0
"""How long requests are still answered after the client has closed its side."""
BROKEN_SECONDS = 2.0
"""How long, where there are none, the error of a line that is no message is waited for."""
MOST_TRIES = 3
LISTEN = "subscriptions/listen"
INTERNAL_ERROR = -32603
UNKNOWN = (
    "The explib service ended while it worked on this, and it is not known whether it was done. Look before you ask "
    "again, e.g. with history or list_experiences."
)


def main(arguments: Sequence[str]) -> int | None:
    """Serve one client until it leaves: the exit code. None, with nothing read or said to it, where no service can be.

    Also None for options of `explib serve` that are none of the relay's.
    """
    if (tools := toolset(arguments)) is None:
        return None
    try:
        place = Place()
    except ServiceOff:
        return None
    except NoService as error:
        sys.stderr.write(f"explib: this server serves alone, there can be no service: {error}\n")
        return None
    begin()
    return Relay(place, tools).run()


def begin() -> None:
    """Before anything is served: Ctrl-C ends the process at once, and quietly; a person at a terminal is told."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as of a shell's background job
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write("explib serves MCP on stdin and stdout: attach it to a client (README). Ctrl-C ends it.\n")


class Request:
    """A request of the client that has no answer yet."""

    __slots__ = ("answered", "line", "method", "sent", "tool", "tries")

    def __init__(self, method: str, tool: str, line: bytes) -> None:
        self.method = method
        self.tool = tool
        self.line = line
        self.tries = 0
        self.sent = False
        self.answered = False
        """The client has its answer, from what was kept: the service's is not passed on."""


class Relay:
    """One client, and the services that answer it, one after the other."""

    def __init__(self, place: Place, tools: str) -> None:
        self._place = place
        self._tools = tools
        self._kept = Kept(tools)
        self._welcome = False
        self._unanswered: dict[object, Request] = {}
        self._greeting: Request | None = None
        self._greeted = b""
        self._waiting: list[tuple[bytes, Request | None]] = []
        self._reached: Reached | None = None
        self._closed = False
        self._broken = False
        """A line was no message; whether its error has been answered is not known."""
        self._changed = threading.Condition()
        self._output = threading.Lock()

    def run(self) -> int:
        """Serve until the client leaves. What it still waits for then is answered first."""
        behind = threading.Thread(target=self._follow, daemon=True)
        behind.start()
        with open(0, "rb", closefd=False) as source:
            while line := source.readline(LINE_BYTES):
                self._from_client(line)
        with self._changed:
            self._closed = True
            self._close_side()
            self._changed.notify()
        if self._open_requests():
            behind.join(ANSWER_SECONDS)
        elif self._broken:
            behind.join(BROKEN_SECONDS)
        return 0

    # From the client

    def _from_client(self, line: bytes) -> None:
        message = parsed(line)
        self._broken = self._broken or not (message or line.isspace())
        with self._changed:
            request = self._noted(message, line)
            if request is not None and not self._welcome and (result := self._kept.answer(message)) is not None:
                self._say({"jsonrpc": "2.0", "id": message["id"], "result": result})
                request.answered = True
                if request is not self._greeting:
                    del self._unanswered[message["id"]]
                    return
            self._waiting.append((line, request))
            self._pass_on()
            self._changed.notify()

    def _noted(self, message: dict[str, object], line: bytes) -> Request | None:
        """The request that a message is, remembered until it is answered; None for another message."""
        method, identity, params = message.get("method"), message.get("id"), message.get("params")
        params = params if isinstance(params, dict) else {}
        if method == "notifications/cancelled" and isinstance(cancelled := params.get("requestId"), int | str):
            self._unanswered.pop(cancelled, None)
        if method == "notifications/initialized":
            self._greeted = line
        if not isinstance(method, str) or not isinstance(identity, int | str):
            return None
        request = self._unanswered[identity] = Request(method, str(params.get("name")), line)
        if method == "initialize":
            self._greeting = request
        return request

    def _pass_on(self) -> None:
        """Send what waits. What a service that has ended did not take whole waits for the next one."""
        while self._waiting and self._reached is not None:
            line, request = self._waiting[0]
            try:
                self._reached.connection.sendall(line)
            except OSError:
                return
            del self._waiting[0]
            if request is not None:
                request.sent = True

    def _close_side(self) -> None:
        if self._reached is not None and not self._waiting:
            try:
                self._reached.connection.shutdown(socket.SHUT_WR)
            except OSError:
                return  # it has ended, which is seen where it is read

    # From the service

    def _follow(self) -> None:
        """Be at a service as long as there is something for it, the first one from the start."""
        try:
            while self._wanted():
                opening = hello("mcp", tools=self._tools)
                self._attach(reached := reach(self._place, opening, START_SECONDS, start=True))
                try:
                    while line := reached.lines.readline():
                        self._from_service(line)
                except OSError:
                    pass  # killed
                self._detach(reached)
        except (OSError, ValueError) as error:
            sys.stderr.write(f"explib: {error}\n")
            os._exit(1)  # who reads from the client can't be woken

    def _wanted(self) -> bool:
        with self._changed:
            while self._welcome and not self._waiting and not self._closed:
                self._changed.wait()
            return not self._closed or self._broken or self._open_requests()

    def _attach(self, reached: Reached) -> None:
        with self._changed:
            self._welcome = True
            self._reached = reached
            self._pass_on()
            if self._closed:
                self._close_side()

    def _from_service(self, line: bytes) -> None:
        message = parsed(line)
        if "method" not in message and isinstance(identity := message.get("id"), int | str):
            request = self._unanswered.pop(identity, None)
            if request is not None and request.answered:
                return
        self._write(line)

    def _detach(self, reached: Reached) -> None:
        """The service has ended: what it was told and did not answer waits for the next one, or is answered here."""
        with self._changed:
            self._reached = None
            reached.close()
            self._kept = Kept(self._tools)
            again = self._again()
            self._waiting = [(request.line, request) for request in again] + self._waiting
            if self._greeted and self._greeting is not None and self._greeting in again:
                self._waiting.insert(1, (self._greeted, None))

    def _again(self) -> list[Request]:
        """The requests to be sent again, the client's greeting first: without it no legacy session goes on."""
        greeting = self._greeting
        if greeting is not None and greeting.sent:
            identity = parsed(greeting.line)["id"]
            greeting.answered = greeting.answered or identity not in self._unanswered
            self._unanswered = {identity: greeting, **self._unanswered}
        again = []
        for identity, request in list(self._unanswered.items()):
            if not request.sent:
                continue
            request.tries += request is not greeting
            request.sent = False
            if self._may_be_repeated(request):
                again.append(request)
            else:
                del self._unanswered[identity]
                self._say({"jsonrpc": "2.0", "id": identity, "error": {"code": INTERNAL_ERROR, "message": UNKNOWN}})
        return again

    def _may_be_repeated(self, request: Request) -> bool:
        if request.tries >= MOST_TRIES:
            return False
        return request.method != "tools/call" or self._kept.repeatable(request.tool)

    def _open_requests(self) -> bool:
        """True if the client waits for an answer. A subscription has no end to wait for."""
        return any(not each.answered and each.method != LISTEN for each in [*self._unanswered.values()])

    # To the client

    def _say(self, message: dict[str, object]) -> None:
        self._write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        with self._output:
            left = memoryview(line)
            try:
                while left:
                    left = left[os.write(1, left) :]
            except OSError:
                os._exit(0)  # the client is gone


def parsed(line: bytes) -> dict[str, object]:
    """The message of a line; an empty one where it is none, or is broken: the service says what is wrong with it."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}
