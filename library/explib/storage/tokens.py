"""Access tokens and reward keys: shown once, kept as a hash, good for their libraries until they expire or are revoked.

A token is 256 random bits, so a plain SHA-256 keeps it: there is nothing to guess. Only a reward key is kept itself,
because checking a signature needs it; a backup leaves it out.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter
from sqlalchemy import Text, bindparam, cast, func, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import UnknownToken
from explib.ids import new_id
from explib.models.access import Token, TokenScope
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.tables.access import tokens
from explib.tasks import BackgroundTasks
from explib.text.redaction import redacted

PREFIX = "explib_"
SECRET_BYTES = 32
USE_SECONDS = 60.0
"""Precision of the last use: a token in steady use costs one write a minute."""
LIBRARIES = TypeAdapter(tuple[str, ...])
BY_HASH = select(
    tokens.c.id,
    tokens.c.name,
    tokens.c.scope,
    cast(tokens.c.libraries, Text),
    tokens.c.created_at,
    tokens.c.expires_at,
    tokens.c.revoked_at,
    tokens.c.last_used_at,
).where(tokens.c.secret_hash == bindparam("hash"))
ANY_ACCESS = select(tokens.c.id).where(tokens.c.scope != literal_column("'reward'"))


@dataclass(frozen=True, slots=True)
class Tokens:
    """Every token of one database. `clock` gives seconds since the epoch."""

    database: Database
    clock: Callable[[], float]
    _noted: dict[str, float] = field(default_factory=dict, repr=False)
    _writing: BackgroundTasks = field(default_factory=BackgroundTasks, repr=False)

    async def create(
        self, name: str, scope: TokenScope, libraries: Sequence[str] | None, expires_at: float | None
    ) -> tuple[Token, str]:
        """A new token and its secret, which can't be read again. `libraries` None: every one, also future ones.

        Without a name it is called by its id.
        """
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        named = None if libraries is None else tuple(sorted(set(libraries)))
        token_id = new_id("k")
        token = Token(token_id, redacted(name) or token_id, scope, named, self.clock(), expires_at)
        key = secret if scope == "reward" else None
        values = {**rows.token.values(token), "secret_hash": _digest(secret), "key": key}

        async def insert(connection: AsyncConnection) -> None:
            await connection.execute(tokens.insert().values(values))

        await self.database.write(insert)
        return token, secret

    async def all(self) -> list[Token]:
        """Every token that was ever made, oldest first."""
        found = await self.database.rows(select(tokens).order_by(tokens.c.created_at, tokens.c.id))
        return [rows.token(row) for row in found]

    async def revoke(self, token_id: str) -> Token:
        """The token is good for nothing from now on. Twice is no error. Raises UnknownToken."""

        async def mark(connection: AsyncConnection) -> Token:
            same = tokens.c.id == token_id
            revoked = func.coalesce(tokens.c.revoked_at, self.clock())
            await connection.execute(update(tokens).where(same).values(revoked_at=revoked))
            row = (await connection.execute(select(tokens).where(same))).mappings().first()
            if row is None:
                raise UnknownToken
            return rows.token(row)

        return await self.database.write(mark, idempotent=True)

    async def find(self, secret: str) -> Token | None:
        """The token of this secret, where it is good now. None for one that is forged, expired or revoked."""
        if not secret.startswith(PREFIX):
            return None
        found = await self.database.read_row(BY_HASH, {"hash": _digest(secret)})
        if found is None:
            return None
        token_id, name, scope, libraries, *times = found
        named = None if libraries is None else LIBRARIES.validate_json(libraries)
        token = Token(token_id, name, scope, named, *times)
        return token if token.good_at(self.clock()) else None

    async def any_access(self) -> bool:
        """True where an access token was ever made; a revoked one counts, since who made one wanted the door shut."""
        return await self.database.read_row(ANY_ACCESS, {}) is not None

    async def reward_keys(self, library: str) -> dict[str, str]:
        """Id → secret of the reward keys that are good now for the library of this name."""
        signing = tokens.c.key.is_not(None) & tokens.c.revoked_at.is_(None)
        found = await self.database.rows(select(tokens).where(signing).order_by(tokens.c.id))
        now = self.clock()
        keys = [(rows.token(row), str(row["key"])) for row in found]
        return {token.id: key for token, key in keys if token.good_at(now) and token.reaches(library)}

    def used(self, token: Token) -> None:
        """Note the use, behind the answer and at most once a minute for each token."""
        now = self.clock()
        if now - max(self._noted.get(token.id, 0.0), token.last_used_at or 0.0) < USE_SECONDS:
            return
        self._noted[token.id] = now
        self._writing.start(self._note(token.id, now), "record token use", "the use of a token could not be recorded")

    async def flush(self) -> None:
        """Returns when every use that was noted is written, or has failed."""
        await self._writing.flush()

    async def _note(self, token_id: str, now: float) -> None:
        async def mark(connection: AsyncConnection) -> None:
            await connection.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=now))

        await self.database.write(mark, idempotent=True)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
