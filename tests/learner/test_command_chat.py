from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from learner.test_openai_chat import REQUEST
from waiting import until

from explib.errors import ModelMisconfigured, ModelUnavailable
from explib_learner.model.command_chat import CommandChat

pytestmark = pytest.mark.skipif(os.name != "posix", reason="programs are ended by their process group")


def program(folder: Path, code: str) -> str:
    """A command line that runs this Python code."""
    path = folder / "agent.py"
    path.write_text(code, encoding="utf-8")
    return f"'{sys.executable}' '{path}' -p"


async def test_the_prompt_goes_in_and_the_answer_comes_out(tmp_path: Path) -> None:
    told = "import json, os, sys\nsaid = sys.stdin.read()\n"
    told += "print(json.dumps([said, os.listdir(), os.environ['EXPLIB_CAPTURE'], sys.argv[1:]]))"
    answer = await CommandChat(program(tmp_path, told), 30.0).ask(REQUEST)
    said, files, capture, arguments = json.loads(answer.text)
    assert said.startswith("Rules.\n\nQuestion?\n\nAnswer with one JSON object of this schema")
    assert (files, capture, arguments) == ([], "off", ["-p"])
    assert answer.prompt_tokens == REQUEST.prompt_tokens
    assert answer.completion_tokens > 0


async def test_a_program_that_fails_is_quoted_without_its_secrets(tmp_path: Path) -> None:
    secret = "sk-ant-" + "api03-" + "a1B2c3D4" * 6
    code = f"import sys\nprint('not logged in {secret}', file=sys.stderr)\nsys.exit(3)"
    with pytest.raises(ModelUnavailable, match=r"exit code 3.*not logged in") as raised:
        await CommandChat(program(tmp_path, code), 30.0).ask(REQUEST)
    assert secret not in str(raised.value)


async def test_a_program_that_is_not_there_is_a_wrong_setting() -> None:
    with pytest.raises(ModelMisconfigured, match="no-such-program"):
        await CommandChat("no-such-program -p", 30.0).ask(REQUEST)
    for command in ("", "'unclosed"):
        with pytest.raises(ModelMisconfigured, match="EXPLIB_MODEL_COMMAND"):
            CommandChat(command, 30.0)


async def test_a_program_that_is_too_slow_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="EXPLIB_MODEL_TIMEOUT"):
        await CommandChat(program(tmp_path, "import time\ntime.sleep(600)"), 0.2).ask(REQUEST)


async def test_a_cancelled_call_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    code = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open({str(ids)!r}, "w") as file:
    file.write(f"{{os.getpid()}} {{child.pid}}.")
time.sleep(600)
"""
    asking = asyncio.create_task(CommandChat(program(tmp_path, code), 60.0).ask(REQUEST))

    async def started() -> bool:
        return ids.exists() and ids.read_text().endswith(".")

    await until(started)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    async def ended() -> bool:
        return not any(_runs(int(pid)) for pid in ids.read_text().rstrip(".").split())

    await until(ended)


def _runs(pid: int) -> bool:
    """Whether the process runs; one that ended and waits for its parent does not."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
