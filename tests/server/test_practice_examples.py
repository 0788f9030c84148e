"""The site of `examples/web`: what it serves, and that only its less obvious pages have the right answers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

WEB = Path(__file__).parents[2] / "examples" / "web" / "site_server.py"


@pytest.fixture(scope="module")
def site() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_server", WEB)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(site: ModuleType, path: str) -> str:
    with urlopen(f"{site.site_url()}{path}") as page:
        return str(page.read().decode())


def test_the_site_is_served_on_this_machine_only(site: ModuleType) -> None:
    assert site.site_url().startswith("http://127.0.0.1:")
    for name in ("timetable", "fares", "notices", "terms"):
        assert f'href="/{name}"' in read(site, "/")
        assert "<td>" in read(site, f"/{name}/") or "Groups" in read(site, f"/{name}")
    with pytest.raises(HTTPError, match="404"):
        read(site, "/none")


def test_the_notices_have_the_time_and_the_timetable_has_another(site: ModuleType) -> None:
    for route in site.ROUTES:
        row = f"<td>{route}</td> <td>{site.last_ferry(route)}</td>"
        assert row in read(site, "/notices")
        assert row not in read(site, "/timetable")


def test_a_group_pays_less_than_the_fares_say(site: ModuleType) -> None:
    assert f"{site.GROUP_LESS} % less" in read(site, "/terms")
    fare = int(read(site, "/fares").partition("<td>Cove</td> <td>")[2].partition("<")[0])
    assert site.price("Cove", 10) == 10 * fare * (100 - site.GROUP_LESS) // 100
