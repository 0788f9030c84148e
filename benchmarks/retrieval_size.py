"""The index of a library by its size: making it, reading it, changing it, asking it, and what it holds.

    .venv/bin/python benchmarks/retrieval_size.py [--sizes 1000,10000,100000] [--url postgresql+asyncpg://…]

For each size two processes: the first embeds every lesson and stores the vectors; the second finds them stored, and is
measured. `follow` is one revision that changes ten lessons. `ask` is a whole `candidates` call (terms, embedding, both
searches, blending); next to it the embedding of the task alone, which every search by meaning needs, and the exact
search that numpy would do in one thread. `recall` is of the ten nearest, against that exact search. With `--url` the
lessons are put into libraries of that (empty) database, where beyond 100,000 the database is searched.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np
from lessons import lessons, tasks
from measuring import Spread, keep, numbers, parser, show
from memory import resident
from numpy.typing import NDArray
from seeding import LIBRARY, seed, sqlite_url
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.libraries import Library
from explib.models.revisions import Operation
from explib.retrieval.library_index import LibraryIndex
from explib.retrieval.wordllama_embedding import WordllamaEmbedder
from explib.storage.committing import Proposal
from explib.storage.store import Store, open_store
from explib.words import terms

ROOM = 1_460
ASKED = 100
REVISIONS = 5
DEPTH = 10
Figures = dict[str, float]


async def making(url: str) -> Figures:
    """Seconds to embed and store everything, from nothing."""
    embedder = WordllamaEmbedder()
    await embedder.embed(["warm"])
    async with open_store(url) as store:
        library = await store.libraries.get(LIBRARY)
        await _full_text(store, library)
        started = time.perf_counter()
        index = LibraryIndex(embedder)
        await index.follow(store, library)
        answering = time.perf_counter() - started
        await store.vectors.settled()
        while await _unfinished(store, library, embedder.name):
            await asyncio.wait([asyncio.create_task(asyncio.sleep(0.2))])
        return {"first s": answering, "stored s": time.perf_counter() - started}


async def _unfinished(store: Store, library: Library, embedder: str) -> bool:
    if store.vectors.searched and await store.vectors.missing(library, embedder, 1):
        return True
    return any("vectors" in task.get_name() for task in asyncio.all_tasks())


async def _full_text(store: Store, library: Library) -> None:
    """What the bulk seeding leaves out and only the database's own search needs."""
    if not store.vectors.searched:
        return
    _, every = await store.lessons.changed(library, -1)
    rows = [{"library": library.id, "id": each.id, "terms": " ".join(terms(each.content))} for each in every]

    async def insert(connection: AsyncConnection) -> None:
        await connection.execute(text("INSERT INTO experience_terms VALUES (:library, :id, :terms)"), rows)

    await store.database.write(insert)


async def asking(url: str) -> Figures:
    """Everything else, in a process that finds the vectors stored."""
    embedder = WordllamaEmbedder()
    await embedder.embed(["warm"])
    at_rest = resident("self", "VmRSS")
    async with open_store(url) as store:
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
        figures["follow ms"] = await _follow(store, index)
        return figures


async def _times(name: str, calls: Sequence[Callable[[], Awaitable[object]]]) -> Figures:
    seconds = []
    for call in calls:
        started = time.perf_counter()
        await call()
        seconds.append(time.perf_counter() - started)
    spread = Spread.of(seconds)
    return {f"{name} p50 ms": spread.p50, f"{name} p95 ms": spread.p95}


async def _against_exact(
    store: Store, library: Library, index: LibraryIndex, embedder: WordllamaEmbedder, asked: Sequence[str]
) -> Figures:
    stored = await store.vectors.load(library, embedder.name)
    matrix = stored.matrix.astype(np.float32)
    queries = await embedder.embed(asked)
    found, seconds = 0, []
    for query in queries:
        started = time.perf_counter()
        nearest = exact(matrix, query)
        seconds.append(time.perf_counter() - started)
        ids = await index.nearest(query, DEPTH)
        similarities = {known: float(matrix[row] @ query) for row, known in enumerate(stored.ids) if known in set(ids)}
        found += sum(similarities[known] >= nearest[-1] - 1e-3 for known in ids)
    return {"recall": found / (DEPTH * len(asked)), "exact p50 ms": Spread.of(seconds).p50}


def exact(matrix: NDArray[np.float32], query: NDArray[np.float32]) -> list[float]:
    """The floor: the cosines of the nearest, by one product with everything."""
    cosines = np.einsum("ij,j->i", matrix, query)
    best = cosines[np.argpartition(-cosines, DEPTH)[:DEPTH]] if len(cosines) > DEPTH else cosines
    return sorted(best.tolist(), reverse=True)


async def _follow(store: Store, index: LibraryIndex) -> float:
    fresh, seconds = lessons(10 * REVISIONS), []
    for revision in range(REVISIONS):
        library = await store.libraries.get(LIBRARY)
        changed = tuple(
            Operation("MODIFY", "why", target=f"e{10 * revision + place + 1}", content=f"{next(fresh)} Then rest.")
            for place in range(10)
        )
        await store.revisions.commit(Proposal(library, "benchmark", "me", "contrast", changed))
        library = await store.libraries.get(LIBRARY)
        started = time.perf_counter()
        await index.follow(store, library)
        seconds.append(1000 * (time.perf_counter() - started))
        await store.vectors.settled()
    return sorted(seconds)[REVISIONS // 2]


def measured(url: str, phase: str) -> Figures:
    """One phase in a process of its own."""
    command = [sys.executable, __file__, "--phase", phase, "--url", url]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: Figures = json.loads(found.stdout.splitlines()[-1])
    return figures


def run(chosen: argparse.Namespace) -> list[Figures]:
    """Both phases at each size."""
    rows: list[Figures] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in numbers(chosen.sizes):
            url = chosen.url or sqlite_url(Path(folder) / f"{size}.db")
            asyncio.run(seed(url, size))
            rows.append({"lessons": size, **measured(url, "making"), **measured(url, "asking")})
    return rows


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--sizes", default="1000,10000,100000")
    options.add_argument("--url", default="", help="an empty PostgreSQL database, for one size; else SQLite files")
    options.add_argument("--phase", choices=["making", "asking"], help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.phase is not None:
        print(json.dumps(asyncio.run((making if chosen.phase == "making" else asking)(chosen.url))))
        return
    rows = run(chosen)
    show("index", list(rows[0]), [[int(row["lessons"]), *list(row.values())[1:]] for row in rows])
    keep(chosen.json, rows)


if __name__ == "__main__":
    main()
