"""The page's one HTML document, put together at run time from ES modules, a style sheet and a frame: no build step.

Each module becomes a function that returns its exports, in the order in which they need one another. Few forms of
import and export are understood, the rest is an error, so that nothing is left out unseen.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
VENDOR = {"preact": "vendor/preact.mjs", "preact/hooks": "vendor/hooks.mjs", "htm": "vendor/htm.mjs"}
"""Bare module names → files that are their authors', unchanged."""
ENTRY = "app.js"
IMPORT = re.compile(r"^import\s*(?:\{([^}]*)\}|(\w+))\s*from\s*\"([^\"]+)\";?", re.MULTILINE)
EXPORT_LIST = re.compile(r"\bexport\s*\{([^}]*)\};?\s*$")
EXPORT_DEFAULT = re.compile(r"\bexport\s+default\s+")
EXPORT_NAME = re.compile(r"^export\s+((?:async\s+)?function\*?|const|let|class)\s+(\w+)", re.MULTILINE)
LEFT_OVER = re.compile(r"^\s*(?:import|export)\b.*$", re.MULTILINE)
NOISE = re.compile(r"^[ \t]+|^//.*\n|^\n", re.MULTILINE)
"""Of our own modules: indentation, lines of comment, empty lines. Templates ignore indentation too."""
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
    script, style = f"(() => {{\n{bundled(ENTRY)}\n}})();", NOISE.sub("", _checked("style.css", _text("style.css")))
    html = _text("page.html").replace("/*style*/", style, 1).replace("/*script*/", script, 1)
    return Document(html, _policy(script, style))


def bundled(entry: str) -> str:
    """One script of the entry's module and all that it imports. Raises PageDefect."""
    done: dict[str, str] = {}
    _add(entry, done, ())
    return "\n".join(done.values())


def _add(name: str, done: dict[str, str], importers: tuple[str, ...]) -> None:
    if name in importers:
        raise PageDefect(f"{name} imports itself by {' → '.join(importers)}")
    if name in done:
        return
    text = _checked(name, _text(name))
    text = SOURCE_MAP.sub("", text) if name in VENDOR.values() else NOISE.sub("", text)
    for match in IMPORT.finditer(text):
        _add(_file(match[3]), done, (*importers, name))
    done[name] = _wrapped(name, text)


def _file(specifier: str) -> str:
    if specifier in VENDOR:
        return VENDOR[specifier]
    if not specifier.startswith("./"):
        raise PageDefect(f"{specifier!r} is neither a module beside it nor one of {', '.join(VENDOR)}")
    return specifier.removeprefix("./")


def _wrapped(name: str, text: str) -> str:
    """The module as a function that is run once; what it exports stands in a variable."""
    exported: dict[str, str] = {}
    text = IMPORT.sub(_bound, text)
    for match in EXPORT_NAME.finditer(text):
        exported[match[2]] = match[2]
    text = EXPORT_NAME.sub(r"\1 \2", text)
    if (listed := EXPORT_LIST.search(text)) is not None:
        exported |= {public: local for local, public in map(_pair, _names(listed[1]))}
        text = text[: listed.start()]
    if EXPORT_DEFAULT.search(text):
        exported["default"] = "_default"
        text = EXPORT_DEFAULT.sub("const _default = ", text, count=1)
    if (left := LEFT_OVER.search(text)) is not None:
        raise PageDefect(f"{name}: {left[0].strip()[:80]!r} is not understood")
    members = ", ".join(f'"{public}": {local}' for public, local in exported.items())
    return f"const {_variable(name)} = (() => {{\n{text}\nreturn {{{members}}};\n}})();"


def _bound(match: re.Match[str]) -> str:
    variable = _variable(_file(match[3]))
    if match[2]:
        return f"const {match[2]} = {variable}.default;"
    pairs = ", ".join(f"{name}: {local}" for name, local in map(_pair, _names(match[1])))
    return f"const {{{pairs}}} = {variable};"


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
