"""TOML, by way of tomlkit, which keeps comments, order and layout."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Item

from explib.errors import InvalidInput
from explib_server.attaching.values import Json, Key, Remove, Step, Write


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
        try:
            document = tomlkit.parse(text)
            _change(document, step)
            new = tomlkit.dumps(document)
        except (TOMLKitError, ValueError, KeyError) as error:
            raise InvalidInput(str(error)) from error
        blank_line_is_ours = isinstance(step, Remove) and new.endswith("\n\n") and not text.endswith("\n\n")
        return new[:-1] if blank_line_is_ours else new

    def fragment(self, value: Mapping[str, Json]) -> str:
        """A document of its own with only this."""
        text = ""
        for container, members in value.items():
            for name, entry in members.items() if isinstance(members, dict) else ():
                text = self.changed(text, Write((container, name), entry))
        return text.rstrip("\n")


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
        return tomlkit.item(value, _parent=tomlkit.inline_table())
    table = tomlkit.table()
    inner = [name for name, each in value.items() if isinstance(each, dict)]
    for name, each in value.items():
        table.add(name, _item(each, inline=False, ends=ends or [name] != inner[-1:]))
    if not ends and not inner:
        table.add(tomlkit.nl())
    return table


def _name(key: Key) -> str:
    if isinstance(key, int):
        raise InvalidInput("arrays of TOML are not changed")
    return key
