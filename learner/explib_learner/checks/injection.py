"""What a lesson's text must not be, whatever attempts did: another message, a call, something hidden, an order.

The form tells it: marks of messages and calls, mark-up that does something, characters that show nothing or look like
others, texts in disguise. Words tell it only where they speak of the reader's own instructions; whether other advice is
borne out by what attempts did is for `grounding`.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator

from explib_learner.checks.clauses import clauses, condition_and_strategy
from explib_learner.checks.lexicon import lexicon, plain_words

_HIDDEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
_JOINERS = "\u200c\u200d"
_SOFT = frozenset("\u2800\u3164\u115f\u1160\uffa0\u034f\u17b4\u17b5\u180e")
"""Letters and marks that show nothing."""
_PILED = re.compile("[A-Za-z][\u0300-\u036f]|[\u0300-\u036f]{2}")
"""Marks on letters which no language writes so, after composition."""
_LEET = tuple(str.maketrans("013457@$!|+", f"o{one}eastas{one}lt") for one in "il")
_LEET_WORD = re.compile(r"(?=[^\s]*[a-zA-Z])(?=[^\s]*[0134579@$!|+])\S+|\d+")
_SPACED = re.compile(r"(?<!\w)(?:\w[ ._-]){4,}\w(?!\w)")
_LATIN = re.compile("[a-z]")
_LOOKALIKES = re.compile("[\u0370-\u03ff\u0400-\u052f\u0531-\u058f\u13a0-\u13ff]")
_SIGNS = frozenset("μΩΔΣπαβγσλε")
_ENCODED = re.compile(
    r"(?:\\x[0-9a-fA-F]{2}\s?){3,}|(?:\\u\{?[0-9a-fA-F]{4}\}?\s?){3,}|(?:%[0-9a-fA-F]{2}){4,}|(?:&#x?[0-9a-fA-F]+;\s?){3,}"
    r"|(?:\\[0-7]{3}){3,}|(?:\b0x[0-9a-fA-F]{2}\b[ ,]*){4,}|(?:\b[01]{8}\b ?){3,}"
)
_BLOB = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){8,}")
_LEAST_DECODED = 8
_MARKUP = re.compile(
    r"<[a-zA-Z][^<>]*\s[\w:-]+\s*=[^<>]*>|<(?P<tag>script|iframe|object|embed|style|svg|form)\b[^<>]*>.*</(?P=tag)"
    r"|\bjavascript:\S|\bon(?:error|load|click|mouseover)\s*=|<!--|-->|!\[[^\]]*\]\(|\]\(\s*\w+:|<!\[CDATA\["
    r"|\{\{[^{}]*[.|(][^{}]*\}\}|\{%.*%\}|\$\{[^}]*:[^}]*\}"
)
_ROLES = "system|assistant|user|human|developer|tool|function|instructions?|important|ai|bot"
_MESSAGE = re.compile(
    rf"<\s*(?:/\s*)?(?:{_ROLES}|data-\w+|inst|sys|prompt|context|thinking|answer|lesson|experience)\b[^<>]*>?"
    rf"|<\|\s*/?(?:{_ROLES}|im_start|im_end|start_header_id|end_header_id|eot_id|eom_id|channel|message|begin_of_text"
    r"|python_tag|tool\w*|fim_\w+|sep)\s*\|>|\[/?(?:INST|SYS|SYSTEM|TOOL_\w+|AVAILABLE_TOOLS|ASSISTANT|USER)\]"
    rf"|<<\s*/?SYS\s*>>|(?:^|[.!?。;]|\\n|[\"'(\[])\s*(?:{_ROLES})\s*(?:message|prompt|notice|note)?\s*[::](?!\S)"
    rf"|(?:^|\s)#{{1,6}}\s*(?:{_ROLES}|response|input|task|new)\b|(?:^|\s)(?:-{{3,}}|={{3,}}|\*{{3,}}|~{{3,}}|`{{3,}})"
    r"|\b(?:end|begin|start) of (?:system |the )?(?:prompt|instructions|lessons|context|data)\b",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"</?\s*(?:tool_call|tool_use|tool_result|function_calls?|function_results?|invoke|parameter|antml:\w+)\b"
    r"|\{\s*[\"']\s*(?:name|tool|function|tool_name|action|recipient_name|cmd|command|method|jsonrpc|type)\s*[\"']\s*:"
    r"\s*[\"'{]|\bto=functions\.|\bfunctions\.\w+\s*\(|\b(?:tool_calls?|function_call)\s*[\[=:({]|\baction input\s*:"
    r"|(?:^|[.!?]\s+|\\n)\s*(?:action|thought|observation)\s*:\s*\w|\w+\(\s*(?:\w+\s*=\s*[\"'][^\"']*[\"']\s*,?\s*){2,}\)",
    re.IGNORECASE,
)
_SECOND_LESSON = re.compile(r"\[\s*[ep]\d+\s*\]|(?:^|[.!?]\s+)\(?[ep]\d+\)?\s*[.:]\s")


def injection_in(lesson: str) -> str | None:
    """Why the lesson must not be kept, or None."""
    if any(_is_hidden(lesson, at) for at in range(len(lesson))):
        return "it has invisible or control characters (line breaks included)"
    composed = unicodedata.normalize("NFKC", lesson)
    if _PILED.search(composed):
        return "it has marks piled on its letters"
    if any(_mixes_scripts(word) for word in re.findall(r"\w+", composed)):
        return "it mixes letters of different scripts in one word"
    if _ENCODED.search(composed) or any(_decoded(composed)):
        return "it has text in it that is encoded"
    if _CALL.search(composed):
        return "it has the form of a tool call in it"
    if _MESSAGE.search(composed):
        return "it has the marks of another message in it"
    if _MARKUP.search(composed):
        return "it has mark-up in it that does something"
    if _SECOND_LESSON.search(composed):
        return "it has the mark of a second lesson in it"
    return _order_in(composed)


def _order_in(lesson: str) -> str | None:
    """Orders about the reader's own instructions, also in disguise; to forbid or to describe them is fine."""
    words = lexicon()
    condition, strategy = condition_and_strategy(lesson)
    parts = [clause for clause in clauses(strategy) if not clause.negated]
    recommended = [clause.plain for clause in parts if not (clause.presupposed and condition)]
    if any(words.orders.search(clause) for clause in recommended):
        return "it tells the reader to set instructions aside"
    if words.authority.search(plain_words(strategy)):
        return "it speaks in the name of an authority"
    if any(view != lesson and words.orders.search(plain_words(view)) for view in _disguises(lesson)):
        return "it has an order in disguise"
    return None


