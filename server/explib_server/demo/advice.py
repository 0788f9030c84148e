"""Reading advice: sentences "When <condition>, <strategy>" about the desk's tools become rules that a plan can keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, TypeAlias

from explib.models.json_value import Json
from explib_server.demo.desk import ARGUMENTS, TOOLS

Kind: TypeAlias = Literal["call", "instead", "first", "last", "before", "after", "pass", "recover", "retry", "go on"]
_TOOL = rf"\b(?:{'|'.join(TOOLS)})\b"
_ARGUMENT = rf"\b(?:{'|'.join(ARGUMENTS)})\b"
_NOT = r"\b(?:not|don't|never|avoid|without|instead of|rather than|leave out|omit|no other)\b"
_SENTENCE = re.compile(r"^[\s*•-]*(?:\[\w+\]\.?\s*)?(?:(when|whenever|if|after|before|for|to|in)\b([^,]*),)?(.*)$")
_FAILS = re.compile(r"\b(?:error|fails?|rejected|refused)\b")
_IT = re.compile(r"\bit\b|\bits\b")
_SAYS = re.compile(r"\bthe task (says|does not say) (\w+)")
_INSTEAD = re.compile(rf"({_TOOL}).*?\b(?:instead of|rather than|not|over) (?:\w+ )*?({_TOOL})")
_EITHER = re.compile(rf"\b(?:could|can)\b.*?({_TOOL}).*?\bor\b.*?({_TOOL})")
_ORDER = re.compile(rf"({_TOOL}).*?\b(before|then|after)\b.*?({_TOOL})")


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call that the agent means to make."""

    tool: str
    arguments: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls that the agent means to make, and what it does about an error: other calls, then perhaps the same."""

    calls: tuple[PlannedCall, ...]
    recovery: tuple[str, ...] = ()
    retries: bool = False

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools of the calls, in order; those of the recovery are not among them."""
        return tuple(call.tool for call in self.calls)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is advised about `tool`, or, where `refused`, advised against."""

    kind: Kind
    tool: str = ""
    other: str = ""
    """The tool that it comes before or after, or replaces; of an argument, its name."""
    refused: bool = False
    said: tuple[tuple[str, bool], ...] = ()
    """Words that a task must say (or, False, must not say) for the rule to apply."""

    def applies(self, task: str) -> bool:
        """Whether the rule is about such a task."""
        words = set(re.findall(r"\w+", task.lower()))
        return all((word in words) is says for word, says in self.said)

    def score(self, plan: Plan) -> int:
        """1 where the plan keeps the rule, -1 where it breaks it, 0 where it has nothing to do with it."""
        does = self._does(plan)
        return 0 if does is None else 1 if does is not self.refused else -1

    def _does(self, plan: Plan) -> bool | None:
        tools, tool, other = plan.tools, self.tool, self.other
        match self.kind:
            case "call":
                return tool in tools or tool in plan.recovery
            case "instead":
                return other not in tools if tool in tools or other in tools else None
            case "first":
                return tools[:1] == (tool,)
            case "last":
                return tools[-1:] == (tool,)
            case "before":
                return tool in tools[: tools.index(other)] if other in tools else None
            case "after":
                return tool in tools[tools.index(other) + 1 :] if other in tools else None
            case "pass":
                taking = [call for call in plan.calls if other in TOOLS[call.tool].optional]
                return all(other in call.arguments for call in taking) if taking else None
            case "recover":
                return plan.retries and tool in plan.recovery
            case "retry":
                return plan.retries
            case "go on":
                return plan.retries or bool(plan.recovery)


@lru_cache(maxsize=256)
def read_advice(text: str) -> tuple[Rule, ...]:
    """The rules that are recognised in an advice text; anything else in it is passed over."""
    plain = re.sub(r"\(\)|[`*\"]", "", text.lower())
    sentences = [sentence for line in plain.splitlines() for sentence in re.split(r"[;!]|\.(?=\s|$)(?<!\]\.)", line)]
    return tuple(dict.fromkeys(rule for sentence in sentences for rule in _rules(sentence)))


def _rules(sentence: str) -> Iterator[Rule]:
    matched = _SENTENCE.match(sentence)
    if matched is None:
        return
    opening, condition, strategy = matched[1] or "", matched[2] or "", matched[3]
    said = tuple((word, says == "says") for says, word in _SAYS.findall(condition))
    named = re.findall(_TOOL, condition)
    strategy = _IT.sub(named[-1] if named else "it", strategy)
    yield from (replace(rule, said=said) for rule in _advised(opening, condition, strategy, named))


def _advised(opening: str, condition: str, strategy: str, named: list[str]) -> Iterator[Rule]:
    refused = re.search(_NOT, strategy) is not None
    if _FAILS.search(condition):
        yield from _after_error(strategy, named[-1] if named else "", refused)
    elif either := _EITHER.search(condition):
        chosen = [tool for tool in re.findall(_TOOL, strategy) if tool in either.groups()]
        yield from (Rule("instead", tool, either[2 if tool == either[1] else 1], refused) for tool in chosen[:1])
    elif re.search(_ARGUMENT, strategy):
        for argument in re.finditer(_ARGUMENT, strategy):
            yield Rule("pass", other=argument[0], refused=re.search(_NOT, strategy[: argument.start()]) is not None)
    elif replaced := _INSTEAD.search(strategy):
        yield Rule("instead", replaced[1], replaced[2])
    elif ordered := _ORDER.search(strategy):
        yield Rule("after" if ordered[2] == "after" else "before", ordered[1], ordered[3], refused)
    elif "check" not in strategy:
        for tool in re.findall(_TOOL, strategy):
            yield from _about(tool, strategy, opening, named, refused)


def _after_error(strategy: str, failed: str, refused: bool) -> Iterator[Rule]:
    other_tools = [tool for tool in re.findall(_TOOL, strategy) if tool != failed]
    if other_tools:
        yield from (Rule("recover", tool, failed, refused) for tool in other_tools)
    elif "other arguments" in strategy:
        return
    elif re.search(r"\bagain\b|\bretry\b|\brepeat\b", strategy):
        yield Rule("retry", failed, refused=refused)
    elif re.search(r"\bcall\b|\bstop\b", strategy):
        yield Rule("go on", failed, refused=refused or "stop" in strategy)


def _about(tool: str, strategy: str, opening: str, named: list[str], refused: bool) -> Iterator[Rule]:
    subject = next((other for other in reversed(named) if other != tool), "")
    if re.search(r"\blast\b|\b(?:finish|end) (?:by|with)\b", strategy):
        yield Rule("last", tool, refused=refused)
    elif re.search(r"\bfirst\b", strategy):
        yield Rule("before" if subject else "first", tool, subject, refused)
    elif subject and (opening in {"before", "after"} or "afterwards" in strategy):
        yield Rule("before" if opening == "before" else "after", tool, subject, refused)
    elif tool not in named and not re.search(r"\bonce\b|\btwice\b", strategy):
        yield Rule("call", tool, refused=refused)
