from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from learner.model_cases import MemoryRecords

from explib.errors import BudgetExceeded, ModelUnavailable
from explib.models.learning import Cost
from explib_learner.model.chat import ChatAnswer, ChatMessage, ChatRequest
from explib_learner.model.recorded import RecordedChat

REQUEST = ChatRequest("advantage", "m", (ChatMessage("user", "hello"),), "s", {"type": "object"}, "p", 100)
DAY = 86_400.0
NOON = 20_000 * DAY + DAY / 2


class Model:
    """Answers when it is let, and counts."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[ChatRequest] = []
        self.let = asyncio.Event()
        self.let.set()
        self.arrived = asyncio.Semaphore(0)
        self.at_once = self.most_at_once = 0
        self.error = error

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        self.asked.append(request)
        self.arrived.release()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.let.wait()
        self.at_once -= 1
        if self.error is not None:
            raise self.error
        return ChatAnswer("answer", 30, 12)


def chat(model: Model, records: MemoryRecords, budget: int | None = None, concurrency: int = 4) -> RecordedChat:
    return RecordedChat(model, records, budget, concurrency, lambda: NOON)


def numbered(count: int) -> list[ChatRequest]:
    return [replace(REQUEST, seed=seed) for seed in range(count)]


async def test_an_answer_is_stored_before_it_is_used_and_not_bought_again() -> None:
    model, records = Model(), MemoryRecords()
    first = await chat(model, records).ask(REQUEST)
    assert (first.text, first.cost, first.recorded) == ("answer", Cost(1, 30, 12), False)
    call = records.calls[REQUEST.hash]
    assert (call.step, call.prompt_hash, call.model, call.response) == ("advantage", "p", "m", "answer")
    again = await chat(model, records).ask(REQUEST)
    assert (again.text, again.cost, again.recorded) == ("answer", Cost(), True)
    assert len(model.asked) == 1


async def test_equal_requests_at_the_same_time_are_asked_once_and_paid_once() -> None:
    model, records = Model(), MemoryRecords()
    recorded = chat(model, records)
    answers = await asyncio.gather(*(recorded.ask(REQUEST) for _ in range(5)))
    assert len(model.asked) == 1
    assert sum(answer.cost.calls for answer in answers) == 1


async def test_a_failure_reaches_everybody_who_waits_and_is_not_stored() -> None:
    model, records = Model(ModelUnavailable()), MemoryRecords()
    recorded = chat(model, records)
    results = await asyncio.gather(*(recorded.ask(REQUEST) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ModelUnavailable] * 3
    assert not records.calls
    model.error = None
    assert (await recorded.ask(REQUEST)).text == "answer"


async def test_no_more_calls_at_once_than_allowed() -> None:
    model = Model()
    model.let.clear()
    recorded = chat(model, MemoryRecords(), concurrency=2)
    waiting = asyncio.gather(*map(recorded.ask, numbered(6)))
    await model.arrived.acquire()
    await model.arrived.acquire()
    model.let.set()
    await waiting
    assert model.most_at_once == 2


async def test_the_budget_counts_what_this_day_has_spent_and_says_when_it_goes_on() -> None:
    model, records = Model(), MemoryRecords()
    budget = REQUEST.prompt_tokens + REQUEST.max_tokens + 41
    await chat(model, records, budget).ask(REQUEST)
    with pytest.raises(BudgetExceeded, match=r"42 of 1\d\d tokens.*2024-10-05 00:00 UTC"):
        await chat(model, records, budget).ask(numbered(2)[1])
    tomorrow = RecordedChat(model, records, budget, 1, lambda: NOON + DAY)
    assert (await tomorrow.ask(numbered(2)[1])).text == "answer"
    assert len(model.asked) == 2


async def test_a_stored_answer_is_free_of_the_budget() -> None:
    model, records = Model(), MemoryRecords()
    await chat(model, records).ask(REQUEST)
    assert (await chat(model, records, budget=0).ask(REQUEST)).text == "answer"


async def test_a_request_over_the_whole_budget_says_that_waiting_does_not_help() -> None:
    with pytest.raises(BudgetExceeded, match="waiting does not help"):
        await chat(Model(), MemoryRecords(), budget=5).ask(REQUEST)


async def test_calls_under_way_count_against_the_budget() -> None:
    model = Model()
    model.let.clear()
    one = REQUEST.prompt_tokens + REQUEST.max_tokens
    recorded = chat(model, MemoryRecords(), budget=2 * one)
    waiting = [asyncio.ensure_future(recorded.ask(request)) for request in numbered(3)]
    await model.arrived.acquire()
    await model.arrived.acquire()
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert isinstance(done.pop().exception(), BudgetExceeded)
    model.let.set()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len(model.asked) == 2


async def test_an_answer_that_nobody_waits_for_any_more_is_stored() -> None:
    model, records = Model(), MemoryRecords()
    model.let.clear()
    recorded = chat(model, records)
    waiting = asyncio.ensure_future(recorded.ask(REQUEST))
    await model.arrived.acquire()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    model.let.set()
    assert (await recorded.ask(REQUEST)).text == "answer"
    assert len(model.asked) == 1
    assert REQUEST.hash in records.calls


async def test_closing_ends_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explib_learner.model.recorded.GRACE_SECONDS", 0.0)
    model, records = Model(), MemoryRecords()
    model.let.clear()
    recorded = chat(model, records)
    waiting = asyncio.ensure_future(recorded.ask(REQUEST))
    await model.arrived.acquire()
    await recorded.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not records.calls
