"""Learning that goes on when the client is closed: real servers, real learner processes, kill -9 of either."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from detached import alive, learners
from end_to_end.killed import serving
from learner.scripted_endpoint import ScriptedEndpoint, answers, endpoint, refuses
from mcp import Client
from waiting import until

from explib.models.libraries import Library, LibrarySettings
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.settings.program import Settings
from explib.storage.store import Store, open_store
from explib_server.learner_process.detached import environment, start_detached
from explib_server.learner_process.process import LEASE, LOG_BYTES, learner_log, process_lease

GROUPS = 6
STAYS = {"EXPLIB_LEARNER_IDLE_SECONDS": "600"}
"""The learner process goes on until it is ended."""


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


async def submit(client: Client) -> None:
    for each in attempts():
        steps = [{"role": step.role, "content": step.text} for step in each.steps]
        arguments = {"task": each.task, "trajectory": steps, "reward": each.reward}
        await client.call_tool("submit_trajectory", {**arguments, "idempotency_key": each.idempotency_key})


async def stored(store: Store) -> Library:
    library = await store.libraries.ensure("default", LibrarySettings())
    for each in attempts():
        await store.trajectories.submit(library, each)
    return library


async def all_learned(store: Store) -> bool:
    library = await store.libraries.ensure("default", LibrarySettings())
    return (await store.libraries.overview(library)).groups == {"learned": GROUPS}


async def learning(store: Store) -> int:
    """The process that learns from this database."""
    lease = await process_lease(store)
    assert lease is not None
    return int(lease.holder.split(":")[1])


async def no_process(store: Store) -> bool:
    return await process_lease(store) is None


def started() -> list[int]:
    log = learner_log(Settings())
    return learners(log) if log.exists() else []


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])


def command_line(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text()


def delete(folder: Path) -> None:
    for file in folder.glob("library.db*"):
        file.unlink()


def command_status() -> str:
    command = [sys.executable, "-m", "explib_server", "status"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


async def test_what_was_ready_is_learned_though_client_and_server_are_killed(tmp_path: Path, url: str) -> None:
    async with open_store(url) as store:
        async with serving(tmp_path / "pid") as (client, server):
            await submit(client)
            os.kill(server, signal.SIGKILL)
        await until(lambda: all_learned(store))
        library = await store.libraries.get("default")
        assert (await store.codebooks.entries(library)) != []
        await until(lambda: no_process(store))
        assert started()
        await until(lambda: not any(map(alive, started())))


async def test_a_client_that_closes_right_after_it_has_submitted_has_it_learned(tmp_path: Path, url: str) -> None:
    async with serving(tmp_path / "pid") as (client, _):
        await submit(client)
    async with open_store(url) as store:
        await until(lambda: all_learned(store))


async def test_a_new_server_has_what_is_ready_learned_without_being_called(tmp_path: Path, url: str) -> None:
    async with open_store(url) as store:
        await stored(store)
        async with serving(tmp_path / "pid"):
            await until(lambda: all_learned(store))


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_process_learns_from_a_postgresql_server_too(url: str) -> None:
    async with open_store(url) as store:
        await stored(store)
        settings = Settings(database_url=url, allowed_hosts=("a.example", "b.example"))
        assert environment(settings)["EXPLIB_ALLOWED_HOSTS"] == "a.example,b.example"
        await asyncio.to_thread(start_detached, settings)
        await until(lambda: all_learned(store))
        await until(lambda: no_process(store))


async def test_the_process_is_nobodys_child_and_in_a_session_of_its_own(tmp_path: Path, url: str) -> None:
    async with open_store(url) as store, serving(tmp_path / "pid", **STAYS) as (client, server):
        await submit(client)
        await until(lambda: all_learned(store))
        process = await learning(store)
        assert parent_of(process) not in {server, os.getpid()}
        assert os.getsid(process) not in {os.getsid(server), os.getsid(0)}
        assert (Path("/proc") / f"{process}/fd/0").resolve() == Path(os.devnull)


async def test_a_server_with_nothing_to_learn_starts_nothing(tmp_path: Path, url: str) -> None:
    async with open_store(url) as store, serving(tmp_path / "pid") as (client, _):
        await client.call_tool("library_status", {})
        assert await process_lease(store) is None
    assert not learner_log(Settings()).exists()


async def test_servers_that_start_one_at_the_same_time_end_with_one(url: str) -> None:
    async with hanging_model() as (model, _), open_store(url) as store:
        settings = Settings(model="scripted", model_base_url=model.url, lease_seconds=600)
        await stored(store)
        await asyncio.gather(*(asyncio.to_thread(start_detached, settings) for _ in range(3)))
        await model.has(1)

        async def two_gave_up() -> bool:
            return len(started()) == 3 and [alive(each) for each in started()].count(True) == 1

        await until(two_gave_up)
        lease = await process_lease(store)
        assert lease is not None
        assert alive(int(lease.holder.split(":")[1]))
        assert learner_log(settings).read_text().count("another process learns from this database") == 2


async def test_after_kill_9_of_the_learner_the_server_starts_another(tmp_path: Path, url: str) -> None:
    async with hanging_model() as (model, gate), open_store(url) as store:
        settings = {"EXPLIB_MODEL": "scripted", "EXPLIB_MODEL_BASE_URL": model.url, "EXPLIB_LEASE_SECONDS": "3"}
        async with serving(tmp_path / "pid", **settings, EXPLIB_MODEL_API_KEY="none") as (client, _):
            await submit(client)
            await model.has(1)
            killed = started()
            os.kill(await learning(store), signal.SIGKILL)
            gate.set()
            await until(lambda: all_learned(store))
            assert len(started()) > len(killed)
            assert await process_lease(store) is not None
        library = await store.libraries.get("default")
        assert (await store.libraries.overview(library)).trajectories == GROUPS * 4


async def test_the_process_has_the_servers_settings_and_its_key_is_in_no_command_line(url: str) -> None:
    async with endpoint([refuses(401, "wrong key")] * 20) as model, open_store(url) as store:
        key = "a-key-of-the-server"
        settings = Settings.model_validate({"model": "m", "model_base_url": model.url, "model_api_key": key})
        assert environment(settings)["EXPLIB_MODEL_API_KEY"] == key
        await stored(store)
        await asyncio.to_thread(start_detached, settings)
        await model.has(1)
        [process] = started()
        assert model.asked[0]["model"] == "m"
        assert key not in command_line(process)


async def test_the_process_ends_when_the_database_is_gone(url: str, tmp_path: Path) -> None:
    async with endpoint(lambda _: refuses(500, "down")) as model:
        async with open_store(url) as store:
            await stored(store)
        settings = Settings(model="m", model_base_url=model.url, model_retries=0, learner_idle_seconds=600)
        await asyncio.to_thread(start_detached, settings)
        await model.has(1)
        delete(tmp_path)
        [process] = started()
        await until(lambda: not alive(process))
        assert not (tmp_path / "library.db").exists()


async def test_a_process_that_is_told_to_end_gives_back_what_it_holds(url: str) -> None:
    async with hanging_model() as (model, _), open_store(url) as store:
        library = await stored(store)
        await asyncio.to_thread(start_detached, Settings(model="m", model_base_url=model.url))
        await model.has(1)
        [process] = started()
        os.kill(process, signal.SIGTERM)
        await until(lambda: not alive(process))
        assert await process_lease(store) is None
        assert {group.tries for group in await store.groups.all(library)} == {0}


async def test_status_names_the_log_and_the_process(tmp_path: Path, url: str) -> None:
    async with open_store(url) as store, serving(tmp_path / "pid", **STAYS) as (client, _):
        await submit(client)
        await until(lambda: all_learned(store))
        process = await learning(store)
        said = str(await client.call_tool("library_status", {}))
        assert str(learner_log(Settings())) in said
        assert f":{process}:" in said
        assert str(learner_log(Settings())) in await asyncio.to_thread(command_status)
    assert "default: 6 groups" in learner_log(Settings()).read_text()


async def test_a_full_log_is_put_aside_before_the_next_process_writes(url: str) -> None:
    log = learner_log(Settings())
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"x" * (LOG_BYTES + 1))
    async with open_store(url) as store:
        await stored(store)
        await asyncio.to_thread(start_detached, Settings())
        await until(lambda: all_learned(store))
    assert log.stat().st_size < LOG_BYTES
    assert log.with_name(f"{log.name}.1").stat().st_size > LOG_BYTES
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


async def test_a_start_that_fails_is_told_with_the_log_and_not_repeated_at_once(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """A file that cannot be written: the learner process could not say anything."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    from explib_server.compose import open_application
    from explib_server.learner_process.starter import learner_process

    async with open_application(Settings()) as application:
        await stored(application.store)

        async def told() -> bool:
            return "run explib learn" in caplog.text

        async with learner_process(application, lambda: False):
            await until(told)
            assert caplog.text.count("could not be started") <= 2
        assert await application.store.leases.holder(LEASE) is None
