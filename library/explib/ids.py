"""Ids that sort by time of creation and collide never: a kind letter, milliseconds in hex, 40 random bits."""

from __future__ import annotations

import hashlib
import re
import secrets
import time

EARLIEST = 1_735_689_600
"""2025 in seconds since the epoch: no id is older than the program."""


def new_id(kind: str) -> str:
    """A fresh id such as `t_0198c2f4a1b3c9d2e4f0`; `kind` is `t` (trajectory) or `r` (retrieval)."""
    return f"{kind}_{int(time.time() * 1000):011x}{secrets.token_hex(5)}"


def is_id(text: str, kind: str) -> bool:
    """True for what `new_id` may have made of this kind."""
    return re.fullmatch(rf"{kind}_[0-9a-f]{{21}}", text) is not None and made_at(text) > EARLIEST


def made_at(identity: str) -> float:
    """When an id was made, in seconds since the epoch; 0 for what is no such id."""
    try:
        return int(identity[2:13], 16) / 1000
    except ValueError:
        return 0.0


def owner_mark(owner: str | None) -> str:
    """The ending of an id that belongs to an access token, e.g. `_3f9a1c07`; empty for this machine's user."""
    return "" if owner is None else f"_{hashlib.sha256(owner.encode()).hexdigest()[:8]}"
