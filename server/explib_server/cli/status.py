"""`explib status`: where a library stands."""

from __future__ import annotations

from explib_server.cli.run import JsonOption, LibraryOption, run, say
from explib_server.render.status import library_status, status_text


def status(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Show experiences, groups by state with reasons, the learner and its budget."""
    found = run(lambda application: library_status(application, library))
    say(found.model_dump_json(indent=2) if as_json else status_text(found))
