"""Secrets are taken out of what agents submit, before anything is stored.

The formats of known tokens come from the plugins of `detect_secrets` (its specific detectors, none that go by entropy),
loaded on first use. Four of its detectors are replaced here, because their patterns need quadratic time on hostile text
(JWT, npm, basic auth, OpenAI), and two because they find the name of a secret but not its end (keyword, private key).

A secret becomes `[redacted:kind]`. Text without a secret is returned as it is. Redacting twice changes nothing more:
the search is repeated until it finds nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from itertools import chain

from explib.models.json_value import Json
from explib.models.submissions import Submission
from explib.models.trajectories import Step, ToolCall
from explib.text.words import storable

_MAX_PASSES = 12
_MARKER = re.compile(r"\[redacted:[a-z-]+\]")
_TOKEN_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")

_DETECTORS = (
    ("aws", "aws", "AWSKeyDetector", "akia asia abia acca a3t aws"),
    ("azure", "azure_storage_key", "AzureStorageKeyDetector", "accountkey="),
    ("discord", "discord", "DiscordBotTokenDetector", "."),
    ("github", "github_token", "GitHubTokenDetector", "ghp_ gho_ ghu_ ghs_ ghr_"),
    ("gitlab", "gitlab_token", "GitLabTokenDetector", "gl gr1348941"),
    ("mailchimp", "mailchimp", "MailchimpDetector", "-us"),
    ("pypi", "pypi_token", "PypiTokenDetector", "pypi-age"),
    ("sendgrid", "sendgrid", "SendGridDetector", "sg."),
    ("slack", "slack", "SlackDetector", "xox hooks.slack"),
    ("square", "square_oauth", "SquareOAuthDetector", "sq0csp-"),
    ("stripe", "stripe", "StripeDetector", "k_live_"),
    ("telegram", "telegram_token", "TelegramBotTokenDetector", ":"),
    ("twilio", "twilio", "TwilioKeyDetector", "ac sk"),
)
"""Kind, module and class in detect_secrets, and lower-case hints: without one of them in the text there is no match."""

_KEY = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|(?:secret[_-]?)?(?:api|access|private|account|auth|client)[_-]?key"
    r"|secret[_-]?key|token)"
)
_ASSIGNED = r"""\\{0,3}["'\]]?[ \t]{0,4}(?:=>|:=|={1,3}|:)[ \t]{0,4}"""
_PEM_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_PEM_END = re.compile(r"-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|Private-MAC: ?[0-9a-f]{20,}+")
_PEM_BODY = re.compile(
    r"(?:(?:\s|\\[nr])++(?:[A-Za-z-]++:[^\n\\]*+|[A-Za-z0-9+/=]{16,}+))++(?:(?:\\[nr]|\s)[A-Za-z0-9+/]++={1,2})?+"
)
_SECRET_NAME = re.compile(
    r".*(?:password|passwd|passphrase|pwd|secret|apikey|(?:access|private|secret|auth|account)key"
    r"|(?:auth|access|refresh|session|bearer|api|id|bot)token)|token|authorization",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_PLACEHOLDER = re.compile(
    r"\$[A-Za-z_{(]|[<{*(]|%[sd(]|%\w+%|\.\.\.|your[ _-]|process\.env|os\.environ|env\.|self\.|xxx|~?/[a-z._-]+(?:/|\Z)"
    r"|(?:string|str|text|none|null|nil|true|false|undefined|required|optional|password|passwd|secret|token|key"
    r"|api_?key|hidden|missing|invalid|empty|unknown|expired|changed|incorrect|wrong|enabled|disabled|default|example"
    r"|value|input|header)\Z",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One kind of secret: where a pattern matches, group `v` (else all of it) is a secret if `accepts` says so."""

    kind: str
    hints: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]
    accepts: Callable[[re.Match[str]], bool] = lambda _: True


def redact(text: str, *, emails: bool = False) -> tuple[str, Counter[str]]:
    """The text with each secret (and, if asked for, e-mail address) replaced, and how many of each kind there were."""
    counts: Counter[str] = Counter()
    for _ in range(_MAX_PASSES):
        found = list(_find(text, emails))
        if not found or not (spans := _merge(text, found)):
            break
        pieces: list[str] = []
        done = 0
        for start, end, kind in spans:
            pieces += (text[done:start], f"[redacted:{kind}]")
            counts[kind] += 1
            done = end
        text = "".join((*pieces, text[done:]))
    return text, counts


def redact_submission(submission: Submission, *, emails: bool = False) -> Submission:
    """A submission with every text fit to be stored, redacted, and what was found added to its `redactions`.

    An idempotency key that holds a secret becomes its hash, so that different keys stay different. The retrieval id,
    which we made ourselves, is not looked through.
    """
    counts: Counter[str] = Counter()

    def clean(text: str | None) -> str | None:
        return None if text is None else _redact_text(storable(text), emails, counts)

    key = submission.idempotency_key
    if key is not None and clean(key) != key:
        key = "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return replace(
        submission,
        task=_redact_text(storable(submission.task), emails, counts),
        steps=tuple(_redact_step(step, emails, counts) for step in submission.steps),
        answer=clean(submission.answer),
        ground_truth=clean(submission.ground_truth),
        feedback=clean(submission.feedback),
        group=clean(submission.group),
        agent=clean(submission.agent),
        model=clean(submission.model),
        retrieval_id=None if submission.retrieval_id is None else storable(submission.retrieval_id),
        idempotency_key=key,
        redactions=submission.redactions + counts.total(),
    )


def _redact_text(text: str, emails: bool, counts: Counter[str]) -> str:
    clean, found = redact(text, emails=emails)
    counts.update(found)
    return clean


def _redact_step(step: Step, emails: bool, counts: Counter[str]) -> Step:
    def clean(text: str) -> str:
        return _redact_text(text, emails, counts)

    calls = tuple(
        ToolCall(
            clean(call.id),
            clean(call.name),
            {clean(k): _redact_json(v, k, emails, counts) for k, v in call.arguments.items()},
        )
        for call in step.calls
    )
    answers_call = None if step.answers_call is None else clean(step.answers_call)
    return replace(step, text=clean(step.text), calls=calls, answers_call=answers_call)


def _redact_json(value: Json, key: str, emails: bool, counts: Counter[str]) -> Json:
    """A value under its key: what stands under a key that names a secret is one, whatever it looks like."""
    if isinstance(value, dict):
        return {_redact_text(k, emails, counts): _redact_json(v, k, emails, counts) for k, v in value.items()}
    if isinstance(value, list):
        return [_redact_json(item, key, emails, counts) for item in value]
    if not isinstance(value, str):
        return value
    bare = re.sub("[_. -]", "", key[-100:]).lower()
    path = value.startswith("/") and bare.endswith("pwd")
    if path or not value.strip() or _MARKER.fullmatch(value) or not _SECRET_NAME.fullmatch(bare):
        return _redact_text(value, emails, counts)
    counts["keyword"] += 1
    return "[redacted:keyword]"


def _merge(text: str, found: Iterable[tuple[int, int, int, str]]) -> list[tuple[int, int, str]]:
    """Join overlapping finds, each widened to the whole token it lies in; the most specific rule gives the kind.

    Widening keeps the edges of what was cut out on characters that belong to no token, so that cutting never makes a
    new secret out of what is left. What is a marker already stays.
    """
    markers = [(match.start(), match.end(), len(_rules()), "") for match in _MARKER.finditer(text)]
    known = {(start, end) for start, end, _, _ in markers}
    merged: list[tuple[int, int, int, str]] = []
    for start, end, rank, kind in sorted(chain(found, markers)):
        last = merged[-1][1] if merged else 0
        if merged and start < last and end <= last:
            merged[-1] = (merged[-1][0], last, *min(merged[-1][2:], (rank, kind)))
            continue
        if kind:
            while start > last and text[start - 1] in _TOKEN_CHARS:
                start -= 1
            while end < len(text) and text[end] in _TOKEN_CHARS:
                end += 1
        if merged and start < last:
            merged[-1] = (merged[-1][0], end, *min(merged[-1][2:], (rank, kind)))
        else:
            merged.append((start, end, rank, kind))
    return [(start, end, kind) for start, end, _, kind in merged if (start, end) not in known]


def _find(text: str, emails: bool) -> Iterator[tuple[int, int, int, str]]:
    lowered = text.lower()
    hinted = {rank for hint, ranks in _ranks() if hint in lowered for rank in ranks}
    for rank in sorted(hinted):
        rule = _rules()[rank]
        if rule.kind == "email" and not emails:
            continue
        for match in chain.from_iterable(pattern.finditer(text) for pattern in rule.patterns):
            start, end = match.span("v" if "v" in match.re.groupindex else 0)
            if end > start and rule.accepts(match):
                yield start, end, rank, rule.kind
    if "PRIVATE KEY" in text or "PuTTY" in text:
        yield from _private_keys(text)


def _private_keys(text: str) -> Iterator[tuple[int, int, int, str]]:
    """Whole key blocks, also where lines are joined by a written-out backslash n, or where the end is missing."""
    begins = list(_PEM_BEGIN.finditer(text))
    ends = list(_PEM_END.finditer(text))
    at = 0
    for number, begin in enumerate(begins):
        while at < len(ends) and ends[at].start() < begin.end():
            at += 1
        following = begins[number + 1].start() if number + 1 < len(begins) else len(text)
        closed = at < len(ends) and ends[at].start() <= following
        if closed and re.search("[A-Za-z0-9+/=]{16}", text[begin.end() : ends[at].start()]):
            yield begin.start(), ends[at].end(), -1, "pem"
        elif not closed and (body := _PEM_BODY.match(text, begin.end(), following)):
            yield begin.start(), body.end(), -1, "pem"


def _looks_made(value: str) -> bool:
    """Whether a value looks generated rather than written: letters with digits, or capitals in the middle."""
    digits = any(char.isdigit() for char in value)
    return (digits and any(char.isalpha() for char in value)) or re.search("[a-z][A-Z]", value) is not None


def _is_credential(match: re.Match[str]) -> bool:
    return not _PLACEHOLDER.match(match["v"]) and (_looks_made(match["v"]) or len(match["v"]) >= 24)


def _is_header(match: re.Match[str]) -> bool:
    return not _PLACEHOLDER.match(match["v"])


def _is_url_password(match: re.Match[str]) -> bool:
    return not re.match(r"\$[A-Za-z_{(]|[{*]|%[sd]|%\w+%\Z", match["v"], re.ASCII)


def _is_quoted(match: re.Match[str]) -> bool:
    value, name = match["v"], match["name"].lower()
    if _PLACEHOLDER.match(value) or any(char.isspace() for char in value):
        return False
    return len(value) >= 3 and (name != "token" or _looks_made(value) or len(value) >= 20)


def _is_bare(match: re.Match[str]) -> bool:
    value, name = match["v"], match["name"]
    if _PLACEHOLDER.match(value):
        return False
    in_environment = name.isupper() and "=" in match["is"] and " " not in match["is"]
    return in_environment or (_looks_made(value) and len(value) >= (6 if name.lower().startswith("p") else 10))


@cache
def _rules() -> tuple[_Rule, ...]:
    """Every rule, the specific ones first. Loads detect_secrets."""
    made = []
    for kind, module, detector, hints in _DETECTORS:
        patterns: Iterable[re.Pattern[str]] = getattr(
            import_module(f"detect_secrets.plugins.{module}"), detector
        ).denylist
        made.append(_Rule(kind, tuple(hints.split()), tuple(patterns)))
    return (*made, *_own_rules())


@cache
def _ranks() -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Each hint, and the rules that it is for."""
    by_hint: dict[str, list[int]] = {}
    for rank, rule in enumerate(_rules()):
        for hint in rule.hints:
            by_hint.setdefault(hint, []).append(rank)
    return tuple((hint, tuple(ranks)) for hint, ranks in by_hint.items())


def _own_rules() -> Iterator[_Rule]:
    def rule(kind: str, hints: str, pattern: str, accepts: Callable[[re.Match[str]], bool] = lambda _: True) -> _Rule:
        flags = re.ASCII if kind in _CASED else re.ASCII | re.IGNORECASE
        return _Rule(kind, tuple(hints.split()), (re.compile(pattern, flags),), accepts)

    edge = "(?<![A-Za-z0-9_-])"
    yield rule("jwt", "eyj", edge + r"eyJ[\w-]{10,}+\.[\w-]{8,}+(?:\.[\w-]*+)*+")
    yield rule("anthropic", "sk-ant-", edge + r"sk-ant-[\w-]{16,}+")
    yield rule("openai", "sk-", edge + r"sk-(?:[A-Za-z0-9]{20,}+|(?:proj|svcacct|admin|None|or)-[\w-]{16,}+"
               r"|(?=[\w-]*T3BlbkFJ)[\w-]{40,}+)")  # fmt: skip
    yield rule("google", "aiza ya29. gocspx-", edge + r"(?:AIza[\w-]{35}|ya29\.[\w-]{20,}+|GOCSPX-[\w-]{20,}+)")
    yield rule("huggingface", "hf_", edge + r"hf_[A-Za-z0-9]{30,}+")
    yield rule("github", "github_pat_", edge + r"github_pat_\w{22,}+")
    yield rule("npm", "npm_", edge + r"npm_[A-Za-z0-9]{30,}+")
    yield rule("npm", "_authtoken", r"_authToken[ \t]{0,4}=[ \t]{0,4}(?P<v>[\w=+/-]{8,}+)")
    value = r"(?P<v>[A-Za-z0-9._~+/=:-]{6,}+)"
    yield rule("bearer", "bearer", r"\bbearer[ \t]{1,4}" + value, _is_credential)
    quoted = r"""\\{0,3}["']?[ \t]{0,4}[:=][ \t]{0,4}\\{0,3}["']?"""
    yield rule("authorization", "authorization", "authorization" + quoted + r"(?:[a-z-]{3,12}[ \t]{1,4})?" + value,
               _is_credential)  # fmt: skip
    yield rule("header", "x-", r"\bx-(?:[a-z]{1,16}-){0,3}(?:key|token|secret)" + quoted + value, _is_header)
    yield rule("basic-auth", "://", r"""://[^\s:@/"'<>]{0,256}:(?P<v>[^\s/"'<>]{1,256})@""", _is_url_password)
    yield rule("groq", "gsk_", edge + r"gsk_[A-Za-z0-9]{20,}+")
    yield rule("digitalocean", "do", edge + r"do[opr]_v1_[a-f0-9]{32,}+")
    yield rule("cookie", "cookie", r"\bcookie:[ \t]{0,4}(?P<v>[^\r\n\"']{8,8192})")
    flag = r"(?<!\S)--?(?:[a-z]{1,16}-){0,3}(?:password|passwd|token|secret|api-key)(?:=|[ \t]{1,4})"
    yield rule("flag", "--", flag + r"(?P<v>[^\s\"'<>{}\[\]$-][^\s\"']{5,256})", _is_header)
    yield rule(
        "basic-auth", "curl", r"\bcurl\b[^\r\n]{0,512}?[ \t](?:-u|--user)[ \t=]{1,4}[^\s:]{1,128}:(?P<v>\S{1,256})"
    )
    yield rule("basic-auth", "mysql", r"\bmysql(?:dump|admin)?\b[^\r\n]{0,512}?[ \t]-p(?P<v>[^\s-]\S{2,256})")
    names = "pass pwd secret key token"
    name = rf"(?<!\[redacted:)(?P<name>{_KEY})(?P<is>{_ASSIGNED})"
    yield rule("keyword", names, name + r"""(?P<esc>\\{1,3})?@?(?P<q>["'`])"""
               r"""(?P<v>(?:(?!(?P=q))[^\\\n]|(?(esc)(?!)|\\[^\n]))++)\\{0,3}(?P=q)""", _is_quoted)  # fmt: skip
    yield rule("keyword", names, name + r"""(?P<v>[^\s"'`\\,;(){}<>\[\]$&|]{4,256}+)(?![(\[])""", _is_bare)
    yield rule("email", "@", r"(?<![\w.%+-])[\w.%+-]++@(?:[A-Za-z0-9-]++\.)+[A-Za-z]{2,}+")


_CASED = frozenset(("jwt", "anthropic", "openai", "google", "huggingface", "github", "npm", "groq", "digitalocean"))
