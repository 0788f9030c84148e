"""`explib`, and `python -m explib_server`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run a command. A client waits for `serve`, `hook` and a status line: they don't wait for what others need."""
    if sys.argv[1:2] == ["hook"]:
        from explib_server.hooks.command import main as hook

        hook(sys.argv[2:])
        os._exit(0)  # whatever happened, and without the milliseconds of an orderly end
    if sys.argv[1:] == ["status", "--line"]:
        from explib_server.render.line import print_line

        if print_line():
            return
    if sys.argv[1:2] == ["serve"]:
        from explib_server.service.relay import main as relay

        if (code := relay(sys.argv[2:])) is not None:
            os._exit(code)  # a thread may still read
    from explib_server.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
