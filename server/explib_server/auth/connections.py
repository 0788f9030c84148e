"""The connection whose request is being answered, and what of its client's settings travelled with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

STDIO_SESSION = "stdio"


@dataclass(slots=True)
class ClientConnection:
    """One client over stdio, by its relay or in its own process."""

    session: str = STDIO_SESSION
    """Ties the client's calls together."""
    library: str | None = None
    """Its EXPLIB_LIBRARY; None: not set."""
    client: str = ""
    """The name that it gives itself, once it has."""


_current: ContextVar[ClientConnection | None] = ContextVar("explib_connection", default=None)


@contextmanager
def connected(connection: ClientConnection) -> Iterator[None]:
    """Let the code inside know through which connection it is asked."""
    token = _current.set(connection)
    try:
        yield
    finally:
        _current.reset(token)


def current_connection() -> ClientConnection:
    """The connection of the request that is being answered; one without any settings outside of all."""
    return _current.get() or ClientConnection()
