"""Deep self-evolving reasoning as an Inspect solver, for `--solver deep` and for the tasks of others."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from inspect_ai.model import ChatMessage, ChatMessageUser, ModelOutput, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from explib_learner.prompting.fences import fenced
from explib_learner.prompting.files import load_prompt
from explib_server.practice.depth import Depth, best_of, reason, share_of
from explib_server.practice.rubric import PROMPTS
from explib_server.practice.scorers import stated

AGREEMENT = "explib_agreement"
"""In a sample's store: the share of its chains that end in its answer."""
ENDING = "End with one line: `Answer: ` and the answer alone."
VERIFY = load_prompt("verify", frozenset({"task", "answer"}), PROMPTS)
REFINE = load_prompt("refine", frozenset({"check"}), PROMPTS)
_VERDICT = re.compile(r"verdict\W{1,6}(right|wrong)", re.IGNORECASE)


@solver
def deep_reasoning(chains: int = 3, most: int = 9, rounds: int = 3) -> Solver:
    """Answer as most of several chains do that verify and refine themselves; tools of the task are at hand.

    Args:
        chains: Chains that are begun at a time.
        most: Chains at most, where the first disagree.
        rounds: Times that the chains verify and refine before further ones are begun.
    """
    depth = Depth(chains, most, rounds)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        task = state.user_prompt.text
        state.user_prompt.text = f"{task}\n\n{ENDING}"
        made = await reason(depth, lambda: ModelChain(state, task))
        best = best_of(made)
        state.messages, state.output = best.messages, best.output
        state.store.set(AGREEMENT, share_of(best.vote, made))
        return state

    return solve


@dataclass(slots=True)
class ModelChain:
    """A chain by the model of the task in a conversation of its own; who checks it sees only task and answer."""

    state: TaskState
    task: str
    vote: str = ""
    approved: int = 0
    output: ModelOutput = field(default_factory=ModelOutput)
    messages: list[ChatMessage] = field(default_factory=list)

    async def solve(self) -> None:
        """Give a first answer."""
        self.messages = list(self.state.messages)
        await self._say()

    async def go_on(self) -> None:
        """Verify the answer, and refine it where something is found wrong."""
        task, answer = fenced("task", self.task), fenced("answer", self.output.completion)
        [prompt] = VERIFY.messages(task=task, answer=answer)
        checked = (await get_model().generate(prompt.text)).completion
        verdicts = _VERDICT.findall(checked)
        if verdicts and verdicts[-1].lower() == "right":
            self.approved += 1
            return
        self.approved = 0
        [prompt] = REFINE.messages(check=fenced("check", checked))
        self.messages.append(ChatMessageUser(content=f"{prompt.text}\n\n{ENDING}"))
        await self._say()

    async def _say(self) -> None:
        said, self.output = await get_model().generate_loop(self.messages, tools=self.state.tools)
        self.messages += said
        self.vote = stated(self.output.completion)
