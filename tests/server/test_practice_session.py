from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from server.practice_cases import TASKS, started, works

from explib.errors import InvalidInput
from explib_server.practice.plan import Options
from explib_server.practice.session import Asked, NotWanted, hold_session


async def test_tasks_that_the_library_has_learned_from_prove_nothing(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text(f'{{"id": "again", "input": "{TASKS[0].input}", "target": "done"}}')
    options = Options(str(tmp_path / "tasks.jsonl"), agent="true", scorer="exact", prove=True)
    refuses = Asked(lambda *_: False)
    async with started(tmp_path, works()) as start:
        await start.practise()
        with pytest.raises(InvalidInput, match=r"are in attempts of library default already \(again\)"):
            await hold_session(start.application, options, "default", refuses)
        with pytest.raises(NotWanted):
            await hold_session(start.application, replace(options, force=True), "default", refuses)
