"""Rounds of killing, pausing and cutting off, and a count of what was lost or doubled. It must be 0.

    .venv/bin/python benchmarks/kill_rounds.py [--rounds 200] [--engine sqlite|postgresql] [--served] [--json FILE]

Two servers submit and two learners learn, in three libraries on one database; a learner's lease is one second. In each
round a server or a learner is killed (SIGKILL) and started again, a learner is paused beyond its lease and goes on, or,
on PostgreSQL, every connection is cut or the database server is restarted as after a crash. Restarted servers send
their last submissions again. At the end everything is learned, and counted: submissions acknowledged and not there,
submissions stored twice, groups learned twice or in no revision, revisions skipped, evidence entered twice or never,
and all that `explib db check --deep` looks for. With `--served` whole servers (`explib serve --transport http`, each
with its learner inside, before a scripted model) are killed, paused beyond the lease and stopped; their clients are
those of a team: what one server does not answer they ask another. Rewards are counted as well.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from end_to_end.rounds import Outcome, play
from end_to_end.served_rounds import play_served
from measuring import keep, parser, show
from postgresql_server import TERMINATE, postgresql_server

KINDS = ["kill_a_server", "kill_a_learner", "pause_a_learner"]
SERVED = ["kill_a_server", "pause_a_server", "kill_a_server", "stop_a_server"]
Cuts = dict[str, Callable[[], object]]


@contextmanager
def database(engine: str) -> Iterator[tuple[str, Cuts]]:
    """The address of an empty database, and the ways to cut it off."""
    with tempfile.TemporaryDirectory() as folder:
        if engine == "sqlite":
            yield f"sqlite+aiosqlite:///{folder}/library.db", {}
            return
        with postgresql_server() as server:
            server.prepare()

            def cut() -> None:
                server.sql(TERMINATE)

            with server.database() as url:
                yield url, {"cut the connections": cut, "restart the database": server.restart}


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    options.add_argument("--served", action="store_true", help="whole servers over HTTP")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    random.seed(chosen.seed)
    started, done = time.monotonic(), itertools.count(1)

    def told(kind: str) -> None:
        if (number := next(done)) % 10 == 0:
            sys.stderr.write(f"{number} of {chosen.rounds} rounds, {time.monotonic() - started:.0f} s ({kind})\n")

    with database(chosen.engine) as (url, cuts):
        of_kind = SERVED if chosen.served else KINDS
        kinds = list(itertools.islice(itertools.cycle([*of_kind, *cuts]), chosen.rounds))
        with tempfile.TemporaryDirectory() as logs:
            playing = play_served(url, kinds, cuts, told, Path(logs)) if chosen.served else play(url, kinds, cuts, told)
            outcome = asyncio.run(playing)
    report(chosen.engine, outcome)
    figures = {**vars(outcome), "rounds": dict(outcome.rounds), "acknowledged": len(outcome.acknowledged)}
    how = {"engine": chosen.engine, "served": chosen.served, "seconds": time.monotonic() - started}
    keep(chosen.json, {**how, **figures})
    return 1 if outcome.lost or outcome.doubled else 0


def report(engine: str, outcome: Outcome) -> None:
    rows = [(kind.replace("_", " "), count) for kind, count in outcome.rounds.items()]
    rows += [("submissions acknowledged", len(outcome.acknowledged)), ("group states learned", outcome.learned)]
    rows += [("revisions", outcome.revisions), ("runs fenced off", outcome.fenced)]
    rows += [("lost", len(outcome.lost)), ("doubled", len(outcome.doubled))]
    show(f"{outcome.rounds.total()} rounds on {engine}", ("what", "count"), rows)
    for each in [*outcome.lost[:20], *outcome.doubled[:20]]:
        print("  ", each)


if __name__ == "__main__":
    sys.exit(main())
