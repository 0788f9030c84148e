"""A program as chat model, e.g. a person's own agent: the prompt on standard input, the answer on standard output.

It runs in an empty folder that is deleted afterwards, and its sessions are not captured.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import tempfile

from explib.errors import ModelMisconfigured, ModelUnavailable
from explib.text.redaction import redacted
from explib.text.words import estimate_tokens, storable
from explib_learner.model.chat import ChatAnswer, ChatRequest

UNCAPTURED = {"EXPLIB_CAPTURE": "off"}
"""Environment by which our own hooks leave a session alone."""
FOLDER_PREFIX = "explib-model-"
"""How the names of the folders begin in which the program runs: an agent's session there is no person's."""
_QUOTED_CHARACTERS = 300


class CommandChat:
    """Runs the program once for each request; implements `ChatModel`. Tokens are estimated."""

    def __init__(self, command: str, timeout_seconds: float) -> None:
        """`command` is split like a shell's. Raises ModelMisconfigured where it cannot be."""
        try:
            self._arguments = shlex.split(command)
        except ValueError as error:
            raise ModelMisconfigured(f"EXPLIB_MODEL_COMMAND is no command line ({error}): correct it.") from error
        if not self._arguments:
            raise ModelMisconfigured("EXPLIB_MODEL_COMMAND is empty: set it to a program, e.g. `claude -p`.")
        self._timeout = timeout_seconds

    async def close(self) -> None:
        """Nothing stays open between requests."""

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """The program's answer; see `ChatModel` for what it raises. Sampling and limits are the program's own."""
        with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX, ignore_cleanup_errors=True) as folder:
            text = await self._run(_prompt(request), folder)
        return ChatAnswer(text, request.prompt_tokens, estimate_tokens(text))

    async def _run(self, prompt: str, folder: str) -> str:
        program = self._arguments[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=folder,
                env={**os.environ, **UNCAPTURED},
                start_new_session=True,
            )
        except OSError as error:
            raise ModelMisconfigured(
                f"{program} of EXPLIB_MODEL_COMMAND cannot be run ({error.strerror}): check that it is installed."
            ) from error
        try:
            async with asyncio.timeout(self._timeout):
                said, complaint = await process.communicate(prompt.encode("utf-8", "replace"))
        except TimeoutError as error:
            raise ModelUnavailable(
                f"{program} did not answer within {self._timeout:g} s: raise EXPLIB_MODEL_TIMEOUT, or try it by hand."
            ) from error
        finally:
            await _ended(process)
        if process.returncode:
            last = redacted(storable((complaint or said).decode("utf-8", "replace")).strip()[-_QUOTED_CHARACTERS:])
            raise ModelUnavailable(
                f"{program} ended with exit code {process.returncode}: try it by hand, is it logged in? It said {last}"
            )
        return storable(said.decode("utf-8", "replace"))


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Kill what still runs of the program and of what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _prompt(request: ChatRequest) -> str:
    """The messages as one text, with the form of the answer."""
    said = [f"Your answer was:\n{each.text}" if each.role == "assistant" else each.text for each in request.messages]
    return "\n\n".join((*said, request.form_in_words))
