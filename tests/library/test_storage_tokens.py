"""Tokens: shown once, good until they expire or are revoked, their last use known to the minute."""

from __future__ import annotations

from dataclasses import replace

import pytest
from clock import Clock
from sqlalchemy import select

from explib.errors import UnknownToken
from explib.storage.store import Store, open_store
from explib.storage.tables.access import tokens

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


async def test_the_secret_is_found_again_and_not_stored(store: Store) -> None:
    token, secret = await store.tokens.create("ci", "submit", ["retail", "airline"], None)
    assert await store.tokens.find(secret) == token
    assert token.libraries == ("airline", "retail")
    async with store.database.read() as connection:
        row = (await connection.execute(select(tokens))).one()
    assert secret not in str(row)
    assert secret.removeprefix("explib_") not in str(row)


@pytest.mark.parametrize("forged", ["", "explib_", "explib_x", "Bearer", "explib_' OR 1=1 --", "explib_\ud800"])
async def test_a_forged_secret_is_nobodys(store: Store, forged: str) -> None:
    await store.tokens.create("ci", "read", None, None)
    assert await store.tokens.find(forged) is None


async def test_a_token_ends_when_it_expires_or_is_revoked(url: str) -> None:
    clock = Clock()
    async with open_store(url, clock) as store:
        short, secret = await store.tokens.create("short", "read", ["airline"], clock.now + 60)
        lasting, other = await store.tokens.create("lasting", "read", None, None)
        assert await store.tokens.find(secret) == short
        clock.now += 60
        assert await store.tokens.find(secret) is None
        revoked = await store.tokens.revoke(lasting.id)
        assert await store.tokens.find(other) is None
        clock.now += 5
        assert await store.tokens.revoke(lasting.id) == revoked == replace(lasting, revoked_at=clock.now - 5)
        assert await store.tokens.all() == [short, revoked]
        with pytest.raises(UnknownToken, match="token list"):
            await store.tokens.revoke("k_0")


async def test_the_last_use_is_written_once_a_minute(url: str) -> None:
    clock = Clock()
    async with open_store(url, clock) as store:
        token, _ = await store.tokens.create("ci", "read", None, None)
        seen = []
        for _ in range(5):
            store.tokens.used(token)
            await store.tokens.flush()
            seen += [each.last_used_at for each in await store.tokens.all()]
            clock.now += 25
    assert seen == [1_000_000.0] * 3 + [1_000_075.0] * 2


async def test_a_use_is_on_disk_when_the_store_is_closed(url: str) -> None:
    clock = Clock()
    async with open_store(url, clock) as store:
        token, _ = await store.tokens.create("ci", "read", None, None)
        store.tokens.used(token)
    async with open_store(url, clock) as store:
        assert (await store.tokens.all())[0].last_used_at == clock.now


async def test_reward_keys_are_those_of_the_library_that_are_good_now(store: Store) -> None:
    key, secret = await store.tokens.create("ci", "reward", ["airline"], None)
    everywhere, other = await store.tokens.create("all", "reward", None, None)
    await store.tokens.create("reader", "read", ["airline"], None)
    await store.tokens.create("old", "reward", None, 1.0)
    assert await store.tokens.reward_keys("airline") == {key.id: secret, everywhere.id: other}
    await store.tokens.revoke(everywhere.id)
    assert await store.tokens.reward_keys("retail") == {}


async def test_a_reward_key_alone_does_not_shut_the_door(store: Store) -> None:
    await store.tokens.create("ci", "reward", None, None)
    assert not await store.tokens.any_access()
    token, _ = await store.tokens.create("reader", "read", None, None)
    await store.tokens.revoke(token.id)
    assert await store.tokens.any_access()
