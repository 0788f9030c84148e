"""OAuth 2.1 resource server: access tokens that are JWTs of one issuer, checked against its published keys."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2
import jwt
from anyio import Lock
from mcp.server.auth.provider import AccessToken
from pydantic import JsonValue

from explib.errors import InvalidSetting
from explib.settings.program import Settings
from explib.text.words import storable
from explib_server.auth.callers import Caller, shown_name
from explib_server.auth.scopes import SCOPES_OF, Scope
from explib_server.auth.tokens import Access

log = logging.getLogger(__name__)
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a private key. Never `none`, never a shared secret."""
KEYS_SECONDS = 3_600.0
"""Keys are read again after so long, so that a withdrawn one ends."""
REFRESH_SECONDS = 30.0
"""An unknown key id makes us read the keys again, at most this often: anybody can send unknown ids."""
FETCH_SECONDS = 5.0
LEEWAY_SECONDS = 30
MAX_KEYS_BYTES = 256 * 1024
MAX_TOKEN_CHARACTERS = 16_384
PREFIX = "explib:"
LIBRARY_PREFIX = "explib:library:"


@dataclass(frozen=True, slots=True)
class Issuer:
    """The issuer, its audience, and the claims that name scopes and libraries."""

    url: str
    jwks_url: str
    audience: str
    scope_claim: str = "scope"
    libraries_claim: str = "explib_libraries"

    @classmethod
    def configured(cls, settings: Settings) -> Issuer | None:
        """The issuer of the settings; None where there is none. Raises InvalidSetting for half of one."""
        given = (settings.oauth_issuer, settings.oauth_jwks_url, settings.oauth_audience)
        if not any(given):
            return None
        issuer, jwks_url, audience = given
        if not (issuer and jwks_url and audience):
            raise InvalidSetting(
                "OAuth needs all of EXPLIB_OAUTH_ISSUER, EXPLIB_OAUTH_JWKS_URL, EXPLIB_OAUTH_AUDIENCE."
            )
        for name, url in (("EXPLIB_OAUTH_ISSUER", issuer), ("EXPLIB_OAUTH_JWKS_URL", jwks_url)):
            _check_url(name, url)
        return cls(issuer, jwks_url, audience, settings.oauth_scope_claim, settings.oauth_libraries_claim)


class PublishedKeys:
    """The issuer's keys, kept until they are old or a token names one that is not among them."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self._url = url
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._reading = Lock()

    async def get(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this id, read anew where needed and not done just now."""
        if self._wanting(key_id):
            async with self._reading:
                if self._wanting(key_id):
                    await self._read()
        return self._keys.get(key_id)

    def _wanting(self, key_id: str) -> bool:
        now = self._clock()
        old = self._read_at is None or now - self._read_at >= KEYS_SECONDS
        waited = self._tried_at is None or now - self._tried_at >= REFRESH_SECONDS
        return waited and (old or key_id not in self._keys)

    async def _read(self) -> None:
        self._tried_at = self._clock()
        try:
            async with httpx2.AsyncClient(timeout=FETCH_SECONDS) as client:
                answer = await client.get(self._url)
            answer.raise_for_status()
            if len(answer.content) > MAX_KEYS_BYTES:
                raise ValueError("it is too large for a key set")
            self._keys = dict(_usable(json.loads(answer.content)))
            self._read_at = self._clock()
        except (httpx2.HTTPError, ValueError, jwt.PyJWTError) as error:
            log.warning("the keys at %s could not be read, the last known ones stay: %s", self._url, error)


class OAuthTokens:
    """Verifies the JWTs of one issuer."""

    def __init__(self, issuer: Issuer, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._keys = PublishedKeys(issuer.jwks_url, clock)

    async def verify(self, secret: str) -> Access | None:
        """Signature, algorithm, times, issuer and audience must all be right."""
        if len(secret) > MAX_TOKEN_CHARACTERS or secret.count(".") != 2:
            return None
        try:
            header = jwt.get_unverified_header(secret)
            key_id, algorithm = header.get("kid"), header.get("alg")
            if not isinstance(key_id, str) or algorithm not in ALGORITHMS:
                return None
            key = await self._keys.get(key_id)
            if key is None or key.algorithm_name != algorithm:
                return None
            claims = jwt.decode(
                secret,
                key,
                algorithms=[algorithm],
                audience=self._issuer.audience,
                issuer=self._issuer.url,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            return self._access(secret, claims)
        except jwt.PyJWTError as error:
            log.info("an OAuth token was refused: %s", error)
            return None

    def _access(self, secret: str, claims: Mapping[str, JsonValue]) -> Access:
        words = _words(claims.get(self._issuer.scope_claim))
        named = [word.removeprefix(LIBRARY_PREFIX) for word in words if word.startswith(LIBRARY_PREFIX)]
        named += _words(claims.get(self._issuer.libraries_claim))
        if any(storable(name) != name for name in named):
            raise jwt.InvalidTokenError("It names a library by a NUL or a lone surrogate, which no database holds")
        subject = str(claims["sub"])
        client = str(claims.get("client_id") or claims.get("azp") or subject)
        principal = hashlib.sha256(json.dumps([self._issuer.url, client, subject]).encode()).hexdigest()[:20]
        scopes = frozenset[Scope]().union(*(SCOPES_OF[scope] for scope in _scopes(words)))
        caller = Caller(
            name=shown_name(subject),
            token_id=f"oauth:{principal}",
            scopes=scopes,
            libraries=None if "*" in named else frozenset(named),
            is_person="curate" in scopes,
        )
        shown = AccessToken(
            token=secret,
            client_id=client,
            scopes=sorted(scopes),
            resource=self._issuer.audience,
            subject=subject,
            claims={"iss": self._issuer.url},
        )
        return Access(caller, shown)


def _scopes(words: Iterable[str]) -> Iterable[Scope]:
    """`reward` is no scope of an access token: rewards are signed by keys that we made."""
    for word in words:
        match word.removeprefix(PREFIX) if word.startswith(PREFIX) else "":
            case "read" | "submit" | "curate" | "admin" as scope:
                yield scope


def _words(claim: JsonValue) -> list[str]:
    """A claim's words: a text separated by blanks (RFC 8693) or a list."""
    if isinstance(claim, str):
        return claim.split()
    return [str(item) for item in claim] if isinstance(claim, list) else []


def _usable(published: JsonValue) -> Iterable[tuple[str, jwt.PyJWK]]:
    """Key id → key, of those that can check a signature."""
    keys = published.get("keys") if isinstance(published, dict) else None
    if not isinstance(keys, list):
        raise ValueError("it is no JSON Web Key Set")
    for published_key in keys:
        if (
            isinstance(published_key, dict)
            and isinstance(key_id := published_key.get("kid"), str)
            and published_key.get("use") in {None, "sig"}
        ):
            try:
                key = jwt.PyJWK.from_dict(published_key)
            except jwt.PyJWTError as error:
                log.info("a published key of %s is of no use to us: %s", key_id, error)
                continue
            if key.algorithm_name in ALGORITHMS:
                yield key_id, key


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return
    raise InvalidSetting(f"{name} must be an https address, not {url[:200]!r}: keys that travel openly can be swapped.")


@lru_cache(maxsize=1000)
def is_loopback(host: str) -> bool:
    """True for an address (or the name localhost) that stays on this machine."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
