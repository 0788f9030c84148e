"""How often a session's first request to its model has our tools, on a machine that has much else to do.

    EXPLIB_NODE=DIR .venv/bin/python benchmarks/first_request.py [--sessions 10] [--load 8] claude-code codex

Real agents, attached, against a scripted model on loopback. `cold`: no service runs before the session, `running`: the
one of the session before does. `--load`: so many processes that do nothing but work run beside them.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from daily_use import home_of_its_own, repository
from end_to_end.coding_agents import AGENTS, attach, run_agent
from end_to_end.scripted_model import SHELLS, scripted_model
from measuring import keep, parser, show
from starting import stopped

TASK = "Say in one sentence what the Makefile is for."
OURS = "get_experiences"


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that work as much as they can."""
    running = [subprocess.Popen((sys.executable, "-c", "while True: pass")) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def has_ours(asked: list[str]) -> bool:
    """Whether the first request that offers the agent's shell offers our tools too."""
    offered = (json.dumps(json.loads(request).get("tools", [])) for request in asked)
    first = next((tools for tools in offered if any(f'"{shell}"' in tools for shell in SHELLS)), "")
    return OURS in first


async def sessions(name: str, count: int, *, cold: bool) -> int:
    """How many of so many sessions of a client had our tools at once."""
    agent, found = AGENTS[name], 0
    with home_of_its_own() as home, scripted_model() as model:
        project, variables = repository(home / "shop"), agent.configure(home, model)
        await attach(name)
        for _ in range(count + 1):  # the first, in a home that the client sees first, doesn't count
            if cold:
                await stopped()
            before, first = len(model.asked), not model.asked
            await run_agent(agent, project, variables, TASK)
            found += has_ours(model.asked[before:]) and not first
    return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("clients", nargs="+", choices=[*AGENTS])
    options.add_argument("--sessions", type=int, default=10)
    options.add_argument("--load", type=int, default=8)
    chosen = options.parse_args()
    rows: list[list[str | int | float]] = []
    with busy(chosen.load):
        for name in chosen.clients:
            for kind in ("cold", "running"):
                found = asyncio.run(sessions(name, chosen.sessions, cold=kind == "cold"))
                rows.append([name, kind, found, os.getloadavg()[0]])
    show(f"of {chosen.sessions} sessions", ("client", "service", "with our tools at once", "load"), rows)
    keep(chosen.json, rows)


if __name__ == "__main__":
    main()
