"""Recognising that a call failed, and that the environment rather than the call is to blame."""

from __future__ import annotations

import re

_LOOKED_AT = 4000
_FAILED = re.compile(
    r"""\s*(?:
        [\[(<*"'#]{0,3}\s?(?:error|exception|failed|failure)\b
        | traceback\ \(most\ recent
        | [\w.]*(?:Error|Exception):
        | \{\s*"(?:error|errors|exception)"\s*:(?!\s*(?:null|false|""|\[\s*\]|\{\s*\}))
        | \{\s*"(?:is_error|isError)"\s*:\s*true
        | \{\s*"(?:success|ok)"\s*:\s*false
        | \{\s*"status"\s*:\s*"(?:error|failed|failure)"
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_EXIT = re.compile(
    r"(?:exit(?:ed)?(?:[ _-]?(?:code|status))?|returncode)\W{0,4}(?:with\W|code\W){0,2}\s*(-?\d+)", re.IGNORECASE
)
_ENVIRONMENT = re.compile(
    r"time[d-]?[ -]?out|timeout|rate.?limit|too many requests|\b(?:429|502|503|504)\b|temporar\w+ (?:unavail|fail)"
    r"|service unavailable|connection (?:refused|reset|aborted|closed)|network is unreachable|could not resolve host"
    r"|no space left|deadline exceeded|try again later|overloaded|ETIMEDOUT|ECONNRESET|ECONNREFUSED",
    re.IGNORECASE,
)


def failed(text: str, *, flagged: bool = False) -> bool:
    """Tell by its flag, its beginning or its exit code whether a tool's result reports a failure."""
    if flagged or _FAILED.match(text[:500]):
        return True
    seen = [_EXIT.match(text.lstrip()[:200]), *_EXIT.finditer(text[-200:])]
    return any(found is not None and int(found[1]) != 0 for found in seen)


def environmental(text: str) -> bool:
    """Tell a failure of the environment (time-out, network, rate limit), from which nothing is to be learned."""
    return _ENVIRONMENT.search(text[:_LOOKED_AT]) is not None
