"""The page's one HTML document, put together at run time from ES modules, a style sheet and a frame: no build step.

Our modules share one scope, in the order in which they need one another, so their names are the page's: what two of
them declare is an error. What others wrote stands apart, as they wrote it. Few forms of import and export are
understood, the rest is an error, so that nothing is left out unseen.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
VENDOR = {"preact": "vendor/preact.mjs", "preact/hooks": "vendor/hooks.mjs", "htm": "vendor/htm.mjs"}
"""Bare module names → files that are their authors', unchanged."""
ENTRY = "app.js"
IMPORT = re.compile(r"^import\s*(?:\{([^}]*)\}|(\w+))\s*from\s*\"([^\"]+)\";?", re.MULTILINE)
DECLARED = re.compile(r"^(export\s+)?((?:async\s+)?function\*?|const|let|class)\s+(\w+)", re.MULTILINE)
"""A name of a module of ours: at the beginning of a line, which nothing inside a function is."""
EXPORT_LIST = re.compile(r"\bexport\s*\{([^}]*)\};?\s*$")
EXPORT_DEFAULT = re.compile(r"\bexport\s+default\s+")
LEFT_OVER = re.compile(r"^\s*(?:import|export)\b.*$", re.MULTILINE)
NOISE = re.compile(r"^[ \t]+|^//.*\n|^\n", re.MULTILINE)
"""Of our own modules: indentation, lines of comment, empty lines. Templates ignore indentation too."""
CSS_NOISE = re.compile(r"\s*([{};,>])\s*|(?<=:)\s+")
SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
FORBIDDEN = ("</script", "<!--", "</style")


class PageDefect(Exception):
    """A module of the page has a form that the composer does not understand: a defect of ours."""


@dataclass(frozen=True, slots=True)
class Document:
    """The page, and the policy under which exactly its script and style run."""

    html: str
    policy: str
    """The Content-Security-Policy for the HTTP door."""


@cache
def document() -> Document:
    """The document; the same for every request of this process."""
    script = f"(() => {{\n{bundled(ENTRY)}\n}})();"
    style = CSS_NOISE.sub(r"\1", _checked("style.css", _text("style.css"))).replace(";}", "}").strip()
    html = _text("page.html").replace("/*style*/", style, 1).replace("/*script*/", script, 1)
    return Document(html, _policy(script, style))


def bundled(entry: str) -> str:
    """One script of the entry's module and all that it imports. Raises PageDefect."""
    bundle = _Bundle()
    bundle.add(entry, ())
    return "\n".join((*bundle.others.values(), *bundle.bindings(), *bundle.own.values()))


@dataclass(slots=True)
class _Bundle:
    """What is put together, by file."""

    own: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    declared: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name → the file that it is from, and its name there."""
    exported: set[tuple[str, str]] = field(default_factory=set)

    def add(self, name: str, importers: tuple[str, ...]) -> None:
        """Add a module of ours behind those that it imports."""
        if name in importers:
            raise PageDefect(f"{name} imports itself by {' → '.join(importers)}")
        if name in self.own:
            return
        text = _checked(name, _text(name))
        for match in IMPORT.finditer(text):
            self._import(match, (*importers, name))
        text = IMPORT.sub("", text)
        for match in DECLARED.finditer(text):
            self._declare(match[3], (name, match[3]))
            if match[1]:
                self.exported.add((name, match[3]))
        self.own[name] = _understood(name, NOISE.sub("", DECLARED.sub(r"\2 \3", text)).strip())

    def bindings(self) -> Iterator[str]:
        """The names that our modules take from the others."""
        for file in self.others:
            names = [f"{there}: {name}" for name, (where, there) in self.declared.items() if where == file]
            yield f"const {{{', '.join(names)}}} = {_variable(file)};"

    def _import(self, match: re.Match[str], importers: tuple[str, ...]) -> None:
        pairs = [("default", match[2])] if match[2] else list(map(_pair, _names(match[1])))
        file = _file(match[3])
        if match[3] in VENDOR:
            self._add_other(file)
            for there, name in pairs:
                self._declare(name, (file, there))
            return
        self.add(file, importers)
        for there, name in pairs:
            if there != name or (file, name) not in self.exported:
                raise PageDefect(f"{importers[-1]}: {file} exports no {there!r} of the name {name!r}")

    def _declare(self, name: str, source: tuple[str, str]) -> None:
        if self.declared.setdefault(name, source) != source:
            raise PageDefect(f"{source[0]} declares {name!r}, as {self.declared[name][0]} does: choose another name")

    def _add_other(self, file: str) -> None:
        if file not in self.others:
            self.others[file] = self._wrapped(file, SOURCE_MAP.sub("", _checked(file, _text(file))))

    def _wrapped(self, name: str, text: str) -> str:
        """Another's module as a function that is run once; what it exports stands in a variable."""
        exported: dict[str, str] = {}
        for match in IMPORT.finditer(text):
            self._add_other(_file(match[3]))
        text = IMPORT.sub(_bound, text)
        if (listed := EXPORT_LIST.search(text)) is not None:
            exported |= {public: local for local, public in map(_pair, _names(listed[1]))}
            text = text[: listed.start()]
        if EXPORT_DEFAULT.search(text):
            exported["default"] = "_default"
            text = EXPORT_DEFAULT.sub("const _default = ", text, count=1)
        members = ", ".join(f"{public}: {local}" for public, local in exported.items())
        return f"const {_variable(name)} = (() => {{\n{_understood(name, text)}\nreturn {{{members}}};\n}})();"


def _bound(match: re.Match[str]) -> str:
    pairs = ", ".join(f"{name}: {local}" for name, local in map(_pair, _names(match[1])))
    return f"const {{{pairs}}} = {_variable(_file(match[3]))};"


def _understood(name: str, text: str) -> str:
    if (left := LEFT_OVER.search(text)) is not None:
        raise PageDefect(f"{name}: {left[0].strip()[:80]!r} is not understood")
    return text


def _file(specifier: str) -> str:
    if specifier in VENDOR:
        return VENDOR[specifier]
    if not specifier.startswith("./"):
        raise PageDefect(f"{specifier!r} is neither a module beside it nor one of {', '.join(VENDOR)}")
    return specifier.removeprefix("./")


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _pair(name: str) -> tuple[str, str]:
    """`a as b` → a, b; `a` → a, a."""
    first, _, second = name.partition(" as ")
    return first.strip(), (second or first).strip()


def _variable(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name)


def _text(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _checked(name: str, text: str) -> str:
    for forbidden in FORBIDDEN:
        if forbidden in text:
            raise PageDefect(f"{name} holds {forbidden!r}, which would end the script or the style")
    return text


def _policy(script: str, style: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
