"""What one piece of advice asks of a plan, as a predicate that a plan satisfies, violates or does not touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from explib_server.demo.mentions import topics_in
from explib_server.demo.scripts import Plan, can_call, repertoire
from explib_server.demo.tasks import DeskTask
from explib_server.demo.tools import TOOLS

Kind: TypeAlias = Literal[
    "call", "avoid", "before", "not_before", "after", "not_after", "instead", "first", "not_first", "last", "not_last",
    "pass", "leave_out", "recover", "not_recover", "retry", "no_retry", "repeat", "once", "give_up", "go_on",
]  # fmt: skip
Verdict: TypeAlias = Literal[-1, 0, 1]
"""1: the plan does as advised. -1: it does not. 0: the advice has nothing to say to it."""


_NEEDS_A_CALL: frozenset[Kind] = frozenset({"call", "first", "last", "before", "after", "recover"})
_ABOUT_ERRORS: frozenset[Kind] = frozenset({"recover", "not_recover", "retry", "no_retry", "give_up", "go_on"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing advised about `tool`, seen from `other` (the tool before or after it, or the one that failed)."""

    kind: Kind
    tool: str = ""
    other: str = ""
    argument: str = ""
    when_tools: frozenset[str] = frozenset()
    """The advice is for tasks that involve one of these; empty: for any."""
    when_topics: frozenset[str] = frozenset()
    """The advice is for tasks about one of these; empty: for any."""

    def concerns(self, task: DeskTask) -> bool:
        """Whether the agent sees the advice as meant for such a task, and can follow it."""
        known = repertoire(task.family)
        if self.when_tools and not self.when_tools & known:
            return False
        if not self.when_tools and self.when_topics and not self.when_topics & topics_in(task.text):
            return False
        if self.kind in _NEEDS_A_CALL and not can_call(self.tool, task):
            return False
        if self.kind in {"call", "first", "last"}:
            aimed = bool(self.when_tools or self.when_topics)
            return aimed or self.tool in known or TOOLS[self.tool].reads_only
        return not self.other or self.kind == "instead" or self.other in known

    def forbids(self, tool: str) -> bool:
        """Whether to leave the tool out is a way to follow this."""
        if self.kind == "instead":
            return tool == self.other
        return tool == self.tool and self.kind in {"avoid", "not_before", "not_after", "not_first", "not_last"}

    def verdict(self, plan: Plan) -> Verdict:
        """How the plan stands to the advice."""
        if self.kind in _ABOUT_ERRORS:
            return _sign(self._recovers(plan))
        if self.kind in {"pass", "leave_out"}:
            return self._argument_verdict(plan)
        if self.kind in {"repeat", "once"}:
            return self._repetition_verdict(plan)
        return self._order_verdict(plan.tools, plan.recovery.tools)

    def _recovers(self, plan: Plan) -> bool:
        recovery = plan.recovery
        match self.kind:
            case "recover":
                return recovery.retry and self.tool in recovery.tools
            case "not_recover":
                return self.tool not in recovery.tools
            case "retry" | "no_retry":
                return (recovery.retry and not recovery.tools) is (self.kind == "retry")
            case _:
                return (recovery.retry or bool(recovery.tools)) is (self.kind == "go_on")

    def _argument_verdict(self, plan: Plan) -> Verdict:
        calls = [call for call in plan.calls if not self.tool or call.tool == self.tool]
        taking = [call for call in calls if self.argument in TOOLS[call.tool].optional]
        if not taking:
            return 0
        passed = all(self.argument in call.arguments for call in taking)
        return _sign(passed is (self.kind == "pass"))

    def _repetition_verdict(self, plan: Plan) -> Verdict:
        changes = [tool for tool in plan.tools if not TOOLS[tool].reads_only]
        # A call that matters is the one that may come back as an error, and then be made again.
        twice = plan.tools.count(self.tool) > 1 or (changes[:1] == [self.tool] and plan.recovery.retry)
        return _sign(twice is (self.kind == "repeat")) if self.tool in plan.tools else 0

    def _order_verdict(self, tools: tuple[str, ...], recovery: tuple[str, ...]) -> Verdict:
        tool, other = self.tool, self.other
        match self.kind:
            case "call":
                return _sign(tool in tools or tool in recovery)
            case "avoid":
                return _sign(tool not in tools)
            case "instead":
                return -1 if other in tools else _sign(True) if tool in tools else 0
            case "first" | "not_first":
                return _sign((tools[:1] == (tool,)) is (self.kind == "first"))
            case "last" | "not_last":
                return _sign((tools[-1:] == (tool,)) is (self.kind == "last"))
        if other not in tools:
            return 0
        at = tools.index(other)
        if self.kind in {"before", "not_before"}:
            return _sign((tool in tools[:at]) is (self.kind == "before"))
        return _sign((tool in tools[at + 1 :]) is (self.kind == "after"))


def _sign(satisfied: bool) -> Verdict:
    return 1 if satisfied else -1
