"""A chat model whose every answer is stored under its request's hash before it is used, and that keeps to a budget.

A crash, a retry or another worker finds the stored answer and does not buy it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from explib.errors import BudgetExceeded
from explib.models.learning import Cost, ModelCall, Reserved
from explib.tasks import cancel_and_wait
from explib.text.redaction import redacted
from explib.tracing import span
from explib_learner.model.chat import ChatModel, ChatRequest

_DAY = 24 * 60 * 60
"""Seconds."""


GRACE_SECONDS = 5.0


class CallRecords(Protocol):
    """Where answered calls are kept."""

    async def find(self, request_hash: str) -> ModelCall | None:
        """The call with this hash, or None."""
        ...

    async def save(self, call: ModelCall, reservation: str | None = None) -> None:
        """Keep a call, which is durable when this returns, in the place of what was reserved for it."""
        ...

    async def reserve(self, tokens: int, budget: int, since: float) -> Reserved:
        """Set tokens aside out of a budget of what all who share the records spend and reserve since this time."""
        ...

    async def release(self, reservation: str) -> None:
        """The call came to nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """A model's raw answer and what it cost now: nothing where it came from the record or from another's request."""

    text: str
    cost: Cost
    recorded: bool = False
    """Whether it came from the record."""


class RecordedChat:
    """Stored answers first; then the model, at most `concurrency` calls at once, within the daily token budget.

    Equal requests at the same time are asked once. A call that its waiters gave up on goes on, so that its answer,
    which is paid for, is stored; `close` ends what is still under way.
    """

    def __init__(
        self,
        model: ChatModel,
        records: CallRecords,
        token_budget_per_day: int | None,
        concurrency: int,
        clock: Callable[[], float],
    ) -> None:
        self.concurrency = concurrency
        self._model = model
        self._records = records
        self._budget = token_budget_per_day
        self._clock = clock
        self._turns = asyncio.Semaphore(concurrency)
        self._flights: dict[str, asyncio.Task[Answered]] = {}

    @property
    def speaker(self) -> None:
        """Nobody but the model that was asked."""
        return None

    async def stored(self, request: ChatRequest) -> Answered | None:
        """The stored answer, or None where this request was never answered."""
        call = await self._records.find(request.hash)
        return None if call is None else Answered(call.response, Cost(), recorded=True)

    async def ask(self, request: ChatRequest) -> Answered:
        """The stored answer, else the model's, stored before it is returned. The text may be anything, also empty.

        Raises:
            BudgetExceeded: today's tokens would not do for this request.
            ModelError: there is no answer; see `ChatModel`.
        """
        key = request.hash
        under_way = self._flights.get(key)
        if under_way is not None:
            shared = await asyncio.shield(under_way)
            return Answered(shared.text, Cost(), shared.recorded)
        task = asyncio.create_task(self._find_or_buy(request, key))
        self._flights[key] = task
        task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give the calls under way, which will be paid for, a moment to be stored; then end them."""
        flights = list(self._flights.values())
        try:
            if flights:
                await asyncio.wait(flights, timeout=GRACE_SECONDS)
        finally:
            await cancel_and_wait(*flights)

    def _landed(self, key: str, task: asyncio.Task[Answered]) -> None:
        del self._flights[key]
        if not task.cancelled():
            task.exception()  # marks it as seen where every waiter has gone

    async def _find_or_buy(self, request: ChatRequest, key: str) -> Answered:
        found = await self.stored(request)
        if found is not None:
            return found
        async with self._turns:
            reservation = await self._reserve(request)
            try:
                return await self._buy(request, key, reservation)
            except BaseException:
                if reservation is not None:
                    await self._records.release(reservation)
                raise

    async def _buy(self, request: ChatRequest, key: str, reservation: str | None) -> Answered:
        with span("model.call", step=request.step) as seen:
            seen.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": request.model})
            answer = await self._model.ask(request)
            said = redacted(answer.text)
            seen.set_attribute("gen_ai.usage.input_tokens", answer.prompt_tokens)
            seen.set_attribute("gen_ai.usage.output_tokens", answer.completion_tokens)
        call = ModelCall(
            request_hash=key,
            step=request.step,
            prompt_hash=request.prompt_hash,
            model=request.model,
            response=said,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            created_at=self._clock(),
        )
        await self._records.save(call, reservation)
        return Answered(said, Cost(1, answer.prompt_tokens, answer.completion_tokens))

    async def _reserve(self, request: ChatRequest) -> str | None:
        """Set aside what the request may cost at most, or refuse it: no process spends what another is about to."""
        if self._budget is None:
            return None
        expected = request.prompt_tokens + request.max_tokens
        now = self._clock()
        today = now - now % _DAY
        reserved = await self._records.reserve(expected, self._budget, today)
        if reserved.id is None:
            raise BudgetExceeded(_refusal(reserved.taken, expected, self._budget, today + _DAY))
        return reserved.id


def _refusal(spent: int, expected: int, budget: int, resumes: float) -> str:
    if expected > budget:
        return (
            f"One request may take {expected:,} tokens and the daily budget is {budget:,}: "
            "raise EXPLIB_TOKEN_BUDGET_PER_DAY, waiting does not help."
        )
    until = datetime.fromtimestamp(resumes, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"The daily token budget is spent: {spent:,} of {budget:,} tokens, and the next request may take {expected:,}. "
        f"Learning goes on at {until}, or raise EXPLIB_TOKEN_BUDGET_PER_DAY."
    )
