"""What many tests start from: a database of their own, and a library in it.

It is an SQLite file, or (in tests parametrised by `engine`) one of a PostgreSQL server that lives as long as the run.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from postgresql_server import PostgresqlServer, postgresql_server
from services import end_services

from explib.models.libraries import Library, LibrarySettings
from explib.settings.program import Settings
from explib.storage.store import Store, open_store

hypothesis_settings.register_profile("house", deadline=None, derandomize=True)
hypothesis_settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test-quick` leaves out: other processes, PostgreSQL, property runs."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        fixtures = getattr(item, "fixturenames", ())
        if "end_to_end" in item.path.parts:
            item.add_marker("process")
        if "postgresql" in fixtures or parameters.get("engine") == "postgresql":
            item.add_marker("postgresql")
        if item.get_closest_marker("hypothesis") is not None:
            item.add_marker("property")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of the machine reaches a test."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"EXPLIB_{name.upper()}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))  # with no client's configuration in it
    config = tmp_path_factory.mktemp("config") / "config.toml"
    config.touch()
    monkeypatch.setenv("EXPLIB_CONFIG", str(config))
    monkeypatch.setenv("EXPLIB_EXPLORATION", "off")  # what is served is certain, but where chance itself is tested
    monkeypatch.setenv("EXPLIB_SERVICE", "off")  # but where it is tested: see the fixture `service`
    monkeypatch.chdir(tmp_path_factory.mktemp("folder"))  # which is no project
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    monkeypatch.setenv("EXPLIB_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'library.db'}")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Servers over stdio are relays; their service, whose folder this is, ends with the test."""
    runtime = Path(os.environ["XDG_RUNTIME_DIR"])
    monkeypatch.setenv("EXPLIB_SERVICE", "auto")
    monkeypatch.setenv("EXPLIB_SERVICE_IDLE_SECONDS", "1")
    yield runtime / "explib"
    end_services(runtime / "explib")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    try:
        with postgresql_server() as server:
            server.prepare()
            yield server
    except ModuleNotFoundError as missing:
        pytest.skip(f"there is no PostgreSQL to run here: {missing}")


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
def url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'library.db'}"
        return
    with request.getfixturevalue("postgresql").database() as address:
        yield address


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user of the machine can read, for what is run as another."""
    with tempfile.TemporaryDirectory(prefix="explib-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with open_store(url) as opened:
        yield opened


@pytest.fixture
async def library(store: Store) -> Library:
    return await store.libraries.ensure("default", LibrarySettings())
