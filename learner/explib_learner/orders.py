"""Lessons that give orders to whoever reads them, send it somewhere, or hide something: what a lesson must not be."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
_JOINERS = "\u200c\u200d"
_SOFT = frozenset("\u2800\u3164\u115f\u1160\uffa0\u034f")
"""Letters and marks that show nothing."""

_PATTERNS = {
    "it tells the reader to set instructions aside": (
        r"\b(?:ignor|disregard|forget|overrid|bypass|overrul)\w*\b[^.]{0,40}"
        r"\b(?:instruction|prompt|polic(?:y|ies)|rule|guideline|guardrail|safety|message|system)s?\b"
    ),
    "it speaks of the system prompt": r"\b(?:system|developer)[ -]?(?:prompt|message|instructions?)\b",
    "it gives the reader another role": r"\b(?:you are now|from now on,? you|pretend (?:to be|you)|act as (?:an?|the) \w+)",
    "it tells the reader to send something": (
        r"\byou (?:must|should|need to|have to|shall)\b[^.]{0,40}\b(?:send|e-?mail|upload|post|forward|transfer|pay|wire)\b"
    ),
    "it tells the reader to hide something": (
        r"\b(?:do not|don't|never|without)\b[^.]{0,20}\b(?:tell|inform|notify|alert|mention(?:ing)? (?:it|this) to|telling|"
        r"informing|notifying|alerting)\b[^.]{0,20}\b(?:user|human|operator|owner|anyone|customer)\b"
    ),
    "it gives secrets away": (
        r"\b(?:send|post|upload|e-?mail|forward|exfiltrat\w+|leak|reveal|print|output|paste|share|disclose)\b[^.]{0,40}"
        r"\b(?:api[ -]?keys?|passwords?|credentials?|secrets?|tokens?|private keys?|env(?:ironment)? variables?|\.env)\b"
    ),
    "it has an address in it": r"\b(?:https?|ftp|file|data|javascript|wss?)\s*:\s*/{0,3}\S|\bwww\.\w|\b[\w.+-]+@[\w-]+\.\w{2,}",
    "it runs what it downloads or destroys files": (
        r"\b(?:curl|wget)\b[^|]*\|\s*(?:ba|z|da)?sh\b|\brm\s+-\w*[rf]\w*\s+[/~*]|\bbase64\s+-d\b|:\(\)\s*\{|\b(?:mkfs|dd if=)"
    ),
    "it has the marks of another message in it": (
        r"<\s*/?\s*(?:system|assistant|user|tool|human|instructions?|important|data-\w+)\b|<\||\|>|\[/?INST\]|^\s*#{1,6}\s|"
        r"^\s*(?:system|assistant|user|human)\s*:"
    ),
}
_ORDERS = {reason: re.compile(pattern, re.IGNORECASE) for reason, pattern in _PATTERNS.items()}


def order_in(lesson: str) -> str | None:
    """Why the lesson reads as an order to its reader or hides something, or None."""
    if any(_is_hidden(lesson, at) for at in range(len(lesson))):
        return "it has invisible or control characters (line breaks included)"
    plain = unicodedata.normalize("NFKC", lesson)
    return next((reason for reason, order in _ORDERS.items() if order.search(plain)), None)


def _is_hidden(text: str, at: int) -> bool:
    char = text[at]
    if char in _JOINERS:  # Persian, Indic scripts and emoji need them between their own characters
        around = text[max(at - 1, 0) : at] + text[at + 1 : at + 2]
        return len(around) < len("xx") or any(neighbour.isascii() for neighbour in around)
    is_variation = "\ufe00" <= char <= "\ufe0e" or "\U000e0100" <= char <= "\U000e01ef"
    return char in _SOFT or is_variation or unicodedata.category(char) in _HIDDEN
