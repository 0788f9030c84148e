"""The door by which hooks speak to an open application: one message in, one answer out.

What stands behind it is imported when it is first needed: who starts a service waits for other things.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

from explib_server.hooks.events import CAPTURING

if TYPE_CHECKING:
    from explib_server.application import Application
    from explib_server.hooks.capture import Capture
    from explib_server.hooks.recall import Recall

SETTLE_SECONDS = 2.0
"""After its start a service first answers who waits for it, then looks for what was missed."""
Answer: TypeAlias = dict[str, object]


class Door:
    """Recall and capture of one application."""

    def __init__(self, application: Application) -> None:
        self._application = application

    @cached_property
    def recall(self) -> Recall:
        """What is said to sessions."""
        from explib_server.hooks.recall import Recall

        return Recall(self._application)

    @cached_property
    def capture(self) -> Capture:
        """What is stored of them."""
        from explib_server.hooks.capture import Capture

        return Capture(self._application)

    async def answer(self, message: Mapping[str, object]) -> Answer:
        """The answer to a hook's event; empty where nothing is to be said, and for events of another version."""
        match message.get("event"):
            case "prompt":
                return await self.recall.at_prompt(message)
            case "tool":
                return await self.recall.at_tool(message)
            case "session-start":
                if "capture" in vars(self):  # until then all projects wait for a look, and an import here for nothing
                    self.capture.begin(message)
                return await self.recall.at_start(message)
            case name if name in CAPTURING:
                self.capture.wake(None if message.get("spooled") else message)
                return {"accepted": True}
        return {}


_doors: WeakKeyDictionary[Application, Door] = WeakKeyDictionary()


def door_of(application: Application) -> Door:
    """The one door of an application."""
    if application not in _doors:
        _doors[application] = Door(application)
    return _doors[application]


async def answer(application: Application, message: Mapping[str, object]) -> Answer:
    """Answer a hook. Raises ExplibError."""
    return await door_of(application).answer(message)


async def capture(application: Application) -> None:
    """Store what hooks tell, and what was missed, until cancelled."""
    await asyncio.sleep(SETTLE_SECONDS)
    await door_of(application).capture.run()
