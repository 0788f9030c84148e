"""Words by which a lesson's advice is sorted, in fifteen languages: acts, negations, what is harmless, what is not."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import cast

_ACCENTS = re.compile("[\u0300-\u036f]")
_GAP = r"[^.;!?。]{0,40}?"
_INSIDE = r"\w\u0900-\u0dff"
"""Characters inside a word, among them the vowel signs of Indic scripts, which are no letters to Python."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_UNSPACED = re.compile("[\u0e00-\u0fff\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The lists of lexicon.toml as patterns over `plain_words` texts."""

    acts: Mapping[str, re.Pattern[str]]
    """By kind of act: delete, pay, share, run, bypass, rights, teach, conceal."""
    plain_objects: re.Pattern[str]
    secrets: re.Pattern[str]
    harmless_start: re.Pattern[str]
    harmless_anywhere: re.Pattern[str]
    hiding: re.Pattern[str]
    negated_before: re.Pattern[str]
    negated_behind: re.Pattern[str]
    negation_cancelled: re.Pattern[str]
    protective: re.Pattern[str]
    flags: re.Pattern[str]
    orders: re.Pattern[str]
    authority: re.Pattern[str]
    small_words: frozenset[str]
    """Words that say nothing of what is done."""


def plain_words(text: str) -> str:
    """A text as the lists are written: compatibility forms, small letters, no accents, straight apostrophes."""
    folded = unicodedata.normalize("NFKD", text.replace("’", "'")).casefold()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", folded))


def words_of_name(name: str) -> str:
    """The words of a tool's or an argument's name: `deleteFile` and `delete_file` are `delete file`."""
    return _CAMEL.sub(" ", name).replace("_", " ").replace("-", " ").replace(".", " ")


@cache
def lexicon() -> Lexicon:
    """The lists, read once."""
    lists = tomllib.loads(files(__package__).joinpath("lexicon.toml").read_text(encoding="utf-8"))

    def words(part: str, name: str) -> re.Pattern[str]:
        return _pattern(cast("list[str]", lists[part][name]))

    return Lexicon(
        acts={kind: words("acts", kind) for kind in lists["acts"]},
        plain_objects=words("plain", "objects"),
        secrets=words("plain", "secrets"),
        harmless_start=words("harmless", "start"),
        harmless_anywhere=words("harmless", "anywhere"),
        hiding=words("harmless", "hiding"),
        negated_before=words("negation", "before"),
        negated_behind=words("negation", "behind"),
        negation_cancelled=words("negation", "cancelled"),
        protective=words("negation", "protective"),
        flags=words("flags", "words"),
        orders=words("orders", "instructions"),
        authority=words("orders", "authority"),
        small_words=frozenset(map(plain_words, cast("list[str]", lists["small"]["words"]))),
    )


def _pattern(entries: Iterable[str]) -> re.Pattern[str]:
    """One pattern for a list, longest entries first."""
    ordered = sorted(dict.fromkeys(map(plain_words, entries)), key=len, reverse=True)
    return re.compile("|".join(map(_entry, ordered)))


def _entry(entry: str) -> str:
    body = _GAP.join(map(_phrase, entry.split(" .. ")))
    if _UNSPACED.search(entry):
        return body
    end = "" if entry.endswith("*") else rf"(?![{_INSIDE}-])" if entry[-1].isalnum() else rf"(?![{_INSIDE}])"
    return rf"(?<![{_INSIDE}-])(?:{body}){end}"


def _phrase(phrase: str) -> str:
    words = (re.escape(word.removesuffix("*")) + (r"\w*" if word.endswith("*") else "") for word in phrase.split())
    return r"\s+".join(words)
