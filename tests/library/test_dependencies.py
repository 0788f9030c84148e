"""What the storage uses of its dependencies beyond their documentation: each of these fails where it changes."""

from __future__ import annotations

import inspect
import sqlite3
from functools import partial

import aiosqlite
import pytest
from sqlalchemy import bindparam, exc, make_url, select
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_dbapi

from explib.storage.sqlite.driver import WritingConnection
from explib.storage.statements import driver_statement
from explib.storage.tables.libraries import libraries


async def test_aiosqlite_runs_every_operation_by_one_method_and_has_its_connection() -> None:
    connection = aiosqlite.Connection(partial(sqlite3.connect, ":memory:"), 64)
    assert inspect.signature(connection._execute).parameters.keys() == {"fn", "args", "kwargs"}
    async with connection:
        assert isinstance(connection._conn, sqlite3.Connection)
        assert connection._connection is connection._conn
        cursor = await connection.execute("SELECT 1")
        assert isinstance(cursor, aiosqlite.Cursor)
        await cursor.close()


async def test_a_writing_connection_runs_statements_itself_and_what_waits_in_the_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queued: list[str] = []
    execute = aiosqlite.Connection._execute

    async def queue(self: aiosqlite.Connection, fn: object, *args: object, **kwargs: object) -> object:
        queued.append(str(getattr(fn, "__name__", "connect")))
        return await execute(self, fn, *args, **kwargs)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(aiosqlite.Connection, "_execute", queue)
    connection = WritingConnection(partial(sqlite3.connect, ":memory:", check_same_thread=False), 64)
    async with connection:
        queued.clear()
        await connection.execute("BEGIN IMMEDIATE")
        cursor = await connection.cursor()
        await cursor.execute("CREATE TABLE t (n)")
        await cursor.close()
        connection.run_many("INSERT INTO t VALUES (?)", [(1,), (2,)])
        assert connection.run("SELECT n FROM t WHERE n > ?", [1]) == [(2,)]
        await connection.commit()
        assert queued == ["execute", "commit"]


def test_sqlalchemy_takes_a_driver_module_and_its_sqlite() -> None:
    assert list(inspect.signature(AsyncAdapt_aiosqlite_dbapi).parameters) == ["aiosqlite", "sqlite"]


def test_sqlalchemy_knows_the_order_of_a_statements_parameters() -> None:
    statement = select(libraries.c.id).where(libraries.c.name == bindparam("b"), libraries.c.id == bindparam("a"))
    engines = ("sqlite://", ("?", "?")), ("postgresql+asyncpg://", ("$1", "$2"))
    for url, marks in engines:
        dialect = make_url(url).get_dialect()()
        text, names = driver_statement(statement, dialect)
        assert names == ("b", "a")
        assert all(mark in text for mark in marks)


def test_the_driver_names_its_errors_as_sqlalchemy_does() -> None:
    names = [name for name, kind in vars(sqlite3).items() if inspect.isclass(kind) and issubclass(kind, sqlite3.Error)]
    assert all(issubclass(getattr(exc, name), exc.DBAPIError) for name in names if name != "Error")
