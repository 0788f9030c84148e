"""Lessons that give orders to whoever reads them, send it somewhere, or hide something: what a lesson must not be."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
_JOINERS = "\u200c\u200d"
_SOFT = frozenset("\u2800\u3164\u115f\u1160\uffa0\u034f")
"""Letters and marks that show nothing."""

_SET_ASIDE = r"\b(?:ignor|disregard|forget|overrid|bypass|overrul)\w*\b"
_PATTERNS = {
    "it tells the reader to set instructions aside": (
        rf"{_SET_ASIDE}[^.]{{0,40}}\b(?:instructions?|prompts?|guardrails?|guidelines|safety|system)\b|"
        rf"{_SET_ASIDE}[^.]{{0,20}}\b(?:previous|prior|above|earlier|all|any|your)\b[^.]{{0,20}}"
        r"\b(?:rules?|polic(?:y|ies)|messages?|lessons?)\b"
    ),
    "it speaks of the system prompt": r"\b(?:system|developer)[ -]?(?:prompts?|instructions?)\b",
    "it gives the reader another role": (
        r"\byou are now\b|\bfrom now on,? you\b|\bpretend (?:to be|you)\b|\byou (?:\w+ )?act as\b|\bjailbreak"
    ),
    "it tells the reader to send something": (
        r"\byou (?:must|should|need to|have to|shall)\b[^.]{0,40}"
        r"\b(?:send|e-?mail|upload|post|forward|transfer|pay|wire)\b"
    ),
    "it tells the reader to hide something": (
        r"\b(?:do not|don't|never)\s+(?:tell|inform|notify|alert)\s+(?:the |your |any)?\s*\w+\s+"
        r"(?:(?:about|of)\s+(?:this|these|it|you)|that you)\b|"
        r"\b(?:hide|conceal|keep)\s+(?:this|these|it|that)\b[^.]{0,20}\bfrom\b|"
        r"\b(?:do not|don't|never)\s+mention\s+(?:this|these|it)\b|\bsecretly\b"
    ),
    "it gives secrets away": (
        r"\b(?:send|post|upload|e-?mail|forward|exfiltrat\w+|leak|reveal|print|output|paste|share|disclose)\b[^.]{0,40}"
        r"\b(?:(?:api|private|secret|access)[ -]?(?:keys?|tokens?)|passwords?|credentials?|secrets?|"
        r"env(?:ironment)? variables?)(?!\w)|\bexfiltrat"
    ),
    "it has an address in it": (
        r"\b[a-z][a-z0-9+.-]*://|\bwww\.\w|\bjavascript:|\bdata:\w+/|\b[\w-]+\.(?:com|org|xyz|ru|biz)\b|"
        r"\b[\w.+-]{1,64}@[\w-]{1,64}\.\w{2,}"
    ),
    "it runs what it downloads or destroys files": (
        r"\b(?:curl|wget)\b[^|]*\|\s*(?:ba|z|da)?sh\b|\brm\s+-\w*[rf]\w*\s+[/~*]|\bbase64\s+-d\b|:\(\)\s*\{|"
        r"\bmkfs\b|\bdd if="
    ),
    "it has the marks of another message in it": (
        r"<\s*/?\s*(?:system|assistant|user|tool|human|instructions?|important|data-\w+)\b|<\|\w+\|>|\[/?INST\]|"
        r"^\s*#{1,6}\s|^\s*(?:system|assistant|user|human)\s*:"
    ),
}
_ORDERS = {reason: re.compile(pattern, re.IGNORECASE) for reason, pattern in _PATTERNS.items()}


def injection_in(lesson: str) -> str | None:
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
