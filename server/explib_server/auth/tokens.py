"""Turning the secret of an `Authorization: Bearer` header into a caller; our own tokens are one kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from mcp.server.auth.provider import AccessToken

from explib.models.access import Token
from explib.storage.tokens import Tokens
from explib_server.auth.callers import Caller
from explib_server.auth.scopes import SCOPES_OF


@dataclass(frozen=True, slots=True)
class Access:
    """A verified token: the caller, and what the SDK wants to know of it."""

    caller: Caller
    token: AccessToken


class Verifier(Protocol):
    """One kind of access token."""

    async def verify(self, secret: str) -> Access | None:
        """The access that this secret gives now; None where it gives none."""
        ...


class StoredTokens:
    """The tokens that `explib token create` made. Read anew for each request, so a revoked one ends at once."""

    def __init__(self, tokens: Callable[[], Awaitable[Tokens]]) -> None:
        self._tokens = tokens

    async def verify(self, secret: str) -> Access | None:
        """A reward key gives no access."""
        store = await self._tokens()
        token = await store.find(secret)
        if token is None or token.scope == "reward":
            return None
        store.used(token)
        return _access(secret, token)


def _access(secret: str, token: Token) -> Access:
    libraries = None if token.libraries is None else frozenset(token.libraries)
    scopes = SCOPES_OF[token.scope]
    caller = Caller(token.name, token.id, scopes, libraries, is_person="curate" in scopes)
    expires = None if token.expires_at is None else int(token.expires_at) + 1
    shown = AccessToken(token=secret, client_id=token.id, scopes=sorted(caller.scopes), expires_at=expires)
    return Access(caller, shown)
