"""How many submissions a second are durable: by size, by clients, on both engines, next to the same without flushing.

    .venv/bin/python benchmarks/submissions.py [--seconds 3] [--sizes 1,16,1024] [--clients 1,8] [--json FILE]

A client submits one trajectory after the other through one server's application: parsed, redacted, stored, grouped.
The floor is the same program on the same engine with the disk flush of a commit turned off (SQLite: synchronous = OFF,
PostgreSQL: fsync = off), measured in turn with it. `--processes` runs each client in a process of its own on the same
SQLite file, as clients that start their own stdio servers do: they can't share commits.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from explib.models.libraries import Library
from explib.models.submissions import RawSubmission
from explib.settings.program import Settings
from explib.storage.database import Database
from explib.storage.schema import ensure_schema
from explib.storage.sqlite.dialect import SqliteDialect
from explib.storage.store import Store
from explib_server.application import Application
from explib_server.compose import application_over, open_application

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the tests have a PostgreSQL to start
from postgresql_server import postgresql_server

WORDS = [f"word{number}" for number in range(2000)]
KIB = 1024


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement."""

    url: str
    kib: int
    clients: int
    seconds: float
    flushed: bool = True


def attempt(kib: int, seed: str) -> list[dict[str, str]]:
    """A conversation of about that size; every one is different."""
    dice = random.Random(seed)
    text = " ".join(dice.choices(WORDS, k=max(1, kib * KIB // 8)))
    return [
        {"role": "user", "content": text[: len(text) // 2]},
        {"role": "assistant", "content": text[len(text) // 2 :]},
    ]


async def client(application: Application, library: Library, case: Case, name: str, until: float) -> int:
    """Submit until the time is over; how many were acknowledged."""
    done = 0
    while time.monotonic() < until:
        key = f"{name}/{done}"
        raw = RawSubmission(f"task {name} {done // 5}", attempt(case.kib, key), float(done % 2), idempotency_key=key)
        await application.submit(library, raw)
        done += 1
    return done


class Unflushed(SqliteDialect):
    """SQLite that commits without waiting for the disk: the floor."""

    def _set_up(self, connection: Any, record: object) -> None:
        super()._set_up(connection, record)
        connection.cursor().execute("PRAGMA synchronous = OFF")


@asynccontextmanager
async def opened(case: Case) -> AsyncIterator[Application]:
    """A application on the case's database, with or without the flush of SQLite's commits."""
    settings = Settings(database_url=case.url, embedder="none")
    if case.flushed or not case.url.startswith("sqlite"):
        async with open_application(settings) as application:
            yield application
        return
    database = Database(Unflushed(make_url(case.url)))
    await ensure_schema(database)
    async with AsyncExitStack() as closing:
        yield application_over(settings, Store(database), closing)
    await database.close()


async def rate(case: Case, name: str = "client") -> float:
    """Acknowledged submissions a second."""
    async with opened(case) as application:
        library = await application.library()
        until = time.monotonic() + case.seconds
        names = [f"{name}{number}-{time.time_ns()}" for number in range(case.clients)]
        started = time.monotonic()
        done = await asyncio.gather(*(client(application, library, case, each, until) for each in names))
        return sum(done) / (time.monotonic() - started)


def in_processes(case: Case) -> float:
    """The same with a process for each client, which starts in its own time and then counts its own seconds."""
    flags = ["--one", case.url, str(case.kib), str(case.seconds), str(int(case.flushed))]
    command = [sys.executable, __file__, *flags]
    started = [
        subprocess.Popen([*command, f"process{number}"], stdout=subprocess.PIPE, text=True)
        for number in range(case.clients)
    ]
    return sum(float(process.communicate()[0]) for process in started)


def one_process(url: str, kib: str, seconds: str, flushed: str, name: str) -> None:
    """What each process of `in_processes` does."""
    print(asyncio.run(rate(Case(url, int(kib), 1, float(seconds), bool(int(flushed))), name)))


@contextmanager
def databases(engine: str, folder: Path) -> Iterator[Callable[[bool], str]]:
    """Gives the URL of a new database, on an engine that flushes or doesn't."""
    numbers = itertools.count()
    if engine == "sqlite":
        yield lambda _flushed: f"sqlite+aiosqlite:///{folder}/{next(numbers)}.db"
        return
    with postgresql_server() as server, ExitStack() as made:
        server.prepare()

        def url(flushed: bool) -> str:
            for setting in ("fsync", "full_page_writes"):
                server.sql(f"ALTER SYSTEM SET {setting} = {'on' if flushed else 'off'};")
            server.sql("SELECT pg_reload_conf();")
            return made.enter_context(server.database())

        yield url


def measured(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """A row for each engine, size and number of clients."""
    with tempfile.TemporaryDirectory() as folder:
        for engine in arguments.engines.split(","):
            with databases(engine, Path(folder)) as new:
                for kib in map(int, arguments.sizes.split(",")):
                    for clients in map(int, arguments.clients.split(",")):
                        rates = {}
                        for flushed in (True, False):
                            case = Case(new(flushed), kib, clients, arguments.seconds, flushed)
                            rates[flushed] = in_processes(case) if arguments.processes else asyncio.run(rate(case))
                        yield {
                            "engine": engine,
                            "kib": kib,
                            "clients": clients,
                            "durable": rates[True],
                            "floor": rates[False],
                            "ratio": rates[True] / rates[False],
                        }


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engines", default="sqlite,postgresql")
    parser.add_argument("--sizes", default="1,16,1024", help="KiB of one trajectory")
    parser.add_argument("--clients", default="1,8")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--processes", action="store_true", help="each client in a process of its own")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one_process(*arguments.one)
        return
    print(f"{'engine':12}{'KiB':>6}{'clients':>9}{'durable/s':>11}{'floor/s':>9}{'ratio':>7}")
    found = []
    for row in measured(arguments):
        found.append(row)
        print("{engine:12}{kib:>6}{clients:>9}{durable:>11.0f}{floor:>9.0f}{ratio:>7.2f}".format(**row), flush=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
