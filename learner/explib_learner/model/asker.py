"""Asking one step's question until there is a usable answer: one repair a try, bad stored answers never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from explib.errors import (
    AnswerCutOff,
    BudgetExceeded,
    ModelAnswerInvalid,
    ModelMisconfigured,
    ModelUnavailable,
    PromptTooLong,
)
from explib.models.learning import Cost
from explib_learner.model.answers import AnswerT, parsed, schema_of, without_thinking
from explib_learner.model.chat import ChatMessage, ChatRequest
from explib_learner.model.recorded import Answered
from explib_learner.prompting.fences import unfenceable
from explib_learner.prompting.files import PromptFile
from explib_learner.prompting.truncation import clipped_to_tokens

REPAIR_PLACEHOLDERS = frozenset({"error"})

_BAD_ANSWER_TOKENS = 500
"""How much of a bad answer goes back to the model."""
_REPAIR_TOKENS = 800
"""What a repair adds to a request: the bad answer, what is wrong with it, the borders of two messages."""
_ERROR_CHARACTERS = 600
_LONGER = 2
"""Times the room that an answer gets which was cut off."""
_WARMER_PER_TRY = 0.1
_WARMEST = 1.0

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How the `model` analyst asks."""

    model: str
    context_tokens: int = 32_000
    """What the model takes, prompt and answer together."""
    answer_tokens: int = 2_000
    """Most tokens of one answer, a reasoning model's thinking included."""
    temperature: float = 0.2

    @property
    def prompt_tokens(self) -> int:
        """What a step's prompt may have, so that there is room for the answer and a repair."""
        return self.context_tokens - self.answer_tokens - _REPAIR_TOKENS


@dataclass(frozen=True, slots=True)
class Checked(Generic[ResultT]):
    """What an answer comes to, and what is wrong with it: that is repaired once, and then left out."""

    result: ResultT
    problems: tuple[str, ...] = ()


class Chat(Protocol):
    """Answers requests, with the stored answer where there is one: `recorded`, `agent.stored_answers`."""

    concurrency: int
    """Most requests at once."""

    @property
    def speaker(self) -> str | None:
        """Who gave the answers, where that is not the model that was asked."""
        ...

    async def stored(self, request: ChatRequest) -> Answered | None:
        """The stored answer, or None where this request was never answered."""
        ...

    async def ask(self, request: ChatRequest) -> Answered:
        """An answer, whatever it says.

        Raises:
            ModelError: there is no answer; see `ChatModel`.
            BudgetExceeded: today's tokens would not do for this request.
            AnswerPending: who is asked has not answered yet.
        """
        ...


