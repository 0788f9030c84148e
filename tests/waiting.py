"""Waiting for what should come true, in place of sleeping until it probably has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 120.0
"""Seconds after which a condition that should come true has failed: long, for machines that have much else to do."""
LOOK_SECONDS = 0.01


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Raises TimeoutError where it does not come true."""
    async with asyncio.timeout(PATIENCE):
        while not await _holds(condition()):
            await asyncio.sleep(LOOK_SECONDS)


async def _holds(answer: bool | Awaitable[bool]) -> bool:
    return answer if isinstance(answer, bool) else await answer
