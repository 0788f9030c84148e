"""One kind of secret as it is looked for, and what tells a secret from what only stands in its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PLACEHOLDER = re.compile(
    r"\$[A-Za-z_{(]|[<{*(!•]|%[sd(]|%\w+%|\.\.\.|@\w+@\Z|#\{|__\w+__\Z"
    r"|(?:your|my|the|some|any|new|old|an?)[ _-]|(?:insert|replace|enter|put|add|fill)[ _-]|change[_-]?(?:me|it|this)"
    r"|(?:process\.)?env[.:\[]|os\.(?:environ|getenv)|(?:self|this|settings|config|args|options|var|local|module|data"
    r"|secrets?|vault|params|request|req|user|form|credentials?|cfg|conf|opts|kwargs|props|state|ctx|context)[.:\[]"
    r"|(?:op|vault|ssm|secretsmanager|keyring|gcpsm|file|ref)(?:\+\w+)?:|~?/[a-z._-]+(?:/|\Z)"
    r"|(?:dummy|fake|sample|placeholder|redacted|removed|masked|censored|foo|bar|todo|tbd|n/?a\b|xxx|abc123\Z)"
    r"|(?:string|str|text|none|null|nil|true|false|undefined|required|optional|password|passwd|secret|token|key"
    r"|api_?key|hidden|missing|invalid|empty|unknown|expired|changed|incorrect|wrong|enabled|disabled|default|example"
    r"|value|input|header|bytes|int|integer|number|object|array|any|bool|boolean|date|varchar|char|field|test|basic"
    r"|bearer|digest|auto|manual|yes|no|on|off|set|unset|given|provided|same|admin|root|user)\W*\Z",
    re.ASCII | re.IGNORECASE,
)
"""What stands where a secret would, and is none."""
_EXAMPLE = re.compile(
    r"EXAMPLE|(?i:example[_.-]|[_.-]example|placeholder|change_?me|x{4}|\*{3}|your[_-]|0{8}|12345678(?!.*[A-Za-z].*[A-Za-z]))"
)
_NAME = re.compile(
    r"(?:[_.:/-]{0,2}(?:[A-Z]?[a-z]{2,}+|(?>[A-Z]{2,}(?![a-z]))|[A-Z](?=[A-Z][a-z])))++(?:\[\]|\?|[_.:/-])*", re.ASCII
)
_SYMBOLS = frozenset("!#$%^&*+~?=@")


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of secret: where the pattern matches, group `v` (else all of it) is a secret if `accepts` says so."""

    kind: str
    hints: tuple[str, ...]
    """Lower-case words: where the text has none of them there is no match."""
    pattern: re.Pattern[str]
    accepts: Callable[[re.Match[str]], bool]
    anchored: bool = True
    """Whether each match begins with a hint, so that only those places need be looked at."""

    def finds(self, text: str, lowered: str) -> Iterator[tuple[int, int]]:
        """Where the secrets of this kind begin and end; `lowered` is the text in small letters, as long as the text."""
        group: str | int = "v" if "v" in self.pattern.groupindex else 0
        for match in self._anchored(text, lowered) if self.anchored else self.pattern.finditer(text):
            start, end = match.span(group)
            if end > start and self.accepts(match):
                yield start, end

    def _anchored(self, text: str, lowered: str) -> Iterator[re.Match[str]]:
        for hint in self.hints:
            at = lowered.find(hint)
            while at >= 0:
                match = self.pattern.match(text, at)
                if match is not None:
                    yield match
                at = lowered.find(hint, max(at + len(hint), 0 if match is None else match.end()))


def is_placeholder(value: str) -> bool:
    """Whether a value says that a secret belongs there, refers to one, or names its type."""
    return PLACEHOLDER.match(value) is not None or _EXAMPLE.search(value) is not None or len(set(value)) < 2


def is_name(value: str) -> bool:
    """Whether a value is made of words alone, as the names of types, variables and paths are."""
    return _NAME.fullmatch(value) is not None


def looks_made(value: str) -> bool:
    """Whether a value was rather generated or thought up as a password than written: no word, no name, no number."""
    letters, digits = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    if letters and (digits or not _SYMBOLS.isdisjoint(value)):
        return True
    return letters and value != value.lower() and not is_name(value) and value.isalnum()
