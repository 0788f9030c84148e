"""Credentials × operations: how many calls each kind of credential was let into, beside how many it should be.

    .venv/bin/python benchmarks/credentials.py [--show] [--json FILE]

A server over HTTP that needs tokens, with two libraries. Operations are all that the server itself lists or knows
(its tools, with those of its App, and its routes); each is tried with each credential on the library `ours`. A call
counts as let in where the answer is no refusal, or where it tells what only `ours` holds. Signatures of rewards are
tried on an attempt of a library that counts signed rewards alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from mcp import Client
from measuring import keep, parser, show
from server.http_cases import JSON_HEADERS, Answer, ask, http_server, make_library

from explib.errors import InvalidSignature
from explib.evidence.signatures import sign
from explib.models.access import TokenScope
from explib.models.libraries import LibrarySettings
from explib.models.submissions import Attempt, RawSubmission
from explib.settings.program import Settings
from explib.storage.store import open_store
from explib_server.application import Application
from explib_server.auth.scopes import SCOPES_OF, TOOLS_OF, needed_scope
from explib_server.compose import open_application
from explib_server.mcp.server import build_server

VERSION = "2026-07-28"
MARK = "heliotrope"
"""A word that stands in the lesson of `ours` alone."""
REFUSED = ("needs a token of scope", "There is no library", "named by this token", "is a person's decision")
ROUTES = ("/", "/ui", "/metrics")
"""Beside the tools; /health and /ready are open to all, and /ui/key takes the code of a page that a person opens."""
VALUES = {"library": "ours", "id": "e1", "name": "ours", "task": "pack", "vote": "up", "decision": "approve"}


class Row(NamedTuple):
    """A kind of credential: calls tried, let in, and that it may be let into."""

    credential: str
    tried: int
    let_in: int
    permitted: int


class Credential(NamedTuple):
    """Headers, and the scopes that they give in the library `ours`."""

    headers: Mapping[str, str]
    scopes: frozenset[TokenScope] = frozenset()


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def credentials() -> dict[str, Credential]:
    """Every kind, in a database with both libraries."""
    await make_library("ours", f"When packing, think of {MARK}.")
    await make_library("theirs", "When packing, weigh.")
    unsigned = ".".join(
        base64.urlsafe_b64encode(part).decode().strip("=") for part in (b'{"alg":"none"}', b'{"sub":"a"}')
    )
    made: dict[str, Credential] = {}
    async with open_store(Settings().database_url) as store:

        async def secret(scope: TokenScope, library: str = "ours", until: float | None = None) -> str:
            return (await store.tokens.create("a", scope, [library], until))[1]

        good = await secret("admin")
        revoked, gone = await store.tokens.create("a", "admin", ["ours"], None)
        await store.tokens.revoke(revoked.id)
        for name, headers in {
            "none": {},
            "no token at all": bearer("nonsense"),
            "an empty one": bearer(""),
            "of right form, made up": bearer(good[:-6] + "AAAAAA"),
            "a good one's beginning": bearer(good[:-1]),
            "as Basic": {"Authorization": "Basic " + base64.b64encode(f"a:{good}".encode()).decode()},
            "as a cookie": {"Cookie": f"token={good}"},
            "an unsigned JWT": bearer(f"{unsigned}."),
            "expired": bearer(await secret("admin", until=store.clock() - 1)),
            "revoked": bearer(gone),
            "a reward key": bearer(await secret("reward")),
        }.items():
            made[name] = Credential(headers)
        for scope in ("read", "submit", "curate", "admin"):
            made[f"other library's, {scope}"] = Credential(bearer(await secret(scope, "theirs")))
        for scope in ("read", "submit", "curate", "admin"):
            made[f"own, {scope}"] = Credential(bearer(await secret(scope)), SCOPES_OF[scope])
    return made


async def operations() -> dict[str, dict[str, object]]:
    """Every tool with arguments that its schema takes; those that only the App calls, too."""
    async with Client(build_server(Settings(), "off", "all")) as client:
        listed = (await client.list_tools()).tools
    known: dict[str, dict[str, object]] = {name: {} for tools in TOOLS_OF.values() for name in tools}
    for tool in listed:
        schema = tool.input_schema
        wanted = {*schema.get("required", ()), *({"library"} & schema["properties"].keys())}
        known[tool.name] = {each: _value(each, schema["properties"][each]) for each in wanted}
    return known


def _value(name: str, schema: Mapping[str, object]) -> object:
    kind = schema.get("type")
    return VALUES.get(name, 0 if kind in ("integer", "number") else "When packing, weigh.")


async def call(address: str, headers: Mapping[str, str], tool: str, arguments: Mapping[str, object]) -> Answer:
    """One call of a tool, in one request."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    sent = json.dumps({**body, "params": {"name": tool, "arguments": arguments, "_meta": meta}})
    modern = {"MCP-Protocol-Version": VERSION, "MCP-Method": "tools/call", "MCP-Name": tool}
    return await ask(address, headers={**JSON_HEADERS, **modern, **headers}, body=sent)


