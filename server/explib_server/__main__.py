"""`explib`, and `python -m explib_server`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command. A status line is waited for: it is not kept waiting for what the others need."""
    if sys.argv[1:] == ["status", "--line"]:
        from explib_server.render.line import print_line

        if print_line():
            return
    from explib_server.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
