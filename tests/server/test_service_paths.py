"""Where the service of a database is looked for: the same place for everybody who means the same database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from explib_server.service.options import toolset
from explib_server.service.paths import NoService, Place, ServiceOff, runtime_folder
from explib_server.service.process import newer

pytestmark = pytest.mark.usefixtures("service")


def place(monkeypatch: pytest.MonkeyPatch, url: str) -> Place:
    monkeypatch.setenv("EXPLIB_DATABASE_URL", url)
    return Place()


def test_one_database_has_one_service_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    urls = [
        f"sqlite+aiosqlite:///{tmp_path}/library.db",
        f"sqlite:///{tmp_path}/link/library.db",
        "sqlite+aiosqlite:///library.db",
    ]
    sockets = {place(monkeypatch, url).socket for url in urls}
    assert len(sockets) == 1
    assert place(monkeypatch, f"sqlite+aiosqlite:///{tmp_path}/another.db").socket not in sockets


def test_the_file_names_the_database_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_environment = Place().socket
    monkeypatch.delenv("EXPLIB_DATABASE_URL")
    url = f"sqlite+aiosqlite:///{tmp_path / 'library.db'}"
    Path(os.environ["EXPLIB_CONFIG"]).write_text(f'database_url = "{url}"\n', encoding="utf-8")
    assert Place().socket == by_environment


def test_what_belongs_to_one_client_is_not_handed_to_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLIB_LIBRARY", "mine")
    monkeypatch.setenv("EXPLIB_MODEL", "everybody's")
    environment = Place().environment()
    assert "EXPLIB_LIBRARY" not in environment
    assert environment["EXPLIB_MODEL"] == "everybody's"


def test_there_is_none_where_it_is_switched_off_or_the_database_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceOff, match="in memory"):
        place(monkeypatch, "sqlite+aiosqlite:///:memory:")
    Path(os.environ["EXPLIB_CONFIG"]).write_text('service = "off"\n', encoding="utf-8")
    monkeypatch.delenv("EXPLIB_SERVICE")
    with pytest.raises(ServiceOff):
        Place()


def test_a_folder_that_others_can_read_is_closed_and_one_that_is_no_folder_is_refused() -> None:
    runtime = Path(runtime_folder())
    runtime.chmod(0o755)
    assert runtime_folder() == str(runtime)
    assert runtime.stat().st_mode & 0o777 == 0o700
    runtime.rmdir()
    runtime.touch()
    with pytest.raises(NoService, match="XDG_RUNTIME_DIR"):
        Place()
    runtime.unlink()
    runtime.symlink_to(runtime.parent)
    with pytest.raises(NoService, match="somebody else"):
        Place()
    runtime.unlink()


def test_a_path_too_long_for_a_socket_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("long" * 25)))
    with pytest.raises(NoService, match="shorter folder"):
        Place()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "agent"),
        (["--tools", "all"], "all"),
        (["--transport=stdio", "--learner", "detached", "--tools=learn"], "learn"),
        (["--tools", "some"], None),
        (["--tools"], None),
        (["--transport", "http"], None),
        (["--learner", "inprocess"], None),
        (["--help"], None),
    ],
)
def test_the_relay_knows_the_options_with_which_the_service_serves(arguments: list[str], expected: str | None) -> None:
    assert toolset(arguments) == expected


@pytest.mark.parametrize(
    ("version", "than", "expected"),
    [("0.2.0", "0.1.9", True), ("0.1.10", "0.1.9", True), ("0.1.0", "0.1.0", False), ("", "0.1.0", False)],
)
def test_versions_are_compared_by_their_numbers(version: str, than: str, expected: bool) -> None:
    assert newer(version, than) is expected
