"""Counting, cutting and comparing words, in scripts with spaces and in scripts without.

Characters of scripts that are written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan, …) are
called *unspaced* here. Korean is written with spaces and is not among them.

The one rule of length, also for mixed text: a spaced word is one word, an unspaced character is half a word (combining
marks count nothing), rounded up once at the end. A limit of 32 words is so a limit of 64 unspaced characters.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

MAX_TERMS = 256
"""Most terms that one text gives to lexical search."""
LONGEST_WORD = 40
"""Characters. A longer word counts as several, so that no limit is passed by leaving out the spaces."""

_UNSPACED_PER_WORD = 2
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x109F),  # Tibetan, Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19FF),  # Tai Le, New Tai Lue, Khmer symbols
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x1B00, 0x1B7F),  # Balinese
    (0x3005, 0x3007),  # ideographic iteration mark and zero
    (0x3041, 0x312F),  # Hiragana, Katakana, Bopomofo
    (0x31A0, 0x31FF),  # Bopomofo and Katakana extensions
    (0x3400, 0x4DBF),  # CJK extension A
    (0x4E00, 0x9FFF),  # CJK
    (0xA000, 0xA4CF),  # Yi
    (0xA980, 0xA9FF),  # Javanese, Burmese extended B
    (0xAA60, 0xAA7F),  # Burmese extended A
    (0xF900, 0xFAFF),  # CJK compatibility
    (0xFF66, 0xFF9D),  # half-width Katakana
    (0x20000, 0x3FFFF),  # CJK extensions B and on
)
_JOINERS = "\u200c\u200d"
_INSIDE_WORDS = "'’.-_"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ASCII_WORD = re.compile("[a-z0-9]+(?:'[a-z0-9]+)*")
_CHEAP_ASCII = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \n\t\r"

_Kind = Literal["unspaced", "word", "mark", "gap"]


def storable(text: str) -> str:
    """The text with each NUL and lone surrogate, which PostgreSQL and UTF-8 cannot hold, replaced by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub("\ufffd", text)


def lowered(text: str) -> str:
    """In small letters, each in its place: one character has a small form of two."""
    return text.lower() if "İ" not in text else text.replace("İ", "i").lower()


def number_of(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: "1 group", "1,200 groups"; `plural` where it isn't made with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def says_something(text: str) -> bool:
    """Whether a text has at least one character that can be seen."""
    return any(char.isprintable() and not char.isspace() for char in text)


def count_words(text: str) -> int:
    """How many words the text has by the rule of this module.

    Punctuation and blanks alone are no word, but a long text of little else has as many as it would have words.
    """
    words = unspaced = 0
    for run, is_unspaced in _runs(text, _INSIDE_WORDS):
        if is_unspaced:
            unspaced += sum(_kind(char) == "unspaced" for char in run)
        else:
            words += math.ceil(len(run) / LONGEST_WORD)
    return max(words + math.ceil(unspaced / _UNSPACED_PER_WORD), len(text) // (LONGEST_WORD + 1))


def limit_problem(text: str, max_words: int) -> str | None:
    """The sentence that says by how much the text is over its limit and what to do, or None where it is not."""
    words = count_words(text)
    if words <= max_words:
        return None
    if any(is_unspaced for _, is_unspaced in _runs(text, "")):
        return (
            f"The text counts as {words} words where at most {max_words} are allowed (in scripts without spaces two "
            f"characters count as one word, so at most {_UNSPACED_PER_WORD * max_words} characters): shorten it."
        )
    return f"The text has {words} words where at most {max_words} are allowed: shorten it by {words - max_words}."


def normalise_task(text: str) -> str:
    """The key under which equal tasks meet: compatibility forms, case and white space are made the same.

    Unicode's NFKC_Casefold without the removal of ignorable characters; applying it twice changes nothing more.
    """
    folded = unicodedata.normalize("NFD", storable(text)).casefold()
    for _ in range(2):
        folded = unicodedata.normalize("NFKC", folded).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def terms(text: str) -> list[str]:
    """The distinct terms of a text for lexical search, in order of appearance, at most MAX_TERMS.

    Spaced words as they are (after `normalise_task`, apostrophes dropped, split at every other punctuation), unspaced
    runs as overlapping pairs of characters; a single unspaced character stands for itself.
    """
    if text.isascii() and "\0" not in text:
        words = _ASCII_WORD.findall(text.lower())
        return list(dict.fromkeys(word.replace("'", "") for word in words))[:MAX_TERMS]
    found: dict[str, None] = {}
    for run, is_unspaced in _runs(normalise_task(text), "'’"):
        pieces = _pairs(run) if is_unspaced else iter((run.replace("'", "").replace("’", ""),))
        for piece in pieces:
            found[piece] = None
            if len(found) >= MAX_TERMS:
                return list(found)
    return list(found)


def estimate_tokens(text: str) -> int:
    """About how many tokens a language model reads in this text; rather too many than too few.

    ASCII letters and white space: 4 to a token. ASCII digits and punctuation, which tokenizers cut finer: 2 to a token.
    Chinese, Japanese, Korean: 1 a character. Everything else: 1 for 2 bytes of UTF-8 (Cyrillic 1, Thai 1.5 a letter).
    """
    data = text.encode("utf-8", "surrogatepass")
    dense = data.translate(None, _CHEAP_ASCII)
    quarters = len(data) - len(dense)
    if text.isascii():
        return math.ceil((quarters + 2 * len(dense)) / 4)
    for char in text:
        if char >= "\x80":
            quarters += 4 if _is_cjk(char) else 2 * len(char.encode("utf-8", "surrogatepass"))
        elif not (char.isalpha() or char in " \n\t\r"):
            quarters += 2
    return math.ceil(quarters / 4)


def _pairs(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for start in range(len(run) - 1):
        yield run[start : start + 2]


def _runs(text: str, inside: str) -> Iterator[tuple[str, bool]]:
    """Cut a text into words and unspaced runs; a character of `inside` between two letters does not end a word."""
    start, unspaced = -1, False
    for at, char in enumerate(text):
        kind = _kind(char)
        if start >= 0 and (kind == "mark" or ((kind == "unspaced") is unspaced and kind != "gap")):
            continue
        if start >= 0 and not unspaced and char in inside and _kind(text[at + 1 : at + 2]) == "word":
            continue
        if start >= 0:
            yield text[start:at], unspaced
        start, unspaced = (-1 if kind in ("gap", "mark") else at), kind == "unspaced"
    if start >= 0:
        yield text[start:], unspaced


@lru_cache(maxsize=8192)
def _kind(char: str) -> _Kind:
    if not char:
        return "gap"
    category = unicodedata.category(char)
    if category[0] == "M" or char in _JOINERS:
        return "mark"
    if category[0] not in "LN":
        return "gap"
    return "unspaced" if any(low <= ord(char) <= high for low, high in _UNSPACED) else "word"


def _is_cjk(char: str) -> bool:
    code = ord(char)
    return 0x2E80 <= code <= 0x9FFF or 0xAC00 <= code <= 0xD7A3 or 0xF900 <= code <= 0xFAFF or 0xFF00 <= code <= 0xFFEF