class Asker:
    """Asks for one analysis: adds up the cost, and buys nothing more once the endpoint or the budget is gone."""

    def __init__(self, chat: Chat, settings: ModelSettings, repair: PromptFile) -> None:
        self.settings = settings
        self.cost = Cost()
        self._chat = chat
        self._repair = repair
        self._turns = asyncio.Semaphore(chat.concurrency)
        self._halted: ModelUnavailable | ModelMisconfigured | BudgetExceeded | None = None

    def question(self, step: str, prompt: PromptFile, form: type[AnswerT], values: dict[str, str]) -> ChatRequest:
        """The request of a step's first try."""
        return ChatRequest(
            step=step,
            model=self.settings.model,
            messages=prompt.messages(**values),
            schema_name=step,
            schema=schema_of(form),
            prompt_hash=prompt.hash,
            max_tokens=self.settings.answer_tokens,
            temperature=self.settings.temperature,
        )

    async def settle(
        self, question: ChatRequest, form: type[AnswerT], check: Callable[[AnswerT], Checked[ResultT]], tries: int
    ) -> ResultT:
        """What `check` makes of the first usable answer, over the stored tries and at most one new one.

        `tries` counts the earlier failures of what is asked about. An answer with problems is repaired once; what is
        still wrong then is `check`'s to leave out. Like everything here `check` depends on the answer alone, and may
        raise ModelAnswerInvalid for one that is of no use.

        Raises:
            ModelAnswerInvalid: the try and its repair gave no usable answer.
            PromptTooLong: the question leaves no room for the answer.
            ModelUnavailable, ModelMisconfigured, BudgetExceeded: there is no answer to be had now.
            AnswerPending: the answer comes later.
        """
        if question.prompt_tokens > self.settings.context_tokens - self.settings.answer_tokens:
            raise PromptTooLong
        problem = ModelAnswerInvalid()
        for attempt in range(tries + 1):
            settled = await self._tried(self._try(question, attempt), form, check)
            if not isinstance(settled, _Unusable):
                return settled.result
            problem = settled.problem
            if not settled.recorded:
                break
        raise ModelAnswerInvalid(f"{question.step}: the model's answer is not usable, also after a repair: {problem}")

    async def _tried(
        self, request: ChatRequest, form: type[AnswerT], check: Callable[[AnswerT], Checked[ResultT]]
    ) -> Checked[ResultT] | _Unusable:
        """One try: an answer and, where it has problems, its repair; the repair counts where it can be used."""
        recorded = True
        first: Checked[ResultT] | None = None
        problem = ModelAnswerInvalid()
        for _ in ("answer", "repair"):
            answered = await self._ask(request)
            recorded = recorded and answered.recorded
            try:
                checked = check(parsed(answered.text, form))
            except AnswerCutOff as error:
                problem, request = error, self._longer(request)
            except ModelAnswerInvalid as error:
                problem, request = error, self._repaired(request, answered.text, str(error))
            else:
                if first is not None or not checked.problems:
                    return checked
                first = checked
                request = self._repaired(request, answered.text, " ".join(checked.problems))
        return first or _Unusable(problem, recorded)

    def _longer(self, request: ChatRequest) -> ChatRequest:
        """The same with twice the room for the answer, as far as the context goes."""
        room = self.settings.context_tokens - request.prompt_tokens
        most = max(request.max_tokens, min(_LONGER * request.max_tokens, room))
        return replace(request, step=f"{request.step} longer", max_tokens=most, seed=request.seed + 1)

    def _try(self, question: ChatRequest, attempt: int) -> ChatRequest:
        temperature = max(question.temperature, min(_WARMEST, question.temperature + attempt * _WARMER_PER_TRY))
        return replace(question, attempt=attempt, seed=attempt, temperature=round(temperature, 3))

    def _repaired(self, request: ChatRequest, answer: str, problem: str) -> ChatRequest:
        bad = clipped_to_tokens(without_thinking(answer), _BAD_ANSWER_TOKENS) or "(nothing)"
        return replace(
            request,
            step=f"{request.step} repair",
            messages=(
                *request.messages,
                ChatMessage("assistant", bad),
                *self._repair.messages(error=unfenceable(problem[:_ERROR_CHARACTERS])),
            ),
            prompt_hash=self._repair.hash,
        )

    async def _ask(self, request: ChatRequest) -> Answered:
        async with self._turns:
            if self._halted is not None:
                stored = await self._chat.stored(request)
                if stored is None:
                    raise self._halted
                return stored
            try:
                answered = await self._chat.ask(request)
            except (ModelUnavailable, ModelMisconfigured, BudgetExceeded) as error:
                self._halted = error
                raise
            self.cost += answered.cost
            return answered


@dataclass(frozen=True, slots=True)
class _Unusable:
    """A try that gave nothing: the last problem, and whether all of its answers came from the record."""

    problem: ModelAnswerInvalid
    recorded: bool


async def together(asked: Sequence[Awaitable[ResultT]]) -> list[ResultT]:
    """The results of all, side by side. Each is waited for, so that no cost goes uncounted; then the first error."""
    results = await asyncio.gather(*asked, return_exceptions=True)
    done: list[ResultT] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done
