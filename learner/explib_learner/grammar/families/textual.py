"""Features of a text that need no language: length, case, marks, pattern, clock and calendar."""

from __future__ import annotations

import re
from datetime import date, datetime

from explib_learner.grammar.reading import words_of
from explib_learner.grammar.records import Scalar

_LONG = 3000
_PATTERN_LENGTH = 24
_MARKS = ":;#@/()[]{}-_?!*|\"'`%$€,"
_CLOCK = re.compile(r"(?:^|[T ])([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?$")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:$|[T ])")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def features(text: str) -> dict[str, Scalar]:
    """All features of a text by name; of a long one only its beginning is looked at."""
    plain = text[:_LONG]
    words = plain.split()
    found: dict[str, Scalar] = {
        "characters": float(len(text)),
        "words": float(len(words)),
        "lines": float(plain.count("\n") + 1),
        "case": _case(plain),
        "digit": any(sign.isdigit() for sign in plain),
        "starts": _kind(plain[:1]),
        "ends": plain[-1:] if plain[-1:] in ".!?:)" else _kind(plain[-1:]),
    }
    found.update({f"mark {mark}": mark in plain for mark in _MARKS})
    if len(words) > 1:
        found["first word"] = words[0][:20]
        found["last word"] = words[-1][:20]
        found["title"] = all(word[:1].isupper() for word in words if word[:1].isalpha())
    elif len(plain) <= _PATTERN_LENGTH:
        found["pattern"] = pattern(plain)
    found.update(_times(plain))
    return found


def words(text: str) -> frozenset[str]:
    """The words of a text of three words or more, which may be asked for one by one."""
    found = words_of(text[:_LONG])
    return frozenset(found) if len(found) > 2 else frozenset()


def pattern(text: str) -> str:
    """A text with digits written 9 and letters a or A, runs of letters as one: "Ab-12" is "Aa-99"."""
    masked = "".join(
        "9" if sign.isdigit() else "A" if sign.isupper() else "a" if sign.isalpha() else sign for sign in text
    )
    return re.sub(r"A{2,}", "A", re.sub(r"a{2,}", "a", masked))


def moment(text: str) -> datetime | None:
    """A date, or a date with time, in ISO form; None for any other text."""
    if not _ISO.match(text):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def clock_hours(text: str) -> float | None:
    """Hours since midnight of a time of day at the end of a text; None without one."""
    found = _CLOCK.search(text) if len(text) <= 40 else None
    return None if found is None else int(found[1]) + int(found[2]) / 60


def _times(text: str) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    hours = clock_hours(text)
    if hours is not None:
        found["clock"] = hours
        found["minutes"] = float(round(hours * 60) % 60)
    day = moment(text)
    if day is not None:
        found["weekday"] = _DAYS[date.weekday(day)]
        found["weekend"] = date.weekday(day) >= 5
        found["day of the month"] = float(day.day)
    return found


def _case(text: str) -> str:
    if text.isupper():
        return "upper"
    if text.islower():
        return "lower"
    return "mixed" if any(sign.isalpha() for sign in text) else "none"


def _kind(sign: str) -> str:
    if not sign:
        return "nothing"
    if sign.isdigit():
        return "a digit"
    if sign.isalpha():
        return "a capital" if sign.isupper() else "a small letter"
    return "a sign"
