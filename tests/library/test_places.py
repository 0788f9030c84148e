"""Folders and single settings, looked up without pydantic."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs
import pytest

from explib.settings.places import Kind, default_database_url, folder, given
from explib.settings.program import Settings


@pytest.mark.parametrize("kind", ["data", "config", "cache", "log"])
@pytest.mark.parametrize("home", [None, "", "/elsewhere"])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere it is platformdirs that is asked")
def test_the_folders_are_those_of_platformdirs(kind: Kind, home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA", "CONFIG", "CACHE", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME", raising=False)
        if home is not None:
            monkeypatch.setenv(f"XDG_{name}_HOME", home)
    assert folder(kind) == getattr(platformdirs, f"user_{kind}_dir")("explib")


def test_a_setting_comes_from_the_environment_then_from_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given("library") is None
    Path(os.environ["EXPLIB_CONFIG"]).write_text('library = "of the file"\n', encoding="utf-8")
    assert given("library") == Settings().library == "of the file"
    monkeypatch.setenv("explib_library", "of the environment")
    assert given("library") == Settings().library == "of the environment"


def test_a_broken_file_gives_nothing() -> None:
    Path(os.environ["EXPLIB_CONFIG"]).write_text("library = ", encoding="utf-8")
    assert given("library") is None


def test_the_settings_have_the_same_default_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXPLIB_DATABASE_URL")
    assert Settings().database_url == default_database_url()
