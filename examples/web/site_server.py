"""The site of a ferry company, served on this machine only, from a process that ends with the one that asks."""

from __future__ import annotations

from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

ROUTES = [
    *("Alder", "Birch", "Cove", "Dunes", "Elm", "Fjord", "Gull", "Heath", "Isle", "Jetty"),
    *("Kelp", "Ledge", "Marsh", "Ness", "Oyster", "Pine", "Quay", "Reef", "Shoal", "Tern"),
]
GROUP_LESS = 20
"""Percent that a group pays less."""
FEWEST_IN_A_GROUP = 10


def last_ferry(route: str) -> str:
    """When the last one leaves, as the notices correct the timetable."""
    hour, minute = _in_timetable(route)
    return f"{hour - 1}:{minute:02}"


def price(route: str, people: int) -> int:
    """What a group pays, in euros."""
    return people * _fare(route) * (100 - GROUP_LESS) // 100


def _in_timetable(route: str) -> tuple[int, int]:
    number = ROUTES.index(route)
    return 18 + number % 5, 5 * (number * 7 % 12)


def _fare(route: str) -> int:
    return 5 * (1 + ROUTES.index(route) * 3 % 7)


def _rows(cells: dict[str, str]) -> str:
    return "".join(f"<tr><td>{name}</td> <td>{cell}</td></tr>\n" for name, cell in cells.items())


def pages() -> dict[str, str]:
    """Path → the page."""
    times = {route: "{}:{:02}".format(*_in_timetable(route)) for route in ROUTES}
    fares = {route: str(_fare(route)) for route in ROUTES}
    earlier = {route: last_ferry(route) for route in ROUTES}
    links = "".join(f'<li><a href="/{name}">{name}</a></li>\n' for name in ("timetable", "fares", "notices", "terms"))
    bodies = {
        "/": f"<h1>Harbour Ferries</h1>\n<ul>{links}</ul>",
        "/timetable": f"<h1>Last departures</h1>\n<table>{_rows(times)}</table>",
        "/fares": f"<h1>Fares, in euros for one</h1>\n<table>{_rows(fares)}</table>",
        "/notices": f"<p>In winter the last ones leave earlier:</p>\n<table>{_rows(earlier)}</table>",
        "/terms": f"<p>Groups of {FEWEST_IN_A_GROUP} and more pay {GROUP_LESS} % less.</p>",
    }
    return {path: f"<!doctype html><title>Harbour Ferries</title>\n{body}\n" for path, body in bodies.items()}


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        page = pages().get(self.path.rstrip("/") or "/")
        self.send_response(200 if page else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write((page or "").encode())

    def log_message(self, *args: object) -> None:
        """Nothing is logged."""


@cache
def site_url() -> str:
    """Where the site is: it is begun when this is first asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
