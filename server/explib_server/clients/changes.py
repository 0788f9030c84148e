"""Putting the entry into a client's file, or taking it out: planned on the whole, then written at once."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from explib.errors import InvalidInput
from explib_server.clients import files
from explib_server.clients.catalogue import Client
from explib_server.clients.entries import OUR_VARIABLES, Attachment, Entry
from explib_server.clients.values import Json, Keys, Remove, Step, Write, after


@dataclass(frozen=True, slots=True)
class Change:
    """The content of one file before and after."""

    path: Path
    before: bytes | None
    content: bytes
    private: bool
    dropped: tuple[str, ...] = ()
    """Settings that the entry had before and has no longer, by their place, e.g. `env.EXPLIB_LIBRARY`."""

    @property
    def needed(self) -> bool:
        """True if the file has to be written."""
        return self.content != (self.before or b"")

    def apply(self) -> bool:
        """Write it; whether anything changed, be it only who may read the file."""
        if self.needed:
            files.replace(self.path, self.before, self.content, self.private)
            return True
        return self.private and self.before is not None and files.make_private(self.path)


def attaching(client: Client, path: Path, attachment: Attachment) -> Change:
    """The change that attaches. Raises InvalidInput, with what to paste, for a file that cannot be changed."""
    entry = client.entry(attachment)
    shown = shown_entry(client, replace(attachment, token="YOUR-TOKEN" if attachment.token else None))
    return _change(client, path, f"Fix it and run this again, or paste there:\n{shown}", entry, attachment.name)


def removing(client: Client, path: Path, name: str) -> Change:
    """The change that takes the entry out. Raises InvalidInput for a file that cannot be changed."""
    return _change(client, path, f"Fix it, or remove {client.servers}.{name} yourself.", None, name)


def shown_entry(client: Client, attachment: Attachment) -> str:
    """The entry as it stands in a file of its own, for people to paste."""
    entry = client.entry(attachment)
    inputs: dict[str, Json] = {"inputs": [_prompt(entry.prompt)]} if entry.prompt else {}
    return client.format.fragment({**inputs, client.servers: {attachment.name: entry.fresh()}})


def _change(client: Client, path: Path, advice: str, entry: Entry | None, name: str) -> Change:
    path = path.resolve()
    before = files.read(path)
    try:
        text = codecs.decode(before or b"", "utf-8")
        mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
        document = client.format.plain(text)
        steps = list(_steps(client, document, entry, name))
        for step in steps:
            text = client.format.changed(text, step)
        empty: dict[str, Json] = {client.servers: {}}  # an implicit table of TOML goes with its last member
        if {**empty, **_map(client.format.plain(text))} != {**empty, **_map(after(document, steps))}:
            raise InvalidInput("its layout is one that explib does not know how to change")
    except (InvalidInput, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be changed and is as it was: {error}. {advice}") from error
    gone = [step.keys[2:] for step in steps if isinstance(step, Remove)]
    dropped = tuple(".".join(map(str, keys)) for keys in gone if keys)
    return Change(path, before, (mark + text).encode(), entry is not None and entry.secret, dropped)


def _steps(client: Client, document: Json, entry: Entry | None, name: str) -> Iterator[Step]:
    servers = _map(document, client.servers)
    at: Keys = (client.servers, name)
    present = servers.get(name)
    if entry is None:
        if name in servers:
            yield Remove(at)
    elif isinstance(present, dict):
        yield from _merged(present, entry, at)
    else:
        yield Write(at, entry.fresh())
    if client.asks_for_token:
        other_servers = {key: value for key, value in servers.items() if key != name}
        yield from _prompts(_map(document), entry.prompt if entry else None, f"{name}-token", other_servers)


def _merged(present: Mapping[str, Json], entry: Entry, at: Keys) -> Iterator[Step]:
    """An entry that is there already: what contradicts is taken out, what differs is set, the rest stays."""
    for key in present:
        if key in entry.foreign:
            yield Remove((*at, key))
    for key, value in entry.value.items():
        inner = present.get(key)
        if isinstance(value, dict) and isinstance(inner, dict):
            for name in sorted(inner.keys() & (OUR_VARIABLES - value.keys())):
                yield Remove((*at, key, name))
            for name, setting in value.items():
                if inner.get(name) != setting:
                    yield Write((*at, key, name), setting)
        elif inner != value and not (value == {} and key not in present):
            yield Write((*at, key), value)


def _prompts(document: Mapping[str, Json], prompt_id: str | None, ours: str, other_servers: Json) -> Iterator[Step]:
    """VS Code's question for the token: asked once, and gone when no server needs it."""
    inputs = document.get("inputs")
    prompts = inputs if isinstance(inputs, list) else []
    places = [at for at, prompt in enumerate(prompts) if isinstance(prompt, dict) and prompt.get("id") == ours]
    if prompt_id and not places:
        yield Write(("inputs", len(prompts)), _prompt(prompt_id))
    if not prompt_id and f"${{input:{ours}}}" not in json.dumps(other_servers):
        for place in reversed(places):
            yield Remove(("inputs", place))


def _prompt(prompt_id: str) -> Json:
    return {"type": "promptString", "id": prompt_id, "description": "Token of the experience library", "password": True}


def _map(document: Json, key: str | None = None) -> Mapping[str, Json]:
    """An object of the document; empty where it is missing. Raises InvalidInput where it is something else."""
    if not isinstance(document, dict):
        raise InvalidInput("its top level is not an object")
    if key is None or key not in document:
        return document if key is None else {}
    inner = document[key]
    if not isinstance(inner, dict):
        raise InvalidInput(f"{key} is not an object")
    return inner
