"""Secrets of several lines: private keys, and the manifests in which Kubernetes keeps secrets under any name."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PEM_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_PEM_END = re.compile(r"-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|Private-MAC: ?[0-9a-f]{20,}+")
_PEM_BODY = re.compile(
    r"(?:(?:\s|\\[nr])++(?:[A-Za-z-]++:[^\n\\]*+|[A-Za-z0-9+/=]{16,}+))++(?:(?:\\[nr]|\s)[A-Za-z0-9+/]++={1,2})?+"
)
_MANIFEST = re.compile(r"^([ \t]{0,16}(?:- )?)[\"']?kind[\"']?:[ ]{0,4}[\"']?Secret[\"']?,?[ \t\r]{0,8}$", re.MULTILINE)
_DATA = re.compile(r"^([ \t]*)[\"']?(?:data|stringData)[\"']?:[ \t]{0,8}\{?[ \t\r]*\n", re.MULTILINE)
_ENTRY = re.compile(
    r"([ \t]*)[\"']?[\w.-]{1,253}[\"']?:[ \t]{0,4}[\"']?(?P<v>[^\s\"',{}|>]{1,65536})[\"']?,?[ \t\r]*(?:\n|\Z)"
)
_JSON_KIND = re.compile(r"\"kind\"\s{0,4}:\s{0,4}\"Secret\"")
_INLINE = re.compile(r"\"(?:data|stringData)\"\s{0,4}:\s{0,4}\{(?P<body>[^{}]{1,65536})\}")
_INLINE_VALUE = re.compile(r":\s{0,4}\"(?P<v>[^\"\\]{1,65536})\"")
_MANIFEST_CHARACTERS = 65_536


def private_keys(text: str) -> Iterator[tuple[int, int]]:
    """Whole key blocks, also where lines are joined by a written-out backslash n, or where the end is missing."""
    begins = list(_PEM_BEGIN.finditer(text))
    ends = list(_PEM_END.finditer(text))
    at = 0
    for number, begin in enumerate(begins):
        while at < len(ends) and ends[at].start() < begin.end():
            at += 1
        following = begins[number + 1].start() if number + 1 < len(begins) else len(text)
        closed = at < len(ends) and ends[at].start() <= following
        if closed and re.search("[A-Za-z0-9+/=]{16}", text[begin.end() : ends[at].start()]):
            yield begin.start(), ends[at].end()
        elif not closed and (body := _PEM_BODY.match(text, begin.end(), following)):
            yield begin.start(), body.end()


def manifest_values(text: str) -> Iterator[tuple[int, int]]:
    """The values under `data` and `stringData` of a Kubernetes Secret, in YAML and in JSON."""
    for begin, end in _around_json_secrets(text) if '"Secret"' in text else ():
        for body in _INLINE.finditer(text, begin, end):
            for value in _INLINE_VALUE.finditer(text, *body.span("body")):
                yield value.span("v")
    read = 0
    for kind in _MANIFEST.finditer(text):
        if kind.start() < read:  # a document is read once, however often it says what it is
            continue
        begin, end = text.rfind("\n---", 0, kind.start()) + 1, text.find("\n---", kind.end())
        read = len(text) if end < 0 else end
        for data in _DATA.finditer(text, begin, read):
            at = data.end()
            while (entry := _ENTRY.match(text, at)) and len(entry[1]) > len(data[1]):
                yield entry.span("v")
                at = entry.end()


def _around_json_secrets(text: str) -> list[tuple[int, int]]:
    """What stands around each `"kind": "Secret"`, nothing of it twice."""
    around: list[tuple[int, int]] = []
    for kind in _JSON_KIND.finditer(text):
        begin, end = max(0, kind.start() - _MANIFEST_CHARACTERS), kind.end() + _MANIFEST_CHARACTERS
        if around and begin <= around[-1][1]:
            around[-1] = (around[-1][0], end)
        else:
            around.append((begin, end))
    return around
