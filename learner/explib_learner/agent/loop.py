"""The learner driven by attached agents: it hands out a step, takes the answer, and goes as far as the answers do.

Between two answers nothing runs and nothing is held: whatever server is asked next repeats the batch from the stored
answers, under the library's learning lease, and comes to the next step, or to the commit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from explib.errors import AnswerPending, Conflict, ModelAnswerInvalid, UnknownAnalysis
from explib.ids import new_id
from explib.models.learning import AnalysisStep, ModelCall
from explib.models.libraries import Library
from explib.retrieval.embedding import Embedder
from explib.storage.store import Store
from explib.text.redaction import redacted
from explib_learner.agent.open_batch import OpenBatch
from explib_learner.agent.stored_answers import AgentChat
from explib_learner.heartbeat import heartbeat
from explib_learner.model.analyst import FORMS, Prompts, agent_analyst
from explib_learner.model.answers import parsed
from explib_learner.model.asker import ModelSettings
from explib_learner.model.chat import ChatRequest
from explib_learner.pipeline import Pipeline, Run
from explib_learner.worker import lease_name, worker_name

BATCH_GROUPS = 4
"""Groups of one batch: an agent reads them one by one, and what it learned is served after each batch."""
STEP_SECONDS = 300.0
"""How long a step that was handed out is kept for who has it."""
PATIENCE_SECONDS = 10.0
"""How long a call waits for another server that is at the same library."""
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class NextStep:
    """What `next` answers: a step to be answered, or why there is none."""

    step: AnalysisStep | None
    remaining: int
    """Steps of this batch that wait for an answer, as far as is known; the one handed out included."""
    runs: tuple[Run, ...] = ()
    """What was learned meanwhile from answers that were there."""
    retry_after: float | None = None
    """Without a step: seconds until one that is being answered comes back. None: nothing waits for an answer."""


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """What became of an answer."""

    accepted: bool
    problem: str | None
    """What is wrong with the answer, for who gave it."""
    repair_step: AnalysisStep | None
    """The step by which the answer can be given once more, corrected."""
    remaining: int
    run: Run | None = None
    """What was learned, where this was the last answer that was needed."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """One way through the batch: what it learned, or None where it waits for answers or for another server."""

    run: Run | None
    stopped: bool = False
    """Another server is at the library."""


class AgentLearning:
    """Learning by attached agents, in any number of servers on one database."""

    def __init__(
        self,
        store: Store,
        settings: Callable[[Library], ModelSettings],
        lease_seconds: float,
        embedder: Embedder | None,
    ) -> None:
        """`settings` say how big a step may be, and name the library in each request: answers are not shared."""
        self._store = store
        self._settings = settings
        self._lease_seconds = lease_seconds
        self._embedder = embedder
        self._prompts = Prompts.load()

    async def next(self, library: Library, who: str) -> NextStep:
        """The next step, from now on kept for `who`; learning goes on as far as the stored answers do."""
        runs: list[Run] = []
        patience = time.monotonic() + PATIENCE_SECONDS
        while True:
            if await self._current(library):
                step = await self._store.steps.take(library, who, STEP_SECONDS)
                waiting = await self._store.steps.leases(library)
                if step is not None or waiting:
                    return NextStep(step, len(waiting), tuple(runs), None if step else min(waiting))
            gone = await self._advance(library)
            if gone.run is not None:
                if gone.run.idle:
                    return NextStep(None, 0, tuple(runs))
                runs.append(gone.run)
            elif gone.stopped and time.monotonic() > patience:
                return NextStep(None, 0, tuple(runs), retry_after=_POLL_SECONDS)
            elif gone.stopped:
                await asyncio.sleep(_POLL_SECONDS)

    async def reissue(self, library: Library, step: AnalysisStep, who: str) -> NextStep:
        """A step that was handed out, once more. Raises UnknownAnalysis where it was answered meanwhile."""
        kept = await self._store.steps.keep(library, step.id, who, STEP_SECONDS)
        if kept is None:
            raise UnknownAnalysis
        return NextStep(kept, await self._left(library))

    async def answer(self, library: Library, step: AnalysisStep, text: str, who: str) -> AnswerResult:
        """Keep an answer and go on as far as it leads. Raises UnknownAnalysis where the step is gone."""
        text = redacted(text)
        call = ModelCall(step.request_hash, step.step, step.prompt_hash, who, text, 0, 0, self._store.clock())
        if step.answered_by is None:
            step = await self._store.steps.answer(library, step, call)
        kept = await self._store.model_calls.find(step.request_hash)
        if kept is not None and kept.response != text:
            return AnswerResult(
                False, f"{step.answered_by} had answered this step before", None, await self._left(library)
            )
        problem = _problem(step, text)
        run = None
        if problem or not await self._left(library):
            run = (await self._advance(library)).run
        repair_step = await self._repair_of(library, step, who)
        if repair_step is not None:
            problem = repair_step.messages[-1][1]
        return AnswerResult(problem is None, problem, repair_step, await self._left(library), run)

    async def _left(self, library: Library) -> int:
        return len(await self._store.steps.leases(library))

    async def _current(self, library: Library) -> bool:
        """Whether the steps of the open batch are still what has to be asked."""
        batch = await self._store.steps.batch(library)
        return batch is not None and len(await OpenBatch(self._store).left(library, batch)) == len(batch.groups)

    async def _repair_of(self, library: Library, step: AnalysisStep, who: str) -> AnalysisStep | None:
        """The repair of this step, handed to who gave the answer that needs it."""
        length = len(step.messages)
        for each in await self._store.steps.all(library):
            if each.answered_by is None and each.messages[:length] == step.messages != each.messages:
                return await self._store.steps.keep(library, each.id, who, STEP_SECONDS)
        return None

    async def _advance(self, library: Library) -> _Pass:
        """The open batch, or a new one, as far as its answers go."""
        lease = await self._store.leases.acquire(lease_name(library), worker_name(), self._lease_seconds)
        if lease is None:
            return _Pass(None, stopped=True)
        asked = {step.request_hash for step in await self._store.steps.all(library)}
        chat = AgentChat(self._store.model_calls, asked)
        analyst = agent_analyst(chat, self._settings(library), self._prompts, BATCH_GROUPS)
        pipeline = Pipeline(self._store, analyst, self._embedder, OpenBatch(self._store))
        try:
            async with heartbeat(self._store, lease, self._lease_seconds):
                try:
                    return _Pass(await pipeline.run(library, lease))
                except AnswerPending:
                    await self._store.steps.ask(library, lease, [_step(each) for each in chat.wanted.values()])
                    return _Pass(None)
        except Conflict:
            return _Pass(None, stopped=True)
        finally:
            await self._store.leases.release(lease)


def _step(request: ChatRequest) -> AnalysisStep:
    return AnalysisStep(
        id=new_id("c"),
        step=request.step,
        form=request.schema_name,
        request_hash=request.hash,
        prompt_hash=request.prompt_hash,
        messages=tuple((message.role, message.text) for message in request.messages),
        schema=request.schema,
    )


def _problem(step: AnalysisStep, text: str) -> str | None:
    try:
        parsed(text, FORMS[step.form])
    except ModelAnswerInvalid as error:
        return str(error)
    return None
