"""Rewards as logs write them: numbers, words, letters, booleans, lists and maps of scores, and thresholds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from explib.errors import InvalidInput
from explib.models.trajectories import COMPARISONS
from explib.trajectories.values import loads
from explib_server.importers.paths import lookup

DEFAULT_FIELDS = (
    "reward", "score", "scores", "reward_info", "success", "passed", "correct", "resolved", "pass",
    "is_correct", "is_resolved",
)  # fmt: skip
"""Where a reward is looked for when no option names its field; the first that has a value."""

_GOOD = "pass passed correct resolved success succeeded successful true yes y c win won solved accepted good ok t"
_BAD = "fail failed incorrect unresolved failure false no n i loss lost wrong unsolved rejected bad error f noanswer"
_WORDS = {
    **dict.fromkeys(_GOOD.split(), 1.0),
    **dict.fromkeys(_BAD.split(), 0.0),
    **dict.fromkeys(("p", "partial", "partially correct"), 0.5),
}
_NOTHING = ("", "n/a", "na", "nan", "none", "null", "-", "unscored", "ungraded")
"""What tables write where there is no reward."""
_VALUES = ("value", "score", "reward", "stringValue", "avg", "passed", "pass", "success", "resolved")


@dataclass(frozen=True, slots=True)
class PassIf:
    """A condition that makes a reward 1 or 0."""

    sign: str
    limit: float

    def __call__(self, reward: float) -> float:
        """1 where the reward meets the condition, else 0."""
        return float(COMPARISONS[self.sign](reward, self.limit))


def pass_if(condition: str, option: str = "--pass-if") -> PassIf:
    """A condition as it is typed: `>=0.5`, `>0`, `==1`. Raises InvalidInput."""
    matched = re.fullmatch(r"\s*(>=|<=|==|!=|>|<|=)?\s*(-?[\d.]+(?:e-?\d+)?)\s*", condition)
    try:
        if matched is not None:
            return PassIf({None: ">=", "=": "=="}.get(matched[1], matched[1]), float(matched[2]))
    except ValueError:
        pass
    raise InvalidInput(f"{option} {condition!r} is no condition: write for example '>=0.5', '>0' or '==1'.")


def find_reward(document: Mapping[str, object], field: str | None) -> float | None:
    """The reward at the named field, else at the first usual one. Raises InvalidInput, naming the option that helps."""
    if field is not None:
        return reward_of(lookup(document, field), field)
    for usual in DEFAULT_FIELDS:
        if document.get(usual) not in (None, ""):
            return reward_of(document[usual], usual)
    return None


def reward_of(value: object, field: str) -> float | None:
    """A reward as a number, None where there is none.

    Raises InvalidInput, saying what was seen and what to do, for a value that is no reward or one of several.
    """
    if isinstance(value, str):
        return _of_words(value, field)
    if value is None or isinstance(value, bool | int | float):
        return _number(value, field)
    if isinstance(value, list):
        if len(value) > 1:
            named = all(isinstance(item, Mapping) and "name" in item for item in value)
            names = [str(item["name"] if named else at) for at, item in enumerate(value)]
            raise _several(field, names, "{field}[name={name}]" if named else "{field}[{name}]")
        return reward_of(value[0], field) if value else None
    if isinstance(value, Mapping):
        return _of_map(value, field)
    raise _unreadable(value, field)


def _of_map(value: Mapping[str, object], field: str) -> float | None:
    for name in _VALUES:
        if value.get(name) is not None and not (name in ("value", "score") and len(value) > 1 and _scores(value, name)):
            return reward_of(value[name], f"{field}.{name}")
    if len(value) == 1:
        return reward_of(next(iter(value.values())), field)
    if value:
        raise _several(field, [str(name) for name in value], "{field}.{name}")
    return None


def _scores(value: Mapping[str, object], name: str) -> bool:
    """Tell a map of scorers, one of which happens to be called like a value, from one score."""
    return isinstance(value[name], Mapping)


def _of_words(value: str, field: str) -> float | None:
    words = value.strip()
    if words.lower() in _NOTHING:
        return None
    if words.lower() in _WORDS:
        return _WORDS[words.lower()]
    if words[:1] in ("{", "["):
        parsed = loads(words)
        if parsed is not None:
            return reward_of(parsed, field)
    part, _, whole = words.removesuffix("%").partition("/")  # 7/10, 70%
    try:
        return _number(float(part) / float(whole or (100 if words.endswith("%") else 1)), field)
    except (ValueError, ZeroDivisionError):
        raise _unreadable(value, field) from None


def _number(value: bool | float | None, field: str) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise _unreadable(value, field)
    return None if math.isnan(number) else number  # how tables write that there is none


def _unreadable(value: object, field: str) -> InvalidInput:
    return InvalidInput(
        f"{field} is {str(value)[:40]!r}, which is no reward: a number, a boolean or a word such as pass or fail. "
        "Name another field with --reward-field, or leave the reward out."
    )


def _several(field: str, names: list[str], form: str) -> InvalidInput:
    option = form.format(field=field, name=names[0][:60])
    listed = ", ".join(name[:60] for name in names[:8])
    return InvalidInput(f"{field} holds several values ({listed}): name one of them, as in --reward-field '{option}'.")
