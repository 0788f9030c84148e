"""`explib ui`: the page of the library, in the person's browser."""

from __future__ import annotations

import asyncio
import sys
import webbrowser
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from explib_server.cli.run import say
from explib_server.program import load_settings


def ui(
    sample: Annotated[
        bool, typer.Option("--sample", help="Show sample data, in a database that ends with it.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0: any free one.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Open the library's page: does it help, what was learned from what, what waits for you. Ctrl-C ends it."""
    from explib_server.page.serving import serve_page, with_library

    settings = load_settings()

    def opened(address: str) -> None:
        say(f"{address}\n(good once, for a minute; Ctrl-C ends the page)")
        sys.stdout.flush()
        if not no_browser:
            webbrowser.open(address)

    if not sample:
        serve_page(asyncio.run(with_library(settings)), port, opened)
        return
    from explib_server.page.sample import make_sample

    with TemporaryDirectory(prefix="explib-sample-") as folder:
        settings = settings.model_copy(update={"database_url": f"sqlite+aiosqlite:///{folder}/sample.db"})
        say("making sample data …")
        serve_page(asyncio.run(make_sample(settings)), port, opened)
