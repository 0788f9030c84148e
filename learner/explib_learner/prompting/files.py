"""Prompts are Markdown files with named placeholders, checked when they are loaded.

A file's part above a line `---` is the system message, the part below it the user message; a file without such a line
is one user message.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from explib.errors import PromptFileError
from explib_learner.model.chat import ChatMessage

FOLDER = Path(__file__).parents[1] / "prompts"
"""Where the prompts of the program are."""

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")
_BORDER = re.compile(r"^---[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PromptFile:
    """One prompt: its text, the names it wants filled, and the hash that goes into each call's record."""

    name: str
    text: str
    placeholders: frozenset[str]
    hash: str

    def messages(self, **values: str) -> tuple[ChatMessage, ...]:
        """The filled prompt: a system and a user message, or one user message.

        What is filled in is never read as a placeholder or a border.

        Raises:
            PromptFileError: the values are not exactly the placeholders.
        """
        if values.keys() != self.placeholders:
            wrong = ", ".join(sorted(values.keys() ^ self.placeholders))
            raise PromptFileError(f"Prompt {self.name}: filled with the wrong placeholders: {wrong}.")
        parts = [
            _PLACEHOLDER.sub(lambda found: values[found[1].strip()], part).strip() for part in _BORDER.split(self.text)
        ]
        if len(parts) == 1:
            return (ChatMessage("user", parts[0]),)
        return ChatMessage("system", parts[0]), ChatMessage("user", parts[1])


def load_prompt(name: str, placeholders: frozenset[str], folder: Path = FOLDER) -> PromptFile:
    """Load `<name>.md`.

    Raises:
        PromptFileError: it cannot be read, or its placeholders are not exactly those that its step fills.
    """
    path = folder / f"{name}.md"
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptFileError(f"The prompt {path} cannot be read ({error}): install explib again.") from error
    found = {match.strip() for match in _PLACEHOLDER.findall(text)}
    if found != placeholders:
        unknown, missing = sorted(found - placeholders), sorted(placeholders - found)
        raise PromptFileError(
            f"The prompt {path} must be corrected: unknown {unknown}, missing {missing} placeholders."
        )
    if len(_BORDER.findall(text)) > 1:
        raise PromptFileError(f"The prompt {path} must be corrected: it has more than one line of three dashes.")
    return PromptFile(name, text, placeholders, hashlib.sha256(data).hexdigest())
