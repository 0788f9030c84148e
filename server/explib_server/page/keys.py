"""Keys of open pages: a one-time code from the command line is swapped for a key that only one browser tab holds.

The code stands in an address, which other programs may read; so it is good once, and for a minute. Keys live in this
process only, and end with it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from mcp.server.auth.provider import AccessToken

from explib_server.auth.callers import Caller, user_name
from explib_server.auth.scopes import SCOPES_OF
from explib_server.auth.tokens import Access

CODE_SECONDS = 60.0
"""Time in which a code must be swapped."""
SECRET_BYTES = 32
PREFIX = "page_"


class PageKeys:
    """The codes and keys of one process; a key acts as the person at this machine."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds, from whenever."""
        self._clock = clock
        self._codes: dict[str, float] = {}
        self._keys: dict[str, Access] = {}

    def code(self) -> str:
        """A new code; it is good once, for CODE_SECONDS."""
        code = secrets.token_urlsafe(SECRET_BYTES)
        self._codes[code] = self._clock() + CODE_SECONDS
        return code

    def swap(self, code: str) -> str | None:
        """The key for a code; None for one that is unknown, used or too old."""
        until = self._codes.pop(code, None)
        if until is None or self._clock() > until:
            return None
        key = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        self._keys[key] = _access(key)
        return key

    async def verify(self, secret: str) -> Access | None:
        """The access that a key gives."""
        return self._keys.get(secret)


def _access(key: str) -> Access:
    scopes = SCOPES_OF["admin"]
    caller = Caller(user_name(), None, scopes, None, is_person=True)
    return Access(caller, AccessToken(token=key, client_id="page", scopes=sorted(scopes)))
