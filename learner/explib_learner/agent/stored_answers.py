"""Answers of attached agents in place of a model's: what is stored is answered, what is not is put on a list."""

from __future__ import annotations

from collections.abc import Collection

from explib.errors import AnswerPending
from explib.models.learning import Cost
from explib_learner.model.chat import ChatRequest
from explib_learner.model.recorded import Answered, CallRecords

CONCURRENCY = 8
"""Requests that are looked up at the same time."""


class AgentChat:
    """The requests of one pass over a batch; implements `Chat`.

    An answer that was given for this batch is new in the sense of `model.asker`, however often the pass is
    repeated: where it and its repair can't be used the try has failed, as it would have with a model.
    """

    def __init__(self, records: CallRecords, asked: Collection[str]) -> None:
        """`asked` are the hashes of the requests that were put to agents for this batch."""
        self.concurrency = CONCURRENCY
        self.wanted: dict[str, ChatRequest] = {}
        """What nobody has answered yet, by the request's hash."""
        self._records = records
        self._asked = asked
        self._speakers: set[str] = set()

    @property
    def speaker(self) -> str | None:
        """Who gave the answers."""
        return ", ".join(sorted(self._speakers)) or None

    async def stored(self, request: ChatRequest) -> Answered | None:
        """The stored answer, or None."""
        call = await self._records.find(request.hash)
        if call is None:
            return None
        self._speakers.add(call.model)
        new = request.hash in self._asked
        return Answered(call.response, Cost(calls=1) if new else Cost(), recorded=not new)

    async def ask(self, request: ChatRequest) -> Answered:
        """The stored answer. Raises AnswerPending, having noted the request, where there is none."""
        answered = await self.stored(request)
        if answered is None:
            self.wanted[request.hash] = request
            raise AnswerPending
        return answered
