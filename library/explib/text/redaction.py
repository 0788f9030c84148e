"""Secrets, and personal data where that is wanted, are taken out of what agents submit, before anything is stored.

The rules stand in `known_tokens` (what is recognised by its own form), `named_values` (by what stands before it),
`blocks` (of several lines) and `personal`. They are run on a view of the text without colour codes, written-out escapes
and line wraps (`views`); what they find is cut out of the text itself.

A secret becomes `[redacted:kind]`. Text without a secret is returned as it is. Redacting twice changes nothing more:
the search is repeated until it finds nothing. An object or list in JSON stays JSON: a number becomes a string.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, partial
from itertools import chain

from explib.models.json_value import Json
from explib.models.submissions import Submission
from explib.models.trajectories import Step, ToolCall
from explib.text.blocks import manifest_values, private_keys
from explib.text.known_tokens import known_token_rules
from explib.text.named_values import named_value_rules
from explib.text.rules import Rule
from explib.text.views import View, clear_view, joined_view
from explib.text.words import lowered, storable

_MAX_PASSES = 12
_MARKER = re.compile(r"\[redacted:[a-z-]+\]")
_TOKEN_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_SECRET_NAME = re.compile(
    r".*(?:password|passwd|passphrase|pwd|secret|apikey|(?:access|private|secret|auth|account)key"
    r"|(?:auth|access|refresh|session|bearer|api|id|bot)token)|token|authorization",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_UNICODE_ESCAPE = 5
"""Characters of a written-out u0000 after its backslash, which stays whole."""
_BLOCK_RANK = -1
_NEAR_SEAM = 400
"""Characters."""


def redact(text: str, personal: bool = False) -> tuple[str, Counter[str]]:
    """The text with each secret (and, if asked for, personal datum) replaced, and how many of each kind there were."""
    counts: Counter[str] = Counter()
    for _ in range(_MAX_PASSES):
        found = list(_find(text, personal))
        if not found or not (spans := _merge(text, found)):
            break
        quoting = _json_literals(text, spans)
        pieces: list[str] = []
        done = 0
        for start, end, kind in spans:
            marker = f"[redacted:{kind}]"
            pieces += (text[done:start], f'"{marker}"' if start in quoting else marker)
            counts[kind] += 1
            done = end
        text = "".join((*pieces, text[done:]))
    return text, counts


def redacted(text: str) -> str:
    """The text without secrets, for what is stored or shown beside submissions: reasons, names, objectives, answers."""
    return redact(text)[0]


def redact_submission(submission: Submission, *, personal: bool = False) -> Submission:
    """A submission with every text fit to be stored, redacted, and what was found added to its `redactions`.

    An idempotency key that holds a secret becomes its hash, so that different keys stay different. The retrieval id,
    which we made ourselves, is not looked through.
    """
    counts: Counter[str] = Counter()
    search = cache(partial(redact, personal=personal))  # names, ids and whole texts come again from step to step

    def clean(text: str) -> str:
        without, found = search(storable(text))
        counts.update(found)
        return without

    def clean_if_any(text: str | None) -> str | None:
        return None if text is None else clean(text)

    key = submission.idempotency_key
    if key is not None and clean(key) != key:
        key = "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return replace(
        submission,
        task=clean(submission.task),
        steps=tuple(_redact_step(step, clean, counts) for step in submission.steps),
        answer=clean_if_any(submission.answer),
        ground_truth=clean_if_any(submission.ground_truth),
        feedback=clean_if_any(submission.feedback),
        group=clean_if_any(submission.group),
        agent=clean_if_any(submission.agent),
        model=clean_if_any(submission.model),
        retrieval_id=None if submission.retrieval_id is None else storable(submission.retrieval_id),
        idempotency_key=key,
        redactions=submission.redactions + counts.total(),
    )


def _redact_step(step: Step, clean: Callable[[str], str], counts: Counter[str]) -> Step:
    calls = tuple(
        ToolCall(
            clean(call.id),
            clean(call.name),
            {clean(k): _redact_json(v, k, clean, counts) for k, v in call.arguments.items()},
        )
        for call in step.calls
    )
    answers_call = None if step.answers_call is None else clean(step.answers_call)
    return replace(step, text=clean(step.text), calls=calls, answers_call=answers_call)


def _redact_json(value: Json, key: str, clean: Callable[[str], str], counts: Counter[str]) -> Json:
    """A value under its key: what stands under a key that names a secret is one, whatever it looks like."""
    if isinstance(value, dict):
        return {clean(k): _redact_json(v, k, clean, counts) for k, v in value.items()}
    if isinstance(value, list):
        return [_redact_json(item, key, clean, counts) for item in value]
    if not isinstance(value, str):
        return value
    bare = re.sub("[_. -]", "", key[-100:]).lower()
    path = value.startswith("/") and bare.endswith("pwd")
    if path or not value.strip() or _MARKER.fullmatch(value) or not _SECRET_NAME.fullmatch(bare):
        return clean(value)
    counts["keyword"] += 1
    return "[redacted:keyword]"


def _merge(text: str, finds: Iterable[tuple[int, int, int, str]]) -> list[tuple[int, int, str]]:
    """Join overlapping finds, each widened to the whole token it lies in; the most specific rule gives the kind.

    Widening keeps the edges of what was cut out on characters that belong to no token, so that cutting never makes a
    new secret out of what is left. What is a marker already stays.
    """
    markers = [(match.start(), match.end(), len(_rules()) + 2, "") for match in _MARKER.finditer(text)]
    known = {(start, end) for start, end, _, _ in markers}
    merged: list[tuple[int, int, int, str]] = []
    for start, end, rank, kind in sorted(chain(finds, markers)):
        last = merged[-1][1] if merged else 0
        if merged and start < last and end <= last:
            merged[-1] = (merged[-1][0], last, *min(merged[-1][2:], (rank, kind)))
            continue
        if kind:
            found = start
            while start > last and text[start - 1] in _TOKEN_CHARS:
                start -= 1
            if start and start < found and text[start - 1] == "\\":
                start = min(found, start + (_UNICODE_ESCAPE if text[start] == "u" else 1))
            while end < len(text) and text[end] in _TOKEN_CHARS:
                end += 1
        if merged and start < last:
            merged[-1] = (merged[-1][0], end, *min(merged[-1][2:], (rank, kind)))
        else:
            merged.append((start, end, rank, kind))
    return [(start, end, kind) for start, end, _, kind in merged if (start, end) not in known]


def _json_literals(text: str, spans: list[tuple[int, int, str]]) -> frozenset[int]:
    """Where in a JSON text a marker replaces what is no string."""
    if text.lstrip()[:1] not in ("{", "[") or not _is_json(text):
        return frozenset()
    strings = iter(_STRING.finditer(text))
    string = next(strings, None)
    outside = []
    for start, _, _ in spans:
        while string is not None and string.end() <= start:
            string = next(strings, None)
        if string is None or start < string.start():
            outside.append(start)
    return frozenset(outside)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _find(text: str, personal: bool) -> Iterator[tuple[int, int, int, str]]:
    """What is to be cut out. Around each seam of joined lines the lines are looked at as they were, too."""
    clear = clear_view(text)
    joined = joined_view(clear)
    for start, end, rank, kind in _find_in(joined.text, personal):
        yield *joined.span(start, end), rank, kind
    if joined is clear:
        return
    for begin, end in _around(joined, len(clear.text)):
        for start, stop, rank, kind in _find_in(clear.text[begin:end], personal):
            yield *clear.span(begin + start, begin + stop), rank, kind


def _around(joined: View, length: int) -> Iterator[tuple[int, int]]:
    """The ranges of the text before the joining that are near a seam."""
    begin = end = -1
    for seam in joined.seams():
        at = joined.layers[0].span(seam, seam + 1)[0]
        if begin >= 0 and at - _NEAR_SEAM <= end:
            end = at + _NEAR_SEAM
            continue
        if begin >= 0:
            yield begin, min(end, length)
        begin, end = max(0, at - _NEAR_SEAM), at + _NEAR_SEAM
    if begin >= 0:
        yield begin, min(end, length)


def _find_in(text: str, personal: bool) -> Iterator[tuple[int, int, int, str]]:
    small = lowered(text)
    ranks = sorted({rank for hint, ranks in _ranks() if hint in small for rank in ranks})
    for rank in ranks:
        rule = _rules()[rank]
        for start, end in rule.finds(text, small):
            yield start, end, rank, rule.kind
    if "PRIVATE KEY" in text or "PuTTY" in text:
        for start, end in private_keys(text):
            yield start, end, _BLOCK_RANK, "pem"
    if "Secret" in text:
        for start, end in manifest_values(text):
            yield start, end, len(_rules()), "manifest"
    if personal:
        from explib.text.personal import personal_data

        for start, end, kind in personal_data(text):
            yield start, end, len(_rules()) + 1, kind


@cache
def _rules() -> tuple[Rule, ...]:
    return (*known_token_rules(), *named_value_rules())


@cache
def _ranks() -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Each hint, and the rules that it is for."""
    by_hint: dict[str, list[int]] = {}
    for rank, rule in enumerate(_rules()):
        for hint in rule.hints:
            by_hint.setdefault(hint, []).append(rank)
    return tuple((hint, tuple(ranks)) for hint, ranks in by_hint.items())
