"""The service behind the relays: real processes, killed, replaced and left alone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from end_to_end.killed import serving
from learner.scripted_endpoint import ScriptedEndpoint, answers, endpoint, refuses
from mcp import Client
from results import structured
from server.http_cases import ask as http_ask
from server.http_cases import client_with
from services import alive, services
from waiting import until

from explib.models.libraries import LibrarySettings
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.store import Store, open_store
from explib_server.cli.service import differing_lines, service_line
from explib_server.service.connection import ask, hello
from explib_server.service.paths import Place

pytestmark = pytest.mark.usefixtures("service")
GROUPS = 6
STAYS = {"EXPLIB_SERVICE_IDLE_SECONDS": "600"}
"""The service goes on until it is ended."""


@asynccontextmanager
async def hanging_model() -> AsyncIterator[tuple[ScriptedEndpoint, asyncio.Event]]:
    """An endpoint that finds nothing to learn, once the event is set."""
    gate = asyncio.Event()
    reply = replace(answers({"difference": "", "lessons": []}), wait_for=gate)
    async with endpoint(lambda _: reply) as model:
        try:
            yield model, gate
        finally:
            gate.set()


def attempts() -> list[Submission]:
    """Groups in which who looked before acting won, and who didn't lost."""
    return [
        Submission(
            f"answer question {group}",
            (Step("assistant", "I look it up, then act." if won else "I act."), *([Step("tool", "OK")] * won)),
            reward=float(won),
            idempotency_key=f"{group}/{number}",
        )
        for group in range(GROUPS)
        for number in range(4)
        for won in [number % 2 == 0]
    ]


async def submit(client: Client) -> list[str]:
    """Every attempt: the trajectories that were acknowledged."""
    acknowledged = []
    for each in attempts():
        steps = [{"role": step.role, "content": step.text} for step in each.steps]
        arguments = {"task": each.task, "trajectory": steps, "reward": each.reward}
        result = await client.call_tool("submit_trajectory", {**arguments, "idempotency_key": each.idempotency_key})
        acknowledged.append(str(structured(result)["trajectory_id"]))
    return acknowledged


async def all_learned(store: Store) -> bool:
    library = await store.libraries.ensure("default", LibrarySettings())
    return (await store.libraries.overview(library)).groups == {"learned": GROUPS}


def put_away(folder: Path) -> None:
    for file in folder.glob("library.db*"):
        file.rename(folder / f"away-{file.name}")


def of_process(process: int) -> tuple[int, Path, str]:
    """Its parent, its standard input, its command line."""
    place = Path("/proc") / str(process)
    parent = int((place / "stat").read_text().rsplit(")", 1)[1].split()[1])
    return parent, (place / "fd/0").resolve(), (place / "cmdline").read_text()


def one(service: Path) -> int:
    [process] = services(service)
    return process


async def gone(service: Path) -> None:
    await until(lambda: not services(service))


async def standing() -> dict[str, object]:
    found = await asyncio.to_thread(ask, "control", {}, 60.0, start=False)
    assert found is not None
    return found


async def test_what_was_ready_is_learned_though_client_and_relay_are_killed(
    tmp_path: Path, service: Path, url: str
) -> None:
    async with serving(tmp_path / "pid") as (client, relay):
        await submit(client)
        os.kill(relay, signal.SIGKILL)
    async with open_store(url) as store:
        await until(lambda: all_learned(store))
        library = await store.libraries.get("default")
        assert (await store.codebooks.entries(library)) != []
    await gone(service)
    assert "default: " in await asyncio.to_thread(Path(Place().log).read_text)


async def test_a_service_killed_in_the_middle_is_replaced_and_loses_nothing_acknowledged(
    tmp_path: Path, service: Path, url: str
) -> None:
    async with serving(tmp_path / "pid", **STAYS) as (client, _):
        before = await submit(client)
        killed = one(service)
        calls = [asyncio.create_task(submit(client)) for _ in range(3)]
        await asyncio.sleep(0)
        os.kill(killed, signal.SIGKILL)
        assert [await call for call in calls] == [before] * 3
        assert one(service) != killed
    async with open_store(url) as store:
        library = await store.libraries.get("default")
        assert (await store.libraries.overview(library)).trajectories == len(before)


async def test_relays_that_start_at_once_share_one_service_and_leave_nothing(tmp_path: Path, service: Path) -> None:
    """Each for its own library, which travels with the connection."""
    names = ("one", "two", "three")
    seen: dict[str, int] = {}
    process = 0

    async def attach(name: str) -> None:
        nonlocal process
        async with serving(tmp_path / name, EXPLIB_LIBRARY=name) as (client, relay):
            assert structured(await client.call_tool("library_status", {}))["library"] == name
            seen[name] = relay
            await until(lambda: len(seen) == len(names))
            process = one(service)
            clients = (await standing())["clients"]
            assert isinstance(clients, list)
            assert {(each["library"], each["process"]) for each in clients} == {*seen.items()}
            all_seen.add(name)
            await until(lambda: len(all_seen) == len(names))
            os.kill(relay, signal.SIGKILL)

    all_seen: set[str] = set()
    await asyncio.gather(*map(attach, names))
    await until(lambda: not alive(process))
    assert services(service) == []


