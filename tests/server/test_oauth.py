"""OAuth: JWTs of a real issuer on loopback, with real keys."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mcp import Client
from pydantic import JsonValue
from results import text_of
from server.http_cases import ask, client_with, http_server, make_library, make_token, running
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from explib.errors import InvalidSetting
from explib.settings.program import Settings
from explib_server.auth.oauth import REFRESH_SECONDS, Issuer, OAuthTokens
from explib_server.http.binding import oauth

AUDIENCE = "https://lessons.example.org/mcp"
PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
LESSON = "When boarding, weigh the bags."


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class IdentityProvider:
    """Publishes keys and signs with them."""

    url: str = ""
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    asked: int = 0
    down: bool = False

    def add(self, name: str, key: PrivateKey | None = None) -> None:
        self.keys[name] = key or rsa_key(name)

    def published(self, _request: Request) -> Response:
        self.asked += 1
        if self.down:
            return Response(status_code=503)
        return JSONResponse({"keys": [self._public(name) for name in self.keys]})

    def _public(self, name: str) -> dict[str, JsonValue]:
        key = self.keys[name]
        if isinstance(key, ec.EllipticCurvePrivateKey):
            shown = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).to_jwk(key.public_key(), as_dict=True)
            return {**shown, "kid": name, "alg": "ES256", "use": "sig"}
        shown = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return {**shown, "kid": name, "alg": "RS256", "use": "sig"}

    def sign(self, name: str = "first", algorithm: str = "RS256", **changed: JsonValue) -> str:
        return self.sign_with(changed, name, algorithm)

    def sign_with(self, changed: dict[str, JsonValue], name: str = "first", algorithm: str = "RS256") -> str:
        claims: dict[str, JsonValue] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ada",
            "client_id": "agent-7",
            "exp": int(time.time()) + 300,
            "scope": "openid explib:submit explib:library:airline",
            **changed,
        }
        given = {key: value for key, value in claims.items() if value is not None}
        return jwt.encode(given, self.keys[name], algorithm=algorithm, headers={"kid": name})


@asynccontextmanager
async def provider() -> AsyncIterator[IdentityProvider]:
    it = IdentityProvider()
    it.add("first")
    async with running(Starlette(routes=[Route("/jwks", it.published)])) as address:
        it.url = address
        yield it


def settings_for(it: IdentityProvider) -> Settings:
    return Settings(oauth_issuer=it.url, oauth_jwks_url=f"{it.url}/jwks", oauth_audience=AUDIENCE)


def issuer_of(it: IdentityProvider) -> Issuer:
    return Issuer(it.url, f"{it.url}/jwks", AUDIENCE)


async def lessons(client: Client) -> str:
    return text_of(await client.call_tool("get_experiences", {"task": "weigh the bags before boarding"}))


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_token_of_the_issuer_reaches_its_libraries_beside_our_own_tokens(mode: str) -> None:
    await make_library("airline", LESSON)
    await make_library("shipping", "When sailing, mind the tide.")
    async with provider() as it, http_server(settings_for(it)) as address:
        async with client_with(address, it.sign(), mode) as client:
            assert LESSON in await lessons(client)
            assert "create_library" not in {tool.name for tool in (await client.list_tools()).tools}
            refused = await client.call_tool("get_experiences", {"task": "sail", "library": "shipping"})
            assert refused.is_error
        async with client_with(address, await make_token("airline"), mode) as client:
            assert LESSON in await lessons(client)
        named = it.sign(scope="explib:read", explib_libraries=["airline"])
        async with client_with(address, named, mode) as client:
            assert LESSON in await lessons(client)


async def test_who_has_no_token_is_told_where_to_get_one() -> None:
    async with provider() as it, http_server(settings_for(it)) as address:
        refused = await ask(address)
        assert refused.status == 401
        where = refused.headers["www-authenticate"].split('resource_metadata="')[1].split('"')[0]
        assert where == "https://lessons.example.org/.well-known/oauth-protected-resource/mcp"
        metadata = json.loads((await ask(address, "/.well-known/oauth-protected-resource/mcp")).body)
    assert metadata["resource"] == AUDIENCE
    assert [server.rstrip("/") for server in metadata["authorization_servers"]] == [it.url]
    assert "explib:submit" in metadata["scopes_supported"]


WRONG: dict[str, dict[str, JsonValue]] = {
    "expired": {"exp": 1_000_000_000},
    "not yet good": {"nbf": 4_000_000_000},
    "another audience": {"aud": "https://other.example.org/mcp"},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://evil.example"},
    "no expiry": {"exp": None},
    "nobody": {"sub": None},
    "a library that no database holds": {"explib_libraries": ["airline", "air\0line"]},
    "another such in its scope": {"scope": "explib:read explib:library:\ud800"},
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_token_with_a_wrong_claim_opens_nothing_and_the_log_says_why(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "explib_server.auth.oauth")
    async with provider() as it, http_server(settings_for(it)) as address:
        assert (await ask(address, secret=it.sign())).status == 200
        assert not caplog.messages
        assert (await ask(address, secret=it.sign_with(WRONG[what]))).status == 401
    [said] = caplog.messages
    assert said.startswith("an OAuth token was refused: ")


@pytest.mark.parametrize("scope", ["openid profile", "read submit", "explib:reward", "explib:everything", ""])
async def test_a_token_without_a_scope_of_ours_is_forbidden(scope: str) -> None:
    async with provider() as it, http_server(settings_for(it)) as address:
        refused = await ask(address, secret=it.sign(scope=scope))
    assert refused.status == 403
    assert "insufficient_scope" in refused.headers["www-authenticate"]


async def test_forged_signatures_and_algorithms_are_refused() -> None:
    async with provider() as it, http_server(settings_for(it)) as address:
        good = it.sign()
        head, body, signature = good.split(".")
        stranger = IdentityProvider(it.url)
        stranger.add("first", rsa_key("stranger"))
        key = it.keys["first"]
        assert isinstance(key, rsa.RSAPrivateKey)
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        claims = jwt.decode(good, options={"verify_signature": False})
        forged = [
            stranger.sign(),
            jwt.encode(claims, "", algorithm="none", headers={"kid": "first"}),
            _signed_with_the_public_key(claims, public),
            it.sign(algorithm="PS256"),
            f"{head}.{body}.",
            f"{head}.{stranger.sign(scope='explib:admin').split('.')[1]}.{signature}",
            jwt.encode(claims, key, algorithm="RS256"),
            "a.b.c",
            good + "x" * 20_000,
        ]
        for each in forged:
            assert (await ask(address, secret=each)).status == 401, each[:80]
        assert (await ask(address, secret=good)).status == 200


def _signed_with_the_public_key(claims: dict[str, JsonValue], public: bytes) -> str:
    """What a library that lets the token choose its algorithm would take for signed."""
    head = json.dumps({"alg": "HS256", "typ": "JWT", "kid": "first"}).encode()
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (head, json.dumps(claims).encode()))
    digest = hmac.digest(public, signed, "sha256")
    return f"{signed.decode()}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


async def test_elliptic_keys_work_too() -> None:
    async with provider() as it:
        it.add("curve", ec.generate_private_key(ec.SECP256R1()))
        access = await OAuthTokens(issuer_of(it), time.monotonic).verify(it.sign("curve", "ES256"))
    assert access is not None
    assert access.caller.name == "ada"
    assert access.caller.libraries == frozenset({"airline"})
    assert sorted(access.caller.scopes) == ["read", "submit"]


async def test_a_new_key_is_found_and_unknown_ones_do_not_make_us_ask_each_time() -> None:
    now = [1_000.0]
    async with provider() as it:
        tokens = OAuthTokens(issuer_of(it), lambda: now[0])
        assert await tokens.verify(it.sign()) is not None
        it.add("second")
        assert await tokens.verify(it.sign("second")) is None
        now[0] += REFRESH_SECONDS
        assert await tokens.verify(it.sign("second")) is not None
        assert it.asked == 2
        it.add("third")
        signed = it.sign("third")
        await asyncio.gather(*(tokens.verify(signed) for _ in range(50)))
        assert it.asked == 2
        del it.keys["first"], it.keys["third"]
        now[0] += 3_600
        old = it.sign("second")
        assert await tokens.verify(old) is not None
        assert await tokens.verify(signed) is None
        assert it.asked == 3


async def test_keys_that_cannot_be_read_again_stay_as_they_were() -> None:
    now = [1_000.0]
    async with provider() as it:
        tokens = OAuthTokens(issuer_of(it), lambda: now[0])
        it.down = True
        assert await tokens.verify(it.sign()) is None
        it.down = False
        now[0] += REFRESH_SECONDS
        assert await tokens.verify(it.sign()) is not None
        it.down = True
        now[0] += 3_600
        assert await tokens.verify(it.sign()) is not None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"oauth_issuer": "https://id.example.org"}, "needs all of"),
        ({"oauth_jwks_url": "http://id.example.org/jwks"}, "https"),
        ({"oauth_issuer": "nonsense"}, "https"),
        ({"oauth_audience": "api://lessons"}, "EXPLIB_PUBLIC_URL"),
    ],
)
def test_half_an_issuer_or_an_open_address_is_a_wrong_setting(given: dict[str, str], says: str) -> None:
    whole = {
        "oauth_issuer": "https://id.example.org",
        "oauth_jwks_url": "https://id.example.org/jwks",
        "oauth_audience": AUDIENCE,
    }
    chosen = given if says == "needs all of" else {**whole, **given}
    with pytest.raises(InvalidSetting, match=says):
        oauth(Settings.model_validate(chosen))


def test_an_issuer_is_complete_with_an_audience_that_is_an_address() -> None:
    found = oauth(settings_for(IdentityProvider("https://id.example.org")))
    assert found is not None
    assert str(found[1]) == AUDIENCE
