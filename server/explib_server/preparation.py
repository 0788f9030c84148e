"""From a raw submission to a clean one: parsed, bounded and redacted, large ones in a process apart.

Parsing and the search for secrets hold Python's lock for as long as one text is searched: seconds, for megabytes. In a
thread of the server they would hold up everybody's calls.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial

from explib.errors import TooLarge
from explib.models.submissions import RawSubmission, Submission
from explib.text.redaction import redact_submission
from explib.trajectories import parse_trajectory

AT_ONCE_CHARACTERS = 4_096
"""A trajectory up to this size is prepared at once, in about a millisecond."""
THREAD_CHARACTERS = 131_072
"""Up to this size it is prepared in a thread; a larger one in a process, whose start takes about a second."""
YIELDING = 5
"""Niceness of that process: beside whoever answers calls it gets about a quarter of a processor that both want."""
MAX_STEPS = 10_000
"""Most steps of one trajectory."""


async def prepared(raw: RawSubmission, max_bytes: int, *, personal: bool) -> Submission:
    """The submission, parsed and redacted. Raises InvalidInput and TooLarge."""
    size = size_of(raw.trajectory, THREAD_CHARACTERS)
    work = partial(_prepare, raw, max_bytes, personal)
    if size <= AT_ONCE_CHARACTERS:
        return work()
    if size <= THREAD_CHARACTERS:
        return await asyncio.to_thread(work)
    import anyio.to_process  # only here: a start does not wait for it

    return await anyio.to_process.run_sync(_behind, work, cancellable=True)


def _behind(work: Callable[[], Submission]) -> Submission:
    """Do it with less of the processor than the server gets, for whose answers others wait meanwhile."""
    if sys.platform != "win32":
        os.setpriority(os.PRIO_PROCESS, 0, YIELDING)
    return work()


def _prepare(raw: RawSubmission, max_bytes: int, personal: bool) -> Submission:
    steps = parse_trajectory(raw.trajectory, max_bytes)
    if len(steps) > MAX_STEPS:
        raise TooLarge(f"The trajectory has {len(steps):,} steps; the limit is {MAX_STEPS:,}. Submit its parts.")
    return redact_submission(Submission.of(raw, steps), personal=personal)


def size_of(value: object, enough: int) -> int:
    """Characters of all texts in the value and one for each other part; counted no further than past `enough`."""
    size, rest = 0, [value]
    while rest and size <= enough:
        part = rest.pop()
        size += len(part) if isinstance(part, str) else 1
        if isinstance(part, Mapping):
            rest += [*part, *part.values()]
        elif isinstance(part, list | tuple):
            rest += part
    return size
