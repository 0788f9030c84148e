"""How long one large submission holds up another library's calls: the longest answer beside it, and beside none.

    .venv/bin/python benchmarks/large_texts.py [--megabytes 7.5] [--times 3] [--json FILE]

A server over HTTP; one client submits a large text to one library, again and again, while another asks for experiences
of another library. Each kind of text is of its own: words, one line without a blank, code, JSON, base64.
"""

from __future__ import annotations

import base64
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from measuring import keep, parser, show

from explib_server.clients.entries import own_command

VERSION = "2026-07-28"
MB = 1_000_000
STARTED_SECONDS = 60


class Row(NamedTuple):
    """What went on beside, and the calls to another library meanwhile."""

    beside: str
    calls: int
    median_ms: float
    longest_ms: float


def call(port: int, tool: str, arguments: dict[str, object]) -> float:
    """Seconds that one call took. Raises RuntimeError where it failed."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    sent = json.dumps({**body, "params": {"name": tool, "arguments": arguments, "_meta": meta}})
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    modern = {"MCP-Protocol-Version": VERSION, "MCP-Method": "tools/call", "MCP-Name": tool}
    with closing(HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        started = time.perf_counter()
        connection.request("POST", "/mcp", sent, {**headers, **modern})
        answer = connection.getresponse()
        text = answer.read().decode()
        took = time.perf_counter() - started
    if answer.status != 200 or '"isError":true' in text.replace(" ", ""):
        raise RuntimeError(f"{tool}: {answer.status} {text[:300]}")
    return took


@contextmanager
def server(folder: str) -> Iterator[int]:
    """The port of a server with its own database."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"EXPLIB_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/library.db"}
    explib = own_command()[:-1]
    for name in ("large", "other"):
        subprocess.run(
            [*explib, "libraries", "create", name], env={**os.environ, **own}, check=True, capture_output=True
        )
    command = [*explib, "serve", "--transport", "http", "--port", str(port), "--learner", "off"]
    with Path(folder, "log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **own}, stderr=log, stdout=log)
    try:
        give_up = time.monotonic() + STARTED_SECONDS
        while time.monotonic() < give_up:
            try:
                call(port, "get_experiences", {"task": "first", "library": "other"})
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def beside(port: int, submit: Callable[[], None]) -> list[float]:
    """Seconds of each call to another library until `submit` has returned."""
    taken: list[float] = []
    with ThreadPoolExecutor(1) as threads:
        submitting = threads.submit(submit)
        while not submitting.done():
            taken.append(call(port, "get_experiences", {"task": "pack a parcel", "library": "other"}))
            time.sleep(0.005)
        submitting.result()
    return taken


def texts(size: int) -> dict[str, str]:
    """Texts of about that many bytes as JSON, by kind."""
    dice = random.Random(1)
    words = " ".join(f"word{dice.randrange(5000)}" for _ in range(size // 8))
    code = "\n".join(f"    self.value_{n} = call_{n}(argument={n}, other='x{n}')" for n in range(size // 50))
    rows = json.dumps([{"id": n, "name": f"name {n}", "token": None, "url": f"/a/{n}"} for n in range(size // 60)])
    packed = base64.b64encode(dice.randbytes(size * 3 // 4)).decode()
    made = {"words": words, "code": code, "JSON": rows, "base64": packed, "one letter": "a" * size}
    return {kind: text[: size * len(text) // len(json.dumps(text))] for kind, text in made.items()}


def main() -> None:
    """Print one row a kind of text."""
    options = parser(__doc__)
    options.add_argument("--megabytes", type=float, default=7.5)
    options.add_argument("--times", type=int, default=3)
    asked = options.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, server(folder) as port:
        idle = [call(port, "get_experiences", {"task": "pack a parcel", "library": "other"}) for _ in range(50)]
        rows.append(row("nothing", idle))
        for kind, text in texts(int(asked.megabytes * MB)).items():

            def submit(text: str = text) -> None:
                for turn in range(asked.times):
                    messages = [{"role": "user", "content": f"{turn}"}, {"role": "assistant", "content": text}]
                    call(port, "submit_trajectory", {"task": "long", "trajectory": messages, "library": "large"})

            rows.append(row(kind, beside(port, submit)))
    show("Calls to another library meanwhile", Row._fields, rows)
    keep(asked.json, rows)


def row(kind: str, taken: list[float]) -> Row:
    """One row of the table."""
    return Row(kind, len(taken), round(1000 * statistics.median(taken), 1), round(1000 * max(taken), 1))


if __name__ == "__main__":
    sys.exit(main())
