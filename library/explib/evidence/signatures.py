r"""Rewards signed by the environment that knows the outcome, so that nobody else can make one up.

The signature of a reward is `SECONDS.HEX`: when it was signed (Unix time) and the HMAC-SHA256, under the reward key, of
four lines joined by `\n`: `explib-reward-v1`, the id of the attempt (as it is passed: trajectory_id or retrieval_id),
the reward with six decimals, the seconds. The time orders corrections: an older signature can't undo a newer one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from explib.errors import InvalidSignature
from explib.models.submissions import Signature

FORM = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})")
AHEAD_SECONDS = 300
"""By how much the environment's clock may be ahead of ours."""


def sign(key: str, attempt: str, reward: float, at: int) -> str:
    """The signature of a reward for an attempt, made at `at` (Unix time)."""
    return f"{at}.{_digest(key, attempt, reward, at)}"


def verify(signature: str, keys: Mapping[str, str], attempt: str, reward: float, now: float) -> Signature:
    """Who signed it; `keys` holds id → secret of the keys that are good for the library. Raises InvalidSignature."""
    form = FORM.fullmatch(signature)
    if form is None:
        raise InvalidSignature("The signature does not have the form SECONDS.HEX: make it with `explib token sign`.")
    at = int(form[1])
    if at > now + AHEAD_SECONDS:
        raise InvalidSignature("The signature is from the future: set the clock of the machine that signs.")
    good = [key_id for key_id, key in keys.items() if hmac.compare_digest(_digest(key, attempt, reward, at), form[2])]
    if not good:
        raise InvalidSignature
    return Signature(good[0], at)


def _digest(key: str, attempt: str, reward: float, at: int) -> str:
    text = f"explib-reward-v1\n{attempt}\n{reward:.6f}\n{at}"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
