"""The page in a browser: its document, its first view, a list of many lessons; and pictures of it for the docs.

    .venv/bin/python benchmarks/browsing.py [--size 10000] [--pictures docs/images]

`--size` lessons are scrolled through frame by frame. `--pictures` takes those of the docs, from `explib ui --sample`.
Needs the extra `browser` and a Chromium.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import keep, parser, show
from seeding import seed, sqlite_url

from explib_server.page.document import document

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RELOADS = 5
SCROLL = """async () => {
  const list = document.querySelector(".window"), frames = [];
  let last = performance.now(), nodes = 0;
  for (let frame = 0; frame < 200; frame++) {
    list.scrollTop += 400;
    await new Promise((done) => requestAnimationFrame(done));
    const now = performance.now();
    frames.push(now - last);
    last = now;
    nodes = Math.max(nodes, document.querySelectorAll("*").length);
  }
  frames.sort((a, b) => a - b);
  return [frames[100], frames[190], nodes];
}"""
READY = "() => document.querySelector('main h1') && !document.querySelector('.loading')"
PICTURES = {"week": (960, 620, "light"), "lesson/e3": (960, 980, "light"), "lessons": (400, 720, "dark")}
"""View → width, height and colours of its picture."""
LEARNED_MILLISECONDS = 120_000
"""Until the sample has learned what it learns while it is looked at."""
COLOURS = 96
"""Of a picture's palette: text needs few."""


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--size", type=int, default=10_000)
    arguments.add_argument("--pictures", type=Path)
    chosen = arguments.parse_args()
    if chosen.pictures is not None:
        with browser() as opened, page_of(opened, "--sample") as page:
            take_pictures(page, chosen.pictures)
        return
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder) / "library.db")
        asyncio.run(seed(url, chosen.size))
        with browser() as opened:
            figures = measured(opened, url)
    html = document().html.encode()
    figures = {"document, KB": len(html) / 1000, "document gzipped, KB": len(gzip.compress(html)) / 1000, **figures}
    show("the page", ["figure", "value"], [[name, f"{value:,.0f}"] for name, value in figures.items()])
    keep(chosen.json, figures)


def measured(opened: Browser, url: str) -> dict[str, float]:
    """Milliseconds of the first view and of scrolling, and elements in the document."""
    with page_of(opened, EXPLIB_DATABASE_URL=url, EXPLIB_EMBEDDER="none") as page:
        page.evaluate("location.hash = '#/lessons'")
        page.wait_for_selector(".row")
        middle, slow, nodes = page.evaluate(SCROLL)
        views = []
        for _ in range(RELOADS):
            page.evaluate("location.hash = '#/week'")
            page.reload()
            page.wait_for_function(READY)
            views.append(page.evaluate("performance.now()"))
    first = sorted(views)[RELOADS // 2]
    return {"first view, ms": first, "frame, ms": middle, "frame, 95 %, ms": slow, "elements": nodes}


@contextmanager
def browser() -> Iterator[Browser]:
    """An installed Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield opened
        opened.close()


@contextmanager
def page_of(opened: Browser, *options: str, **environment: str) -> Iterator[Page]:
    """The page of an `explib ui` that runs as long as this lasts."""
    command = [sys.executable, "-m", "explib_server", "ui", "--no-browser", *options]
    ends_soon = {"EXPLIB_SERVICE_IDLE_SECONDS": "1"}  # the service behind it
    environment = {**ends_soon, **os.environ, **environment}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        lines = process.stdout or ()
        address = next(line.strip() for line in lines if line.startswith("http"))
        page = opened.new_page(locale="en-US")
        page.goto(address)
        page.wait_for_function(READY)
        yield page
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def take_pictures(page: Page, folder: Path) -> None:
    """One PNG of few colours for each of PICTURES."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    page.evaluate("location.hash = '#/learner'")
    page.get_by_role("heading", name="The learner is idle").wait_for(timeout=LEARNED_MILLISECONDS)
    for view, (width, height, scheme) in PICTURES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.evaluate("view => { location.hash = '#/' + view }", view)
        page.wait_for_timeout(1_000)
        path = folder / f"page-{view.partition('/')[0]}.png"
        page.screenshot(path=path)
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
