"""TOML, by way of tomlkit, which keeps comments, order and layout."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Item

from explib.errors import InvalidInput
from explib_server.clients.values import Json, Key, Keys, Remove, Step, Write


class TomlFormat:
    """TOML with its comments."""

    def plain(self, text: str) -> Json:
        """The document as values."""
        try:
            document: Json = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidInput(str(error)) from error
        except RecursionError as error:
            raise InvalidInput("it is nested too deeply") from error
        return document

    def changed(self, text: str, step: Step) -> str:
        """The text after one step."""
        text, remarks = _without_remarks(text)
        try:
            document = tomlkit.parse(text)
            _change(document, step)
            new = tomlkit.dumps(document)
        except (TOMLKitError, ValueError, KeyError) as error:
            raise InvalidInput(str(error)) from error
        blank_line_is_ours = isinstance(step, Remove) and new.endswith("\n\n") and not text.endswith("\n\n")
        return _with_remarks(new[:-1] if blank_line_is_ours else new, remarks)

    def is_bare(self, text: str, keys: Keys) -> bool:
        """True for a table that holds nothing, not even a comment."""
        node: object = tomlkit.parse(text)
        for key in keys:
            node = node.get(_name(key)) if isinstance(node, MutableMapping) else None
        return isinstance(node, MutableMapping) and not node and "#" not in tomlkit.dumps(node)

    def fragment(self, value: Mapping[str, Json]) -> str:
        """A document of its own with only this."""
        text = ""
        for container, members in value.items():
            for name, entry in members.items() if isinstance(members, dict) else ():
                text = self.changed(text, Write((container, name), entry))
        return text.rstrip("\n")


@dataclass(frozen=True, slots=True)
class _Remark:
    """Comment lines above a table's header, which is the `nth` line that reads so; above the end where it is empty."""

    header: str
    nth: int
    text: str


def _without_remarks(text: str) -> tuple[str, list[_Remark]]:
    """The text without the comments above its tables, and those comments.

    tomlkit counts them to the table before: they would go with it, and what is added to it would come behind them.
    """
    lines: list[str] = []
    remarks: list[_Remark] = []
    seen: Counter[str] = Counter()
    for line in [*text.splitlines(keepends=True), ""]:
        if not line or line.lstrip().startswith("["):
            start = len(lines)
            while start and (not lines[start - 1].strip() or lines[start - 1].lstrip().startswith("#")):
                start -= 1
            while start < len(lines) and not lines[start].strip():
                start += 1
            if start < len(lines):
                remarks.append(_Remark(line.strip(), seen[line.strip()], "".join(lines[start:])))
                del lines[start:]
            seen[line.strip()] += 1
        lines.append(line)
    return "".join(lines), remarks


def _with_remarks(text: str, remarks: Sequence[_Remark]) -> str:
    """The text with the comments above the same headers; those of a table that is gone are above the next one."""
    lines = [*text.splitlines(keepends=True), ""]
    above = ""
    for remark in remarks:
        places = [place for place, line in enumerate(lines) if line.strip() == remark.header]
        if not remark.header:
            places = [len(lines) - 1]
        above += remark.text
        if len(places) > remark.nth:
            lines[places[remark.nth]] = above + lines[places[remark.nth]]
            above = ""
    return "".join([*lines, above])


def _change(document: MutableMapping[str, object], step: Step) -> None:
    node = document
    for depth, key in enumerate(step.keys[:-1]):
        if key not in node:
            if isinstance(step, Remove):
                return
            node[_name(key)] = tomlkit.table(is_super_table=depth == 0)
        inner = node[_name(key)]
        if not isinstance(inner, MutableMapping):
            raise InvalidInput(f"{'.'.join(map(str, step.keys[: depth + 1]))} is not a table")
        node = inner
    last = _name(step.keys[-1])
    if isinstance(step, Remove):
        node.pop(last, None)
    else:
        ends = not document or list(document)[-1] == step.keys[0]
        node[last] = _item(step.value, isinstance(node, InlineTable), ends)


def _item(value: Json, inline: bool, ends: bool) -> Item:
    """A value as tomlkit holds it; a table that does not end the file is followed by an empty line."""
    if not isinstance(value, dict):
        return tomlkit.item(value)
    if inline:
        inline_table = tomlkit.inline_table()
        inline_table.update(value)
        return inline_table
    table = tomlkit.table()
    inner = [name for name, inner_value in value.items() if isinstance(inner_value, dict)]
    for name, inner_value in value.items():
        table.add(name, _item(inner_value, inline=False, ends=ends or [name] != inner[-1:]))
    if not ends and not inner:
        table.add(tomlkit.nl())
    return table


def _name(key: Key) -> str:
    if isinstance(key, int):
        raise InvalidInput("arrays of TOML are not changed")
    return key
