"""One attempt while it is played: what was chosen, and the steps that show it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from explib.models.json_value import Json
from explib.models.trajectories import Attempt, Step, ToolCall
from learning.choices import Choice

REMARKS = ("Let me look.", "Next step.", "Good.", "I'll go on.", "Now the next part.")
HICCUPS = ("Error: request timed out after 30 s", "Error: connection reset by peer", "Error: 503 Service Unavailable")


@dataclass(frozen=True, slots=True)
class Conditions:
    """Noise and chance under which attempts are played."""

    noise: float = 0.05
    """Standard deviation of the reward about the share of checks that were met."""
    slips: float = 0.04
    """Share of attempts that lose .3 of the reward for no reason that shows."""
    flaky: float = 0.02
    """Share of calls that fail once for a reason of the environment, and work when repeated."""
    talk: float = 0.0
    """Probability that a person corrects what was done against a convention, in worlds where persons do."""
    by_lot: bool = False
    """Commands fail by chance and nobody corrects: a control in which there is nothing to learn."""


@dataclass(frozen=True, slots=True)
class Task:
    """One request. The text is all that an agent is given."""

    key: str
    family: str
    text: str
    meets: frozenset[str]
    """Ids of the conventions whose situation arises for an agent that does all right."""


@dataclass(frozen=True, slots=True)
class Played:
    """A finished attempt with the world's own record of it."""

    attempt: Attempt
    """The attempt as a learner sees it."""
    choices: Mapping[str, str]
    """Id of each choice that was met → name of the option that was taken (first)."""
    share: float
    """Weighted share of the met conventions that were kept, 0 to 1: the reward before noise."""
    reward: float
    """`share` with noise, 0 to 1."""
    passed: bool
    cured: frozenset[str] = frozenset()
    """Conventions that were broken by a command that failed and kept by the changed one that then worked."""
    told: frozenset[str] = frozenset()
    """Conventions that a person named in a later turn."""


class Play:
    """An attempt in progress: worlds' scripts ask it what the agent chooses and write its steps through it."""

    def __init__(
        self,
        choices: Mapping[str, Choice],
        taken: Mapping[str, str],
        key: str,
        seed: str,
        conditions: Conditions,
        *,
        as_lines: bool = False,
    ) -> None:
        self.facts = Random(key)
        """Facts of the task are drawn from it, all at the start of a script: the same in each attempt."""
        self.dice = Random(f"{key}/{seed}")
        """All else that varies without a meaning is drawn from it."""
        self.conditions = conditions
        self.steps: list[Step] = []
        self.met: dict[str, str] = {}
        self.cured: set[str] = set()
        self.told: set[str] = set()
        self._choices = choices
        self._taken = taken
        self._as_lines = as_lines
        self._calls = 0

    def takes(self, choice_id: str) -> str:
        """The option that the agent takes; the choice counts as met from here on."""
        choice = self._choices[choice_id]
        option = self._taken.get(choice_id, choice.right or choice.options[0].name)
        self.met.setdefault(choice_id, choice.option(option).name)
        return option

    def right(self, choice_id: str) -> bool:
        """True where the agent takes the right option."""
        return self.takes(choice_id) == self._choices[choice_id].right

    def user(self, text: str) -> None:
        """A person's turn; the first one is the task."""
        self.steps.append(Step("user", text))

    def say(self, text: str) -> None:
        """The agent's words without a call."""
        self.steps.append(Step("assistant", text))

    def call(self, tool: str, arguments: dict[str, Json], answer: Json, *, error: bool = False) -> None:
        """A call and its answer; now and then the environment fails first and the call is repeated."""
        if self.dice.random() < self.conditions.flaky:
            self._step(tool, arguments, self.dice.choice(HICCUPS), error=True)
        text = answer if isinstance(answer, str) else self._written(answer)
        self._step(tool, arguments, text, error=error)

    def _written(self, answer: Json) -> str:
        """An answer as JSON, or as lines of `name: value` with an empty line between objects."""
        if not self._as_lines:
            return json.dumps(answer, ensure_ascii=False)
        objects = answer if isinstance(answer, list) else [answer]
        return "\n\n".join(
            "\n".join(f"{name}: {value}" for name, value in each.items()) for each in objects if isinstance(each, dict)
        )

    def _step(self, tool: str, arguments: dict[str, Json], answer: str, *, error: bool) -> None:
        self._calls += 1
        call_id = f"call_{self._calls}"
        remark = self.dice.choice(REMARKS) if self.dice.random() < 0.15 else ""
        self.steps.append(Step("assistant", remark, (ToolCall(call_id, tool, dict(arguments)),)))
        self.steps.append(Step("tool", answer, answers_call=call_id, is_error=error))
