"""The index of a library by its size: making it, reading it, changing it, asking it, and what it holds.

    .venv/bin/python benchmarks/retrieval_size.py [--sizes 1000,10000,100000] [--engine postgresql [--search database]]

For each size two processes: the first embeds every lesson and stores the vectors, with the terms where the database is
what is searched (`stored`), which then indexes them (`index`); the second finds them there, and is measured. `ask` is a
whole `candidates` call (terms, embedding, both searches, blending); next to it the embedding of the task alone, which
every search by meaning needs, and the exact search that numpy would do in one thread. `recall` is of the ten nearest,
against that exact search. `follow` is one revision that changes ten lessons, and `ask after` the first call behind it;
`found` is the share of those lessons that are then found by their own text. With `--engine postgresql` a server is
started, in a folder that is gone afterwards; `--search database` has it searched whatever the size, `--search memory`
never.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence

import numpy as np
from engines import ENGINES, databases
from lessons import lessons, tasks
from measuring import Spread, keep, numbers, parser, show
from memory import resident
from numpy.typing import NDArray
from seeding import LIBRARY, seed
from sqlalchemy import text

from explib.models.libraries import Library
from explib.models.revisions import Operation
from explib.retrieval import index as library_index
from explib.retrieval.index import LibraryIndex
from explib.retrieval.wordllama import WordllamaEmbedder
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store

ROOM = 1_460
ASKED = 100
REVISIONS = 5
DEPTH = 10
INDEXING = "SELECT count(*) FROM pg_stat_progress_create_index"
SIZES = {
    "words": "SELECT pg_total_relation_size('experience_terms')",
    "vectors": "SELECT pg_table_size('experience_vectors')",
    "index": "SELECT coalesce(sum(pg_relation_size(oid)), 0) FROM pg_class WHERE relname LIKE 'ix_vectors_%'",
}
SERVER = (
    "shared_buffers = '1GB'",
    "effective_cache_size = '8GB'",
    "max_wal_size = '4GB'",
    "fsync = off",
    "full_page_writes = off",
)
"""Of the PostgreSQL that is started, everything else as it comes: what is measured is not how soon the disk writes."""
STATEMENT_SECONDS = 600.0
Figures = dict[str, float]


async def making(url: str) -> Figures:
    """Seconds to embed, store and index everything, from nothing."""
    embedder = WordllamaEmbedder()
    await embedder.embed(["warm"])
    async with open_store(url, statement_timeout=STATEMENT_SECONDS) as store:
        library = await store.libraries.get(LIBRARY)
        started = time.perf_counter()
        index = LibraryIndex(embedder)
        await index.follow(store, library)
        figures = {"first s": time.perf_counter() - started}
        await store.vectors.flush()
        while _working() and not await _count(store, INDEXING):
            await asyncio.wait([asyncio.create_task(asyncio.sleep(0.2))])
        figures["stored s"] = time.perf_counter() - started
        while _working():
            await asyncio.wait([asyncio.create_task(asyncio.sleep(0.2))])
        figures["index s"] = time.perf_counter() - started - figures["stored s"]
        figures |= {f"{name} MB": (await _count(store, size)) / 2**20 for name, size in SIZES.items()}
        return figures


def _working() -> bool:
    return any("large library" in task.get_name() for task in asyncio.all_tasks())


async def _count(store: Store, statement: str) -> float:
    if not store.search.available:
        return 0.0
    async with store.database.read() as connection:
        return float((await connection.execute(text(statement))).scalar_one())


async def asking(url: str) -> Figures:
    """Everything else, in a process that finds the vectors stored."""
    embedder = WordllamaEmbedder()
    await embedder.embed(["warm"])
    at_rest = resident("self", "VmRSS")
    async with open_store(url, statement_timeout=STATEMENT_SECONDS) as store:
        library = await store.libraries.get(LIBRARY)
        index = LibraryIndex(embedder)
        started = time.perf_counter()
        await index.follow(store, library)
        figures = {"load s": time.perf_counter() - started}
        asked = [task for task, _ in zip(tasks(5), range(ASKED), strict=False)]
        figures |= await _times("ask", [lambda task=task: index.candidates(task, ROOM) for task in asked])
        figures["held MB"] = resident("self", "VmRSS") - at_rest
        figures["most MB"] = resident("self", "VmHWM") - at_rest
        figures |= await _times("embed", [lambda task=task: embedder.embed([task]) for task in asked])
        figures |= await _against_exact(store, library, index, embedder, asked)
        return figures | await _follow(store, index)


async def _times(name: str, calls: Sequence[Callable[[], Awaitable[object]]]) -> Figures:
    spread = Spread.of([await _seconds(call()) for call in calls])
    return {f"{name} p50 ms": spread.p50, f"{name} p95 ms": spread.p95}


async def _against_exact(
    store: Store, library: Library, index: LibraryIndex, embedder: WordllamaEmbedder, asked: Sequence[str]
) -> Figures:
    stored = await store.vectors.load(library, embedder.name)
    matrix = stored.matrix.astype(np.float32)
    rows = {known: row for row, known in enumerate(stored.ids)}
    queries = await embedder.embed(asked)
    found, seconds = 0, []
    for query in queries:
        started = time.perf_counter()
        nearest = exact(matrix, query)
        seconds.append(time.perf_counter() - started)
        ids = await index.nearest(query, DEPTH)
        found += sum(float(matrix[rows[known]] @ query) >= nearest[-1] - 1e-3 for known in ids)
    return {"recall": found / (DEPTH * len(asked)), "exact p50 ms": Spread.of(seconds).p50}


def exact(matrix: NDArray[np.float32], query: NDArray[np.float32]) -> list[float]:
    """The floor: the cosines of the nearest, by one product with everything."""
    cosines = np.einsum("ij,j->i", matrix, query)
    best = cosines[np.argpartition(-cosines, DEPTH)[:DEPTH]] if len(cosines) > DEPTH else cosines
    return sorted(best.tolist(), reverse=True)


async def _follow(store: Store, index: LibraryIndex) -> Figures:
    fresh, follows, asks, found = lessons(10 * REVISIONS), [], [], 0
    for revision in range(REVISIONS):
        library = await store.libraries.get(LIBRARY)
        contents = [f"{next(fresh)} Then rest {revision}." for _ in range(10)]
        changed = tuple(
            Operation("MODIFY", "why", target=f"e{10 * revision + place}", content=content)
            for place, content in enumerate(contents, start=1)
        )
        await store.revisions.commit(Proposal(library, "benchmark", "me", "contrast", changed))
        library = await store.libraries.get(LIBRARY)
        started = time.perf_counter()
        await index.follow(store, library)
        follows.append(time.perf_counter() - started)
        asks.append(await _seconds(index.candidates(contents[0], ROOM)))
        answers = [await index.candidates(content, ROOM) for content in contents]
        firsts = [each.ranked[0][0].content for each in answers]
        found += sum(first == content for first, content in zip(firsts, contents, strict=True))
        await store.vectors.flush()
    return {
        "follow ms": 1000 * sorted(follows)[REVISIONS // 2],
        "ask after ms": 1000 * sorted(asks)[REVISIONS // 2],
        "found": found / (10 * REVISIONS),
    }


async def _seconds(call: Awaitable[object]) -> float:
    started = time.perf_counter()
    await call
    return time.perf_counter() - started


def measured(url: str, phase: str, search: str) -> Figures:
    """One phase in a process of its own."""
    command = [sys.executable, __file__, "--phase", phase, "--url", url, "--search", search]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: Figures = json.loads(found.stdout.splitlines()[-1])
    return figures


def run(chosen: argparse.Namespace) -> list[Figures]:
    """Both phases at each size."""
    rows: list[Figures] = []
    with databases(chosen.engine, SERVER) as opened:
        for size in numbers(chosen.sizes):
            with opened(size) as url:
                started = time.perf_counter()
                asyncio.run(seed(url, size))
                row = {"lessons": size, "seed s": time.perf_counter() - started}
                for phase in PHASES:
                    row |= measured(url, phase, chosen.search)
                    sys.stderr.write(f"{phase} {json.dumps(row)}\n")
                rows.append(row)
    return rows


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--sizes", default="1000,10000,100000")
    options.add_argument("--engine", choices=ENGINES, default="sqlite")
    options.add_argument("--search", choices=list(SEARCHED_FROM), default="auto", help="on PostgreSQL")
    options.add_argument("--phase", choices=list(PHASES), help=argparse.SUPPRESS)
    options.add_argument("--url", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.phase is not None:
        library_index.SEARCHED_FROM = SEARCHED_FROM[chosen.search]
        print(json.dumps(asyncio.run(PHASES[chosen.phase](chosen.url))))
        return
    rows = run(chosen)
    show("index", list(rows[0]), [[int(row["lessons"]), *list(row.values())[1:]] for row in rows])
    keep(chosen.json, rows)


PHASES: dict[str, Callable[[str], Coroutine[None, None, Figures]]] = {"making": making, "asking": asking}
SEARCHED_FROM = {"auto": library_index.SEARCHED_FROM, "database": 0, "memory": 10**9}


if __name__ == "__main__":
    main()