def is_in(answer: Answer, *, own: bool) -> bool:
    """Whether a call was let in; of who has nothing to do with `ours`, whether it was told anything of it."""
    if answer.status in (401, 403, 404, 405):
        return False
    refused = any(each in answer.body for each in REFUSED)
    return MARK in answer.body or (not refused and (own or '"ours"' in answer.body))


async def tried(address: str, credential: Credential, shown: list[str], name: str) -> Row:
    """Every operation with one credential."""
    own = bool(credential.scopes)
    known = await operations()
    let_in = permitted = 0
    for tool, arguments in known.items():
        answer = await call(address, credential.headers, tool, arguments)
        entered, may = is_in(answer, own=own), needed_scope(tool) in credential.scopes
        let_in, permitted = let_in + entered, permitted + may
        if entered != may:
            shown.append(
                f"{name}: {tool} {'was' if entered else 'was not'} let in: {answer.status} {answer.body[:300]}"
            )
    for route in ROUTES:
        answer = await ask(address, route, headers=credential.headers, method="GET")
        told = not own and (MARK in answer.body or '"ours"' in answer.body)
        let_in += told
        if told:
            shown.append(f"{name}: {route} told of ours: {answer.body[:200]}")
    return Row(name, len(known) + len(ROUTES), let_in, permitted)


async def signatures() -> Row:
    """Rewards with signatures that fit nothing, and how many were taken for signed."""
    async with open_application(Settings()) as application:
        store = application.store
        library, _ = await store.libraries.create("signed", LibrarySettings(signed_rewards_only=True))
        _, key = await store.tokens.create("ci", "reward", ["signed"], None)
        _, foreign = await store.tokens.create("ci", "reward", ["theirs"], None)
        _, expired = await store.tokens.create("ci", "reward", ["signed"], store.clock() - 1)
        attempt = (await application.submit(library, RawSubmission("pack", "packed"))).trajectory_id
        other = (await application.submit(library, RawSubmission("ship", "shipped"))).trajectory_id
        now = int(time.time())
        good = sign(key, attempt, 1.0, now)
        forged = ["nonsense", good[:-2] + "00", good.upper(), sign("made up", attempt, 1.0, now)]
        forged += [sign(each, attempt, 1.0, now) for each in (foreign, expired)]  # keys
        forged += [sign(key, attempt, 0.0, now), sign(key, other, 1.0, now), sign(key, attempt, 1.0, now + 10**6)]
        taken = [text for text in forged if await _is_taken(application, attempt, text)]
        assert await _is_taken(application, attempt, good), "the good one was refused"
    return Row("rewards with forged signatures", len(forged), len(taken), 0)


async def _is_taken(application: Application, attempt: str, text: str) -> bool:
    try:
        await application.report_reward(Attempt(attempt), 1.0, None, text)
    except InvalidSignature:
        return False
    return True


@asynccontextmanager
async def place() -> AsyncIterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EXPLIB_DATABASE_URL"] = f"sqlite+aiosqlite:///{folder}/library.db"
        os.environ["EXPLIB_EMBEDDER"] = "none"
        yield


async def measured(shown: list[str]) -> list[Row]:
    """A row a kind of credential, and one for signatures."""
    async with place():
        kinds = await credentials()
        async with http_server(Settings(auth="required")) as address:
            rows = [await tried(address, each, shown, name) for name, each in kinds.items()]
        return [*rows, await signatures()]


def main() -> int:
    """Print the table; exit code 1 where one was let in, or kept out, that should not be."""
    options = parser(__doc__)
    options.add_argument("--show", action="store_true", help="name each call on the wrong side")
    asked = options.parse_args()
    shown: list[str] = []
    rows = asyncio.run(measured(shown))
    total = Row("all", *(sum(row[at] for row in rows) for at in (1, 2, 3)))
    show("Calls let in", Row._fields, [*rows, total])
    keep(asked.json, rows)
    if asked.show:
        print("\n".join(shown))
    return 1 if any(row.let_in != row.permitted for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
