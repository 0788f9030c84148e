"""Names inside a lesson that its reader would type or go to: commands, flags, paths, files, fields, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BACKTICKS = re.compile(r"`([^`]{1,200})`")
_QUOTED = re.compile(
    r"(?<!\w)'([^']{2,80})'(?!\w)|\"([^\"]{2,80})\"|“([^”]{2,80})”|«([^»]{2,80})»|「([^」]{2,80})」|„([^“”]{2,80})[“”]"
)
_ADDRESS = re.compile(
    r"(?i)\b[a-z][a-z0-9+.-]*://[^\s,;]*[^\s,;.]|(?<![\w:/])//[\w-]+\.[\w./-]+|\bwww\.[\w-]+\.[\w./-]*\w"
    r"|[\w.+-]+@[\w-]+\.\w[\w.]*|(?<![\w@.])@[a-z]\w{2,}|(?<![\w.])(?:[\w-]+\.)+(?:com|org|net|info|biz|xyz|ru|cn|io"
    r"|co|cloud|site|online|top|link|click|shop|live|app|dev|me|tk|icu|ly|example|invalid|onion)\b(?:/\S*\w)?"
    r"|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|(?<!\w)\+\d[\d ()/.-]{6,}\d|(?<![\w.-])0\d{2,4}[ /-]\d[\d -]{4,}\d"
    r"|(?<![\w#])#[a-z][\w-]{3,}|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,}\b|\b(?:0x)?[0-9a-fA-F]{24,}\b"
)
_TYPED = re.compile(
    r"(?<![\w-])--[a-zA-Z][\w-]*|(?<![\w-])-[a-zA-Z]{1,4}(?=\s|$|[,.;])"  # flags
    r"|(?<![\w/])~?(?:\.{0,2}/)[\w.@~*-]+(?:/[\w.@~*-]*)*|\b[\w.-]+(?:/[\w.@*-]+){2,}|\b[\w-]+/[\w-]*\.\w+"  # paths
    r"|(?<![\w.])\.[a-z]\w*(?:[.-]\w+)*|\b[\w-]*\w\.(?:py|js|ts|json|ya?ml|toml|ini|cfg|conf|txt|md|sh|bash|zsh|ps1|bat"
    r"|exe|dll|so|db|sqlite|sql|csv|tsv|xml|html?|css|log|lock|env|pem|key|crt|zip|tar|gz|whl|rs|go|c|h|cpp|java|rb|php"
    r"|ipynb|pkl|xlsx?|docx?|pdf|png|jpe?g)\b"  # files
    r"|\b[a-zA-Z]\w*_\w+\b|\b[a-z]+[a-z0-9]*[A-Z]\w*\b|\b[\w.]+\(\)?|\b[a-z_]\w+(?:\.[a-z_]\w+)+\b"  # identifiers
)
_NO_NAMES = frozenset({"e.g", "i.e", "a.m", "p.m", "iOS", "macOS", "eBay", "iPhone", "iPad"})
_CALLED = re.compile(
    r"(?i)\b(?:call|run|use|invoke|install|execute|start|open|try|with|via|import|rufe|nutze|verwende|appelle|utilise"
    r"|usa|usar|ejecuta|esegui|chame|use|roep|gebruik|вызови|используй|调用|使用|运行|kullan|uzyj)\s*$"
)


@dataclass(frozen=True, slots=True)
class Name:
    """One name with its place in the text."""

    text: str
    at: int
    is_address: bool = False
    is_called: bool = False
    """The text says to call, run or install it."""

    is_asked: bool = False
    """Quoted as what a tool asked for when it refused."""

    @property
    def is_plain(self) -> bool:
        """One word, as fields and tools have, or a form of two, as in `area: text`; and not to be called."""
        form = r"[\w.\[\]#$-]+|<?\w+>?: <?\w+>?"
        return not self.is_called and not self.is_address and re.fullmatch(form, self.text) is not None


def heeded(refusal: str) -> str:
    """How a lesson says to do what a tool asked for when it refused."""
    return f"as “{refusal}” asks"


def names_in(text: str) -> tuple[Name, ...]:
    """The names of a text, each once, those in backticks whole."""
    names: dict[str, Name] = {}
    for name in _names(text):
        names.setdefault(name.text, name)
    return tuple(names.values())


def addresses_in(text: str) -> tuple[Name, ...]:
    """The addresses, telephone numbers and handles of a text."""
    return tuple(name for name in names_in(text) if name.is_address)


def _names(text: str) -> Iterator[Name]:
    for match in _BACKTICKS.finditer(text):
        yield _name(text, match[1].strip(), match.start(), is_address=_ADDRESS.fullmatch(match[1].strip()) is not None)
    bare = _BACKTICKS.sub(lambda match: " " * len(match[0]), text)
    for match in _QUOTED.finditer(bare):
        yield _name(bare, next(filter(None, match.groups())), match.start())
    bare = _QUOTED.sub(lambda match: " " * len(match[0]), bare)
    for match in _ADDRESS.finditer(bare):
        yield _name(bare, match[0], match.start(), is_address=True)
    bare = _ADDRESS.sub(lambda match: " " * len(match[0]), bare)
    for match in _TYPED.finditer(bare):
        if match[0] not in _NO_NAMES:
            yield _name(bare, match[0].rstrip("("), match.start())


def _name(text: str, name: str, at: int, *, is_address: bool = False) -> Name:
    asked = text.startswith(heeded(name), at - len("as ")) and not _ADDRESS.search(name)
    return Name(name, at, is_address, is_called=_CALLED.search(text[:at]) is not None, is_asked=asked)
