"""What the tests of the `model` analyst start from: attempts, groups, batches, and records in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from learner.scripted_endpoint import Reply, Script, ScriptedEndpoint, answers, endpoint

from explib.models.decisions import Code, CodebookEntry
from explib.models.experiences import Experience, Support
from explib.models.groups import Group, GroupAttempts
from explib.models.json_value import Json
from explib.models.learning import ModelCall, Reserved
from explib.models.libraries import Library, LibrarySettings
from explib.models.trajectories import Attempt, Step, Trajectory
from explib_learner.analyst import Batch
from explib_learner.model.analyst import ModelParts
from explib_learner.model.asker import ModelSettings
from explib_learner.model.openai_chat import OpenAIChat
from explib_learner.model.recorded import RecordedChat

TASK = "Cancel the reservation of a customer who asks for it."


class MemoryRecords:
    """Call records without a database."""

    def __init__(self) -> None:
        self.calls: dict[str, ModelCall] = {}
        self.reserved: dict[str, int] = {}

    async def find(self, request_hash: str) -> ModelCall | None:
        return self.calls.get(request_hash)

    async def save(self, call: ModelCall, reservation: str | None = None) -> None:
        self.calls[call.request_hash] = call
        self.reserved.pop(reservation or "", None)

    async def reserve(self, tokens: int, budget: int, since: float) -> Reserved:
        recent = [call for call in self.calls.values() if call.created_at >= since]
        taken = sum(call.prompt_tokens + call.completion_tokens for call in recent) + sum(self.reserved.values())
        if taken + tokens > budget:
            return Reserved(None, taken)
        name = f"c{len(self.calls)}-{len(self.reserved)}"
        self.reserved[name] = tokens
        return Reserved(name, taken)

    async def release(self, reservation: str) -> None:
        self.reserved.pop(reservation, None)


def attempt(
    name: str,
    reward: float,
    *said: str,
    group: str = "g1",
    answer: str | None = None,
    system: str = "",
    at: float = 0.0,
) -> Attempt:
    """An attempt: the task, then the assistant's words."""
    steps = [Step("system", system)] if system else []
    steps += [Step("user", TASK), *(Step("assistant", text) for text in said)]
    trajectory = Trajectory(name, group, TASK, reward, answer=answer, created_at=at)
    return Attempt(trajectory, tuple(steps))


def graded(*attempts: Attempt, tries: int = 0) -> GroupAttempts:
    """The group of these attempts."""
    name = attempts[0].trajectory.group_id
    group = Group(name, name, TASK, "ready", "", len(attempts), len(attempts), 1, tries=tries)
    return GroupAttempts(group, attempts)


def winner_and_loser(group: str = "g1", tries: int = 0) -> GroupAttempts:
    """One attempt that checked first and won, one that did not and lost."""
    return graded(
        attempt(f"{group}-won", 1.0, "I check the fare rules first.", "Cancelled.", group=group),
        attempt(f"{group}-lost", 0.0, f"I cancel {group} at once.", "Refused.", group=group),
        tries=tries,
    )


def experience(name: str, content: str) -> Experience:
    """An active experience."""
    return Experience(name, content, "active", 1, "model", Support(3, 1, 2), 1, 1)


def batch_of(
    *groups: GroupAttempts,
    experiences: Sequence[Experience] = (),
    settings: LibrarySettings | None = None,
    earlier: Sequence[GroupAttempts] = (),
    codebook: Sequence[CodebookEntry] = (),
    codes: Sequence[Code] = (),
) -> Batch:
    """A batch of these groups."""
    library = Library(1, "default", settings or LibrarySettings(), 0, 0.0)
    history = tuple(attempt for group in (*earlier, *groups) for attempt in group.attempts)
    return Batch(library, tuple(experiences), groups, history, tuple(codebook), tuple(codes))


LESSON = "When a customer wants to cancel, check the fare rules before calling the tool."
NOW = 1_000_000.0


def decision(content: str = LESSON, **fields: Json) -> dict[str, Json]:
    """One decision as a model answers it: A1 checked and won, A2 did not and lost."""
    return {
        "known": None,
        "situation": "a customer wants to cancel",
        "options": [
            {"does": "check the fare rules before calling the tool", "attempts": ["A1"]},
            {"does": "call the tool at once", "attempts": ["A2"]},
        ],
        "better": "a",
        "lesson": content,
        "reason": "the winner checked",
        **fields,
    }


def decisions(*given: dict[str, Json]) -> Reply:
    """An answer of the contrast."""
    return answers({"decisions": list(given)})


@asynccontextmanager
async def parts_on(
    script: Script,
    records: MemoryRecords | None = None,
    budget: int | None = None,
    concurrency: int = 4,
    context: int = 32_000,
) -> AsyncIterator[tuple[ModelParts, ScriptedEndpoint]]:
    async with endpoint(script) as server:
        model = OpenAIChat.connect(server.url, "key", timeout_seconds=20, max_retries=1)
        chat = RecordedChat(model, records or MemoryRecords(), budget, concurrency, lambda: NOW)
        try:
            yield ModelParts(chat, ModelSettings("scripted", context, min(2_000, context // 12))), server
        finally:
            await chat.close()
            await model.close()
