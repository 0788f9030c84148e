"""Fences: what comes from trajectories, tasks, feedback and experiences is marked as data wherever a model reads it.

A fence's name is a hash of what it holds, so that the same content gives the same request, and whatever looks like a
fence inside is broken, so that no content closes its own fence or opens another.
"""

from __future__ import annotations

import hashlib
import re

_NAME_LENGTH = 10
_LOOKALIKE = re.compile(r"<(?=[\s/]*data-)", re.IGNORECASE)


def fenced(kind: str, content: str) -> str:
    """The content between two marks that name what it is, e.g. kind `task`."""
    name = "data-" + hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:_NAME_LENGTH]
    return f'<{name} of="{kind}">\n{unfenceable(content)}\n</{name}>'


def unfenceable(content: str) -> str:
    r"""The content with every lookalike of a fence broken: `<data-…` becomes `<\data-…`."""
    return _LOOKALIKE.sub(r"<\\", content)
