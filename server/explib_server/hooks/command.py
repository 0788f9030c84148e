"""`explib hook EVENT [--client NAME] [--library NAME]`: what clients run. It exits 0, never blocks, prints JSON only.

Standard library only: it runs at every prompt. It starts no agent and no model; the service does the work.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from explib.settings.places import given
from explib_server.hooks.events import CAPTURING, MOST_BYTES, NAMES, event_of, read_fields
from explib_server.hooks.replies import reply, takes_context, takes_verdict

RECALL_SECONDS = 1.0
"""How long a prompt or a tool call waits for lessons, unless EXPLIB_HOOK_SECONDS is set."""
TELL_SECONDS = 0.5
"""How long other events wait for the service, which is only told, and started where it doesn't run."""
GRACE_SECONDS = 1.0
"""What everything else may take: then the hook ends, whatever it waits for."""
SWITCH = "EXPLIB_CAPTURE"
"""`off` in the environment of an agent that works for the learner: it is no person's, and must not teach itself."""
USAGE = (
    f"usage: explib hook {'|'.join(NAMES)} [--client NAME] [--library NAME] [--database-url URL]    "
    "(clients run it: see explib attach)"
)


def main(arguments: Sequence[str]) -> None:
    """Run one hook. Raises nothing; what goes wrong is one line on standard error."""
    if os.environ.get(SWITCH) == "off":
        return
    name = arguments[0] if arguments else ""
    if name not in NAMES:
        _tell(USAGE)  # an event of another version is none of ours
        return
    if url := _option(arguments, "--database-url"):
        os.environ["EXPLIB_DATABASE_URL"] = url
    watch = threading.Timer(_seconds(name) + GRACE_SECONDS, os._exit, (0,))
    watch.daemon = True
    watch.start()
    try:
        _run(name, arguments)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the person's work goes on, whatever happens
        _tell(f"explib hook {name}: {str(error) or type(error).__name__}")
    finally:
        watch.cancel()


def _option(arguments: Sequence[str], name: str) -> str | None:
    """The value of an option; what else the configuration of a newer version passes is left out."""
    for at, argument in enumerate(arguments):
        option, _, value = argument.partition("=")
        if option == name:
            return value or (arguments[at + 1] if at + 1 < len(arguments) else None)
    return None


def _run(name: str, arguments: Sequence[str]) -> None:
    content = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"standard input is over {MOST_BYTES // 1024**2} MiB: nothing of it is taken")
    event = event_of(name, _option(arguments, "--client"), read_fields(content))
    if library := _option(arguments, "--library") or given("library"):
        event["library"] = library
    if name in CAPTURING:
        _capture(event)
    elif name == "session-start" or takes_context(event) or takes_verdict(event):  # the first starts the service
        answer = _ask(event)
        if answer is None and name == "prompt":
            _tell(f"explib hook {name}: no lessons, the service did not answer in time: explib doctor says more")
        _print(reply(event, answer or {}))
    if name == "session-start":
        from explib_server.hooks.spool import Spool

        Spool().attach(str(event["client"]))


def _capture(event: dict[str, object]) -> None:
    """Into the spool first: the service is only told that there is something. Where it can't be written, told all."""
    from explib_server.hooks.spool import Spool

    spool = Spool()
    try:
        spool.keep(event)
        spool.attach(str(event["client"]))
    except OSError as error:
        if _ask(event) is None:
            raise
        _tell(f"explib hook {event['event']}: not spooled ({error}), handed to the service directly")
        return
    _ask({key: event[key] for key in ("event", "client", "session")} | {"spooled": True})


def _ask(event: Mapping[str, object]) -> dict[str, object] | None:
    from explib_server.service.connection import ask

    answer = ask("hook", dict(event), _seconds(str(event["event"])), start=True)
    if answer is not None and "error" in answer:
        _tell(f"explib hook {event['event']}: {answer['error']}")
    return answer


def _seconds(name: str) -> float:
    if name not in ("prompt", "tool"):
        return TELL_SECONDS
    with suppress(ValueError):  # `explib doctor` tells what is wrong with a setting
        return float(given("hook_seconds") or RECALL_SECONDS)
    return RECALL_SECONDS


def _print(answer: dict[str, object] | None) -> None:
    """In one piece and unbuffered: a client that has gone away is no error of the interpreter's end."""
    if answer is not None:
        os.write(1, json.dumps(answer).encode() + b"\n")


def _tell(line: str) -> None:
    os.write(2, (" ".join(line.split())[:500] + "\n").encode(errors="replace"))
