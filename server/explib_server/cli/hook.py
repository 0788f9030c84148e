"""`explib hook` as the help lists it; when clients run it, `explib_server.__main__` takes the shorter way."""

from __future__ import annotations

from typing import Annotated

import typer

from explib_server.hooks.command import main
from explib_server.hooks.events import NAMES


def hook(
    event: Annotated[str, typer.Argument(help=f"What happens in the client: {', '.join(NAMES)}.")],
    client: Annotated[str, typer.Option(help="The client that runs the hook.")] = "unknown",
    library: Annotated[str | None, typer.Option(help="Which library; default: the project's.")] = None,
) -> None:
    """Lessons in, attempts out: what clients run (see attach). Reads JSON from standard input; it always exits 0."""
    named = [] if library is None else ["--library", library]
    main([event, "--client", client, *named])
