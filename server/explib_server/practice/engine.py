"""The process that runs Inspect: batches of rollouts in, a line for each that ended out. Nothing of it is stored here.

Inspect writes to standard output, so that is moved out of its way first.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from explib.errors import ExplibError
from explib_server.practice.commands import end_all
from explib_server.practice.protocol import Broken, EngineSpec, Finished, Rollout, read_rollouts
from explib_server.practice.tasks import PracticeTask

if TYPE_CHECKING:
    from explib_server.practice.inspect_tasks import RolloutTask


class Engine:
    """What is read from the loop and written to it."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self.stopping = False
        """No further rollout is begun."""
        self._busy = False

    def say(self, event: str, **values: object) -> None:
        """One event."""
        self._out.write(json.dumps({"event": event, **values}) + "\n")
        self._out.flush()

    def ready(self, tasks: Sequence[PracticeTask], held_out: Sequence[PracticeTask]) -> None:
        """The tasks are loaded."""
        self.say("ready", tasks=[asdict(task) for task in tasks], held_out=[asdict(task) for task in held_out])

    def finished(self, rollout: Finished) -> None:
        """A rollout is finished."""
        self.say("finished", **asdict(rollout))

    def broken(self, rollout: Broken) -> None:
        """A rollout came to no end."""
        self.say("broken", **asdict(rollout))

    def listen(self) -> None:
        """Read lines in a thread. A loop that is gone takes this process, and all it started, with it."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            for line in sys.stdin:
                if '"stop"' in line[:10]:
                    self.stopping = True
                else:
                    loop.call_soon_threadsafe(self._lines.put_nowait, line)
            if self._busy:
                end_all()
                os._exit(1)
            loop.call_soon_threadsafe(self._lines.put_nowait, None)

        threading.Thread(target=read, daemon=True).start()

    async def serve(self) -> None:
        """Load the tasks, then run each batch."""
        first = await self._lines.get()
        if first is None:
            return
        spec = EngineSpec.read(first)
        try:
            from explib_server.practice.inspect_tasks import load

            task = load(spec, self)
        except ExplibError as error:
            self.say("refused", reason=str(error))
            return
        self.ready(task.tasks, task.held_out)
        while (line := await self._lines.get()) is not None:
            batch = json.loads(line)
            await self._batch(task, Path(batch["folder"]), read_rollouts(batch["rollouts"]))

    async def _batch(self, task: RolloutTask, folder: Path, rollouts: list[Rollout]) -> None:
        self.stopping, self._busy = False, True
        try:
            problem = await task.run(folder, rollouts)
        finally:
            self._busy = False
            end_all()
        self.say("batch", reason=problem)


def main() -> None:
    """Serve the loop that started this process."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    engine = Engine(out)

    async def act() -> None:
        engine.listen()
        await engine.serve()

    asyncio.run(act())


if __name__ == "__main__":
    main()
