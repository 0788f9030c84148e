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
from explib.models.learning import Cost, ModelCall
from explib.tracing import span
from explib_learner.chat import ChatModel, ChatRequest

_DAY = 24 * 60 * 60
"""Seconds."""


GRACE_SECONDS = 5.0


class CallRecords(Protocol):
    """Where answered calls are kept."""

    async def find(self, request_hash: str) -> ModelCall | None:
        """The call with this hash, or None."""
        ...

    async def save(self, call: ModelCall) -> None:
        """Keep a call; it is durable when this returns."""
        ...

    async def tokens_since(self, since: float) -> int:
        """Tokens of the calls that were recorded since this time."""
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
        self._counting = asyncio.Lock()
        self._reserved = 0
        self._flights: dict[str, asyncio.Task[Answered]] = {}

    @property
    def speaker(self) -> None:
        """The model that was asked."""
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
        if flights:
            await asyncio.wait(flights, timeout=GRACE_SECONDS)
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _landed(self, key: str, task: asyncio.Task[Answered]) -> None:
        del self._flights[key]
        if not task.cancelled():
            task.exception()  # marks it as seen where every waiter has gone

    async def _find_or_buy(self, request: ChatRequest, key: str) -> Answered:
        found = await self.stored(request)
        if found is not None:
            return found
        async with self._turns:
            expected = await self._reserve(request)
            try:
                return await self._buy(request, key)
            finally:
                self._reserved -= expected

    async def _buy(self, request: ChatRequest, key: str) -> Answered:
        with span("model.call", step=request.step) as seen:
            seen.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": request.model})
            answer = await self._model.ask(request)
            seen.set_attribute("gen_ai.usage.input_tokens", answer.prompt_tokens)
            seen.set_attribute("gen_ai.usage.output_tokens", answer.completion_tokens)
        call = ModelCall(
            request_hash=key,
            step=request.step,
            prompt_hash=request.prompt_hash,
            model=request.model,
            response=answer.text,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            created_at=self._clock(),
        )
        await self._records.save(call)
        return Answered(answer.text, Cost(1, answer.prompt_tokens, answer.completion_tokens))

    async def _reserve(self, request: ChatRequest) -> int:
        """Set aside what the request may cost at most, with what calls under way may cost, or refuse it."""
        expected = request.prompt_tokens + request.max_tokens
        async with self._counting:
            if self._budget is not None:
                now = self._clock()
                today = now - now % _DAY
                reserved = self._reserved  # read first: a call saved meanwhile counts twice rather than never
                spent = reserved + await self._records.tokens_since(today)
                if spent + expected > self._budget:
                    raise BudgetExceeded(_refusal(spent, expected, self._budget, today + _DAY))
            self._reserved += expected
        return expected


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