def _disguises(lesson: str) -> Iterator[str]:
    """The text as it may have been meant, where it has digits for letters, spaced letters, or is turned around."""
    for table in _LEET:
        yield " ".join(word.translate(table) if _LEET_WORD.fullmatch(word) else word for word in lesson.split())
    for match in _SPACED.finditer(lesson):
        yield re.sub(r"[ ._-]", "", match[0])
        yield re.sub(r"(?<=\w)[ ._-](?=\w(?:[ ._-]|$))", "", lesson)
    yield codecs.encode(lesson, "rot13")
    yield lesson[::-1]


def _decoded(lesson: str) -> Iterator[str]:
    """What words decode to, where that is text again."""
    if (
        "&" in lesson
        and html.unescape(lesson) != lesson
        and lexicon().orders.search(plain_words(html.unescape(lesson)))
    ):
        yield html.unescape(lesson)
    for match in _HEX.finditer(lesson):
        yield from _as_text(bytes.fromhex(match[0]))
    for match in _BLOB.finditer(lesson):
        word = match[0].rstrip("=")
        try:
            yield from _as_text(
                base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_" if "-" in word else None)
            )
        except binascii.Error:
            continue


def _as_text(data: bytes) -> Iterator[str]:
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return
    if len(text) >= _LEAST_DECODED and text.isprintable():
        yield text


def _mixes_scripts(word: str) -> bool:
    folded = word.casefold()
    other = [char for char in _LOOKALIKES.findall(folded) if char not in _SIGNS]
    return bool(other) and _LATIN.search(folded) is not None


def _is_hidden(text: str, at: int) -> bool:
    char = text[at]
    if char in _JOINERS:  # Persian, Indic scripts and emoji need them between their own characters
        around = text[max(at - 1, 0) : at] + text[at + 1 : at + 2]
        return len(around) < len("xx") or any(neighbour.isascii() for neighbour in around)
    is_variation = "\ufe00" <= char <= "\ufe0e" or "\U000e0100" <= char <= "\U000e01ef"
    return char in _SOFT or is_variation or unicodedata.category(char) in _HIDDEN
