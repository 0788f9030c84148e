"""Reading advice: lines of free text to rules about tools.

Each line is cut into sentences, each sentence into a condition ("When you call ship_order,") and what is advised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from explib_server.demo.mentions import TOOL, canonical, tools_in, topics_in
from explib_server.demo.phrases import NOT, PHRASES, WORDS
from explib_server.demo.rules import Rule

_FAILS = (
    r"\b(?:errors?|fail(?:s|ed|ure|ing)?|reject\w*|refus\w*|denied|locked|unsuccessful|409|"
    r"(?:is|was) not (?:accepted|cancelled)|does not (?:work|succeed))\b"
)
_LABEL = re.compile(r"^\s*(?:[-*•]\s*|\d+[.)]\s+)?(?:\[[^\]]*\][.:]?\s*)?")
_CONDITION = re.compile(
    r"^((?:when|whenever|if|for|in|while|on|upon|once|as soon as|after|following|where)\b[^,:]*)[,:] (.*)$"
)
_TRAILING_ERROR = re.compile(rf"^(.*?),? ((?:when|whenever|if|after|once|on|upon|following)\b[^,]*{_FAILS}[^,]*)$")
_REASON = re.compile(r"[,;]? \b(?:otherwise|because|since|or else|so that|as it|as the|which|even though)\b.*")
_REFERENCE = re.compile(
    r"\b(before|after|with|to|of|calling|call|use|using|make|repeat|retry) (?:it|this|that|that tool|doing so)\b"
)


@dataclass(frozen=True, slots=True)
class _Condition:
    """What a sentence is about."""

    tools: tuple[str, ...] = ()
    topics: frozenset[str] = frozenset()
    failed: bool = False
    """What is advised is for when one of the tools returned an error."""
    done: bool = False
    """What is advised comes after the tools."""
    always: bool = False
    """It holds for every task; its tool is only what "it" stands for."""


@lru_cache(maxsize=256)
def read_advice(text: str) -> tuple[Rule, ...]:
    """The rules that are recognised in an advice text; anything else in it is passed over."""
    found: dict[Rule, None] = {}
    for line in text.splitlines():
        found.update(dict.fromkeys(_read_line(canonical(_LABEL.sub("", line)))))
    return tuple(found)


def _read_line(line: str) -> Iterator[Rule]:
    condition = _Condition()
    for sentence in re.split(r"[.;!](?:\s+|$)", line):
        plain = sentence
        opening = _CONDITION.match(plain)
        if opening is not None:
            condition, plain = _condition(opening[1]), opening[2]
        trailing = _TRAILING_ERROR.match(plain)
        if trailing is not None and "silent" not in trailing[2]:
            condition, plain = _condition(trailing[2]), trailing[1]
        plain = _resolve(_REASON.sub("", plain), condition)
        rules = _after_error(plain, condition) if condition.failed else _in_order(plain, condition)
        for rule in rules:
            yield rule if condition.always else _limited(rule, condition)


def _condition(text: str) -> _Condition:
    tools = tools_in(text)
    failed = re.search(_FAILS, text) is not None and "silent" not in text
    done = re.search(r"^(?:after|once|as soon as|following)\b|\bhave called\b", text) is not None
    return _Condition(tools, frozenset() if tools else topics_in(text), failed, done, always=" available" in text)


def _limited(rule: Rule, condition: _Condition) -> Rule:
    return replace(rule, when_tools=frozenset(condition.tools), when_topics=condition.topics)


def _resolve(strategy: str, condition: _Condition) -> str:
    if not condition.tools:
        return strategy
    return _REFERENCE.sub(lambda found: f"{found[1]} {condition.tools[-1]}", strategy)


def _after_error(strategy: str, condition: _Condition) -> Iterator[Rule]:
    failed = condition.tools[-1] if condition.tools else ""
    others = [tool for tool in tools_in(strategy) if tool != failed]
    forbidden = re.search(rf"{NOT} {WORDS}{TOOL}", strategy) is not None
    if others:
        yield from (Rule("not_recover" if forbidden else "recover", tool, failed) for tool in others)
    elif re.search(r"\bother arguments\b", strategy):
        return
    elif re.search(r"\b(?:retry\w*|again|repeat\w*)\b", strategy):
        yield Rule("no_retry" if re.search(NOT, strategy) else "retry", other=failed)
    elif re.search(r"\b(?:give up|stop|no other|finish|move on)\b", strategy):
        yield Rule("give_up", other=failed)
    elif re.search(r"\banother\b", strategy):
        yield Rule("go_on", other=failed)


def _in_order(strategy: str, condition: _Condition) -> Iterator[Rule]:
    rest, argued = strategy, False
    for pattern, build in PHRASES:
        found = pattern.search(rest)
        while found is not None:
            for rule in build(found):
                argued = argued or bool(rule.argument)
                yield _anchored(rule, condition)
            rest = f"{rest[: found.start()]} ; {rest[found.end() :]}"
            found = pattern.search(rest)
    for tool in () if argued else tools_in(rest):
        if condition.always or tool not in condition.tools:
            yield _anchored(Rule("after" if condition.done else "call", tool), condition)


def _anchored(rule: Rule, condition: _Condition) -> Rule:
    """Sees a rule from the tool that its condition names, e.g. "first" is then before that tool."""
    if condition.always or not condition.tools or rule.other:
        return rule
    anchor = condition.tools[-1]
    if rule.argument:
        return rule if rule.tool else replace(rule, tool=anchor)
    if rule.tool == anchor:
        return rule
    if rule.kind == "first":
        return replace(rule, kind="before", other=anchor)
    return replace(rule, other=anchor) if rule.kind == "after" else rule
