"""No regular expression of ours takes exponential time; what reads lessons and attempts takes about linear time.

Each is given short pieces again and again, with something behind that does not match. The limit is in processor seconds
of this process, many times what any of it takes; an exponential pattern would take years.
"""

from __future__ import annotations

import pkgutil
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module

import pytest

import explib
import explib_learner
import explib_server
from explib_learner.checks.clauses import clauses
from explib_learner.checks.injection import injection_in
from explib_learner.checks.leaks import leaked
from explib_learner.checks.lexicon import lexicon
from explib_learner.checks.names import names_in
from explib_learner.checks.private_values import private_value

SECONDS = 10.0
LESSON = 2_000
"""Characters that a lesson may have at most."""
SHORT = 300
"""Characters for every pattern: an exponential one shows, a quadratic one may be for short texts."""
LETTERS = ["a", "A", "aA", "Aa", "AAa", "A ", "a b ", "1", "a1", "1.", "é", "中", "İ", " ", "\n", "\t ", ", ", "- "]
MARKS = ["-", "a-", "_", "a_", "a.", ".", "/", "a/", ":", "a: ", "a=", "=", '"', '"a" ', "'", "`", "``", "@", "a@", "#"]
TAGS = ["<", "<a ", "</", "< ", "[", "]", "(", "{", "{{", "${a:", "|", "&", "\\", "\\x41", "%41", "\\n", "--", "-a "]
WORDS = ["if ", "or ", "user ", "not that ", "drop ", "send .. ", "name ", "key", "e1. ", "password", "0x41 ", "error "]
PIECES = [*LETTERS, *MARKS, *TAGS, *WORDS]


@contextmanager
def limited(what: str) -> Iterator[None]:
    """Fails what takes longer; a pattern at work looks for signals now and then."""

    def stop(_signal: int, _frame: object) -> None:
        pytest.fail(f"it takes more than {SECONDS:.0f} s of processor time: {what}")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@cache
def patterns() -> dict[tuple[str, int], re.Pattern[str]]:
    """Every pattern that a module of ours holds, also inside tuples, mappings and rules."""
    found = {(each.pattern, each.flags): each for each in held(lexicon(), 4)}
    for package in (explib, explib_learner, explib_server):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations" not in module.name and not module.name.endswith("__main__"):
                values = list(vars(import_module(module.name)).values())
                found |= {(each.pattern, each.flags): each for each in held(values, 4)}
    return found


def held(value: object, depth: int) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value
    elif depth and isinstance(value, dict | tuple | list | set | frozenset):
        for each in value.values() if isinstance(value, dict) else value:
            yield from held(each, depth - 1)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from held(getattr(value, each.name, None), depth - 1)


@pytest.mark.parametrize("piece", PIECES)
def test_no_pattern_is_exponential(piece: str) -> None:
    text = piece * (SHORT // len(piece)) + "\0"
    with limited(repr(piece)):
        for pattern in patterns().values():
            pattern.match(text)
            pattern.fullmatch(text)
            pattern.search(text)


CHECKS: list[Callable[[str], object]] = [
    clauses,
    injection_in,
    names_in,
    lambda lesson: leaked(lesson, [lesson * 50], []),
    lambda lesson: private_value(f"{lesson} A B", {"g1": [lesson * 50]}, []),
]


@pytest.mark.parametrize("piece", PIECES)
def test_the_checks_of_a_lesson_take_no_longer_for_hostile_text(piece: str) -> None:
    with limited(repr(piece)):
        for check in CHECKS:
            check(f"When so, {piece * (LESSON // len(piece))}x")
