"""An analyst that names, for every group, what a test says: everything else of the learner is real."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from explib.models.decisions import Decision, Option
from explib.models.groups import GroupAttempts
from explib.models.learning import Cost
from explib.models.revisions import Refusal
from explib_learner.analyst import Analyst, Batch, Coding, Failure, NamedDecision, Naming, Wording, Writing

Outcome: TypeAlias = NamedDecision | Failure | Refusal | None


async def nothing(_batch: Batch) -> None:
    """A thought that takes no time."""


@dataclass
class Scripted:
    """Makes of every group what `outcome` says, after `thought`; `seen` are the tasks in the order of their turns."""

    outcome: Callable[[GroupAttempts], Outcome]
    thought: Callable[[Batch], Awaitable[None]] = nothing
    batch_groups: int = 4
    model: str | None = "scripted"
    cost: Cost = Cost(1, 100, 10)
    seen: list[str] = field(default_factory=list)

    async def name(self, batch: Batch) -> Naming:
        self.seen += [each.group.task for each in batch.groups]
        outcomes = [self.outcome(each) for each in batch.groups]
        await self.thought(batch)
        return Naming(
            decisions=tuple(each for each in outcomes if isinstance(each, NamedDecision)),
            refusals=tuple(each for each in outcomes if isinstance(each, Refusal)),
            failures=tuple(each for each in outcomes if isinstance(each, Failure)),
            cost=self.cost,
            note="Thought about it.",
        )

    def codes(self, _decision: Decision) -> bool:
        return False

    async def code(self, _batch: Batch, _missing: Mapping[str, Sequence[Decision]]) -> Coding:
        raise AssertionError("nothing is to be coded")

    async def write(self, _batch: Batch, wordings: Sequence[Wording]) -> Writing:
        return Writing({each.decision.id: f"When {each.decision.situation}, {each.letter}." for each in wordings})

    def analyst(self) -> Analyst:
        return Analyst("contrast", (self,), (self,), self, self.batch_groups, self.model)


def lesson(group: GroupAttempts, content: str | None = None) -> NamedDecision:
    """A lesson of its own for each group: who won did as it says."""
    task = group.group.task
    rewards = {each.trajectory.id: each.trajectory.reward or 0.0 for each in group.attempts}
    mean = sum(rewards.values()) / len(rewards)
    return NamedDecision(
        decision=Decision(
            id="new",
            key=f"scripted {task}",
            source="model",
            situation=f"you are asked to {task}",
            options=(Option("a", "do it well"), Option("b", "do it badly")),
            named_from=(group.group.id,),
        ),
        letters={attempt: "a" if reward > mean else "b" for attempt, reward in rewards.items()},
        lesson=content or f"When asked to {task}, do it well.",
        better="a",
        reason="because",
    )


def failing(reason: str, *, retry: bool = True, counts: bool = True) -> Callable[[GroupAttempts], Failure]:
    return lambda group: Failure(group.group.id, reason, retry, counts)