async def test_it_is_nobodys_child_and_its_key_is_in_no_command_line(tmp_path: Path, service: Path) -> None:
    async with serving(tmp_path / "pid", EXPLIB_MODEL="m", EXPLIB_MODEL_API_KEY="a-secret-key") as (client, relay):
        await client.call_tool("library_status", {})
        process = one(service)
        parent, standard_input, command_line = of_process(process)
        assert parent not in {relay, os.getpid()}
        assert os.getsid(process) not in {os.getsid(relay), os.getsid(0)}
        assert standard_input == Path(os.devnull)
        assert "a-secret-key" not in command_line
        found = await standing()
        assert f"service: process {process} for " in service_line(found)
        assert "1 client" in service_line(found)
        [differing] = differing_lines(found)
        assert "other settings than these: EXPLIB_MODEL, EXPLIB_MODEL_API_KEY." in differing
        modes = [stat.S_IMODE(path.lstat().st_mode) for path in (service, Path(Place().socket), Path(Place().log))]
        assert modes == [0o700, 0o600, 0o600]


async def test_a_newer_version_takes_its_place_and_who_is_attached_goes_on_with_the_next(
    tmp_path: Path, service: Path
) -> None:
    async with serving(tmp_path / "pid", **STAYS) as (client, _):
        attempt = {"task": "t", "trajectory": "did it", "idempotency_key": "1"}
        first = structured(await client.call_tool("submit_trajectory", attempt))
        old = one(service)
        with socket.socket(socket.AF_UNIX) as newer, newer.makefile("rb") as lines:
            newer.connect(Place().socket)
            newer.sendall(json.dumps({**hello("mcp"), "explib": "99.0"}).encode() + b"\n")
            assert json.loads(await asyncio.to_thread(lines.readline))["leaving"] is True
        await until(lambda: not alive(old))
        again = structured(await client.call_tool("submit_trajectory", attempt))
        assert (again["trajectory_id"], again["duplicate"]) == (first["trajectory_id"], True)
        assert one(service) != old


async def test_it_goes_on_while_it_learns_and_gives_back_what_it_holds_when_it_is_told_to_end(
    tmp_path: Path, service: Path, url: str
) -> None:
    async with hanging_model() as (model, _), open_store(url) as store:
        settings = {"EXPLIB_MODEL": "m", "EXPLIB_MODEL_BASE_URL": model.url, "EXPLIB_SERVICE_IDLE_SECONDS": "0"}
        async with serving(tmp_path / "pid", **settings, EXPLIB_MODEL_API_KEY="none") as (client, _):
            await submit(client)
            await model.has(1)
        assert (await standing())["learning"] is True
        assert await asyncio.to_thread(ask, "control", {"act": "stop"}, 60.0, start=False) is not None
        await gone(service)
        library = await store.libraries.get("default")
        assert {group.tries for group in await store.groups.all(library)} == {0}
        assert await store.leases.holder(f"learn:{library.id}") is None


async def test_it_ends_when_its_database_is_gone(tmp_path: Path, service: Path) -> None:
    async with endpoint(lambda _: refuses(500, "down")) as model:
        settings = {"EXPLIB_MODEL": "m", "EXPLIB_MODEL_BASE_URL": model.url, "EXPLIB_MODEL_API_KEY": "none", **STAYS}
        async with serving(tmp_path / "pid", **settings) as (client, _):
            await client.call_tool("library_status", {})
        put_away(tmp_path)
        await gone(service)
        assert not (tmp_path / "library.db").exists()


async def test_a_client_that_comes_when_the_database_was_put_away_gets_a_new_one(tmp_path: Path, service: Path) -> None:
    async with serving(tmp_path / "one", **STAYS) as (client, _):
        await submit(client)
        old = one(service)
        put_away(tmp_path)
        async with serving(tmp_path / "two", **STAYS) as (another, _):
            assert structured(await another.call_tool("library_status", {}))["trajectories"] == 0
        await until(lambda: not alive(old))
    with sqlite3.connect(tmp_path / "away-library.db") as kept:
        assert kept.execute("SELECT count(*) FROM trajectories").fetchone() == (GROUPS * 4,)


def test_a_log_that_cannot_be_written_is_said_by_the_relay(
    service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    asked = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}\n'
    said = subprocess.run([sys.executable, "-m", "explib_server", "serve"], input=asked, capture_output=True)
    assert (said.returncode, said.stdout) == (1, b"")
    assert "XDG_STATE_HOME" in said.stderr.decode()


async def test_the_page_is_open_in_the_service_until_its_command_ends(service: Path) -> None:
    command = (sys.executable, "-m", "explib_server", "ui", "--no-browser")
    ui = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert ui.stdout is not None
    address, _, code = (await ui.stdout.readline()).decode().strip().partition("/ui#code=")
    swapped = await http_ask(address, "/ui/key", secret=code, method="POST")
    async with client_with(address, json.loads(swapped.body)["key"]) as client:
        answer = await client.call_tool("page_read", {"view": "around"})
    assert structured(answer)["data"] is not None
    assert one(service) != ui.pid
    port = address.rpartition(":")[2]
    other = await asyncio.create_subprocess_exec(*command, "--port", port, stderr=subprocess.PIPE)
    assert b"choose another --port" in (await other.communicate())[1]
    ui.terminate()  # where the tests run in the background of a shell, Ctrl-C is ignored
    await ui.wait()
    await gone(service)
    with pytest.raises(ConnectionRefusedError):
        await http_ask(address, "/ui")
