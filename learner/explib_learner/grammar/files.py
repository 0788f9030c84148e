"""Files that calls change, by kinds: the file's own name, its ending, its first folder."""

from __future__ import annotations

import re

from explib_learner.grammar.trace import Call

ANY_FILE = ""
_PATH = re.compile(r"[\w.@~+/-]*?([\w.@+-]*\.\w{1,8}|[A-Z]\w+file)")
_LONGEST_PATH = 200
_SHORTEST_TEXT = 20
"""Characters from which another argument of a call with a path is taken for the text of an edit."""


def edited(call: Call) -> tuple[str, ...]:
    """Kinds of the file that a call changes, ANY_FILE the last of them; none if it changes no file."""
    if call.name.startswith("$ "):
        return ()
    texts = [value for value in call.arguments.values() if isinstance(value, str)]
    paths = [text for text in texts if path_in(text) is not None]
    others = [text for text in texts if text not in paths]
    if len(paths) != 1 or not any("\n" in text or len(text) >= _SHORTEST_TEXT for text in others):
        return ()
    parts = [part for part in paths[0].split("/") if part not in ("", ".")]
    name = parts[-1]
    ending = "*." + name.rsplit(".", 1)[-1] if "." in name.lstrip(".") else name
    folder = (f"{parts[0]}/",) if len(parts) > 1 else ()
    return tuple(dict.fromkeys((name, ending, *folder, ANY_FILE)))


def path_in(text: str) -> str | None:
    """The text where it is a path of a file."""
    return text if len(text) < _LONGEST_PATH and _PATH.fullmatch(text) else None
