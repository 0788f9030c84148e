"""`explib token`: made, listed, revoked."""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from explib.errors import InvalidInput
from explib.models.access import Token
from explib.settings.program import Settings
from explib.storage.store import open_store
from explib_server.cli import app
from explib_server.cli.token import lifetime


def explib(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


async def _found(secret: str) -> tuple[Token | None, list[str]]:
    async with open_store(Settings().database_url) as store:
        return await store.tokens.find(secret), [library.name for library in await store.libraries.all()]


def test_a_token_is_made_for_its_libraries_and_its_secret_stands_alone_on_stdout() -> None:
    out = explib(
        "token", "create", "--library", "airline", "--library", "retail", "--scope", "submit", "--name", "ci\n"
    )
    token, libraries = asyncio.run(_found(out.removesuffix("\n")))
    assert token is not None
    assert (token.name, token.scope, token.libraries) == ("ci", "submit", ("airline", "retail"))
    assert token.expires_at == pytest.approx(token.created_at + 90 * 86_400, abs=5)
    assert libraries == ["airline", "retail"]
    [listed] = json.loads(explib("token", "list", "--json"))
    assert (listed["id"], listed["state"]) == (token.id, "never used")
    assert out.strip() not in explib("token", "list")
    assert token.id in explib("token", "revoke", token.id)
    assert asyncio.run(_found(out.strip()))[0] is None
    assert "revoked" in explib("token", "list")


def test_a_star_is_every_library() -> None:
    secret = explib("token", "create", "--library", "*", "--scope", "admin", "--expires", "never").strip()
    token, libraries = asyncio.run(_found(secret))
    assert token is not None
    assert (token.libraries, token.expires_at, libraries) == (None, None, [])


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1_800), ("12h", 43_200), ("90d", 7_776_000), ("never", None)])
def test_durations_are_a_number_and_a_unit(text: str, seconds: float | None) -> None:
    assert lifetime(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "0d", "1.5h", "90 d", "forever"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidInput, match="90d"):
        lifetime(text)
