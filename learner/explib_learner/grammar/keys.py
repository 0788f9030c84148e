"""Predicates in canonical form: what is measured, which test splits it, under which condition; as text and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, TypeAlias

from explib_learner.grammar.records import Scalar

Names: TypeAlias = tuple[str, ...]
TestKind: TypeAlias = Literal["is", "not", "least", "below"]
_KINDS: dict[str, TestKind] = {"is": "is", "not": "not", "least": "least", "below": "below"}


@dataclass(frozen=True, slots=True)
class Test:
    """A yes-or-no question to a value."""

    __test__ = False

    kind: TestKind
    value: Scalar

    @property
    def opposite(self) -> Test:
        """The test that holds of a value exactly if this one doesn't."""
        return Test(_OPPOSITES[self.kind], self.value)

    def holds(self, value: Scalar) -> bool:
        """Answer it; values of another type than the test's fail `is`, `least` and `below`."""
        if self.kind == "is":
            return same(value, self.value)
        if self.kind == "not":
            return not same(value, self.value)
        if not isinstance(value, float) or not isinstance(self.value, float):
            return False
        return value >= self.value if self.kind == "least" else value < self.value


_OPPOSITES: dict[TestKind, TestKind] = {"is": "not", "not": "is", "least": "below", "below": "least"}
TRUE = Test("is", True)
OPEN = "?"
"""The bound of a test that is not cut yet: no value passes it."""


def same(value: Scalar, other: Scalar) -> bool:
    """Equality that keeps `true` and 1 apart."""
    return isinstance(value, bool) == isinstance(other, bool) and value == other


@dataclass(frozen=True, slots=True)
class Condition:
    """A fact known at a call, or of the whole attempt, that narrows a situation."""

    fact: Names
    test: Test


@dataclass(frozen=True, slots=True)
class Predicate:
    """One binary decision: option a is that the test holds of the measure."""

    family: str
    names: Names
    test: Test
    condition: Condition | None = None

    @property
    def is_open(self) -> bool:
        """Whether a bound is still to be cut: as long as it is, it codes nothing."""
        tests = (self.test, *((self.condition.test,) if self.condition is not None else ()))
        return any(test.kind in ("least", "below") and test.value == OPEN for test in tests)

    @property
    def key(self) -> str:
        """Stable text from which `predicate_of` reads the predicate again."""
        condition = None if self.condition is None else [list(self.condition.fact), _plain(self.condition.test)]
        parts = [self.family, list(self.names), _plain(self.test), condition]
        return canonical(parts)


def canonical(parts: Sequence[object]) -> str:
    """The text of a key: equal parts give equal texts, now and in a library of long ago."""
    return json.dumps(parts, separators=(",", ":"))


def id_of(key: str, source: Literal["g", "p"] = "g") -> str:
    """The id of the decision with a key: the grammar's, or a person's."""
    return f"{source}{sha256(key.encode()).hexdigest()[:12]}"


def predicate_of(key: str) -> Predicate:
    """Read a key. Raises ValueError for a text that no predicate wrote."""
    try:
        family, names, test, condition = json.loads(key)
        narrowed = None if condition is None else Condition(_names(condition[0]), _test(condition[1]))
        return Predicate(str(family), _names(names), _test(test), narrowed)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError(f"{key!r} is no predicate of the grammar: name the decisions again") from error


def _plain(test: Test) -> list[Scalar]:
    return [test.kind, test.value]


def _names(parts: list[str]) -> Names:
    return tuple(str(part) for part in parts)


def _test(parts: list[Scalar]) -> Test:
    kind, value = parts
    plain = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    return Test(_KINDS[str(kind)], plain)
