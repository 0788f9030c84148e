from __future__ import annotations

import asyncio

import pytest

from explib.tasks import BackgroundTasks, cancel_and_wait, run_to_completion


class Slow:
    """Work that takes a few turns of the loop, and more to end once it is cancelled."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.done: list[str] = []

    async def __call__(self) -> str:
        self.begun.set()
        try:
            await self.go_on.wait()
        finally:
            for _ in range(3):
                await asyncio.sleep(0)
            self.done.append("closed")
        return "result"


async def cancelled_often(task: asyncio.Task[object]) -> None:
    """As the scopes of anyio do it."""
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)


async def test_the_result_or_the_error_is_handed_on() -> None:
    slow = Slow()
    slow.go_on.set()
    assert await run_to_completion(slow()) == "result"

    async def failing() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await run_to_completion(failing())


async def test_work_that_is_to_finish_does_though_its_caller_is_cancelled_again_and_again() -> None:
    slow = Slow()
    calling = asyncio.create_task(run_to_completion(slow()))
    await slow.begun.wait()
    for _ in range(3):
        calling.cancel()
        await asyncio.sleep(0)
    assert not calling.done()
    slow.go_on.set()
    await cancelled_often(calling)
    assert calling.cancelled()
    assert slow.done == ["closed"]


async def test_what_a_cancelled_caller_did_not_hear_is_the_cause() -> None:
    async def failing() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    calling = asyncio.create_task(run_to_completion(failing()))
    await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError) as told:
        await calling
    assert isinstance(told.value.__cause__, ValueError)


async def test_what_is_ended_is_cancelled_once_and_closes_in_peace() -> None:
    slow, other = Slow(), Slow()
    tasks = [asyncio.create_task(each()) for each in (slow, other)]
    await asyncio.gather(slow.begun.wait(), other.begun.wait())
    ending = asyncio.create_task(cancel_and_wait(*tasks))
    await asyncio.sleep(0)
    await cancelled_often(ending)
    assert all(task.cancelled() for task in tasks)
    assert slow.done == other.done == ["closed"]
    await cancel_and_wait()


async def test_a_failure_behind_is_in_the_log_and_what_was_left_off_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> None:
        raise ValueError("no")

    behind, slow = BackgroundTasks(), Slow()

    async def going_on() -> None:
        await slow()

    behind.start(failing(), "failing", "it could not be done")
    await behind.flush()
    idle = [behind.idle]
    behind.start(going_on(), "slow", "it could not be left")
    await slow.begun.wait()
    idle.append(behind.idle)
    await behind.end()
    assert [*idle, behind.idle] == [True, False, True]
    assert slow.done == ["closed"]
    assert [record.message for record in caplog.records] == ["it could not be done"]
