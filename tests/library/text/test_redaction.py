from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explib.models.json_value import Json
from explib.models.submissions import Submission
from explib.models.trajectories import Step, ToolCall
from explib.text.redaction import redact, redact_submission
from explib.text.rules import is_name

STEADY = settings(deadline=None, derandomize=True)
# Fake secrets are put together here so that no scanner takes this file for a leak.
ANTHROPIC = "sk-" + "ant-api03-" + "Ab1_" * 8
OPENAI = "sk-" + "proj-" + "aB3" * 14
AWS = "AKIA" + "QWERTYUIOPASDFGH"
GITHUB = "ghp" + "_" + "a1B2" * 9
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NSJ9" + ".abc-DEF_123"
PEM_HEAD = "-----BEGIN " + "RSA PRIVATE KEY-----"
PEM_TAIL = "-----END " + "RSA PRIVATE KEY-----"
PEM_LINES = ("MIIEowIBAAKCAQEA0123456789abcdef", "AbCdEfGhIjKlMnOpQrStUvWxYz012345", "abcd==")
TOKENS = {
    "anthropic": ANTHROPIC,
    "openai": OPENAI,
    "aws": AWS,
    "github": GITHUB,
    "jwt": JWT,
    "google": "AIza" + "SyA1b" * 7,
    "huggingface": "hf" + "_" + "aBcD" * 9,
    "gitlab": "glpat" + "-" + "a1b2c" * 4,
    "npm": "npm" + "_" + "a1B2" * 9,
    "pypi": "pypi-" + "AgEIcHlwaS5vcmc" + "a1" * 40,
    "slack": "xoxb" + "-1234567890-" + "abcdefghij",
    "stripe": "sk_" + "live_" + "a1B2" * 6,
    "sendgrid": "SG" + "." + "a" * 22 + "." + "b" * 43,
    "twilio": "SK" + "a1" * 16,
    "mailchimp": "a1" * 16 + "-us12",
    "discord": "M" + "a" * 23 + "." + "b" * 6 + "." + "c" * 27,
    "telegram": "123456789" + ":" + "aB_-1" * 7,
    "square": "sq0csp" + "-" + "a" * 43,
    "azure": "AccountKey=" + "a" * 86 + "==",
}
NAMES = (
    "password",
    "token",
    "secret",
    "api_key",
    "PASSWORD=",
    "_authToken=",
    "x-api-key:",
    "Authorization: ",
    "bearer ",
)
MARKS = ("\n", " ", '"', "'", "\\", "\\n", "=", ": ", "]", "@", "://", "[redacted:aws]", "[redacted:", "glagent-")
PLAIN = ("user:", "host", "hunter2", "a@b.com", "the")
PIECES = st.sampled_from((*TOKENS.values(), PEM_HEAD, PEM_TAIL, *PEM_LINES, *NAMES, *MARKS, *PLAIN))
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join)


@pytest.mark.parametrize("kind", TOKENS)
def test_each_known_token_is_replaced_and_its_surroundings_stay(kind: str) -> None:
    text, counts = redact(f"It printed ({TOKENS[kind]}) and went on.")
    assert text.startswith("It printed (")
    assert text.endswith(") and went on.")
    assert f"[redacted:{kind}]" in text
    assert TOKENS[kind] not in text
    assert counts == {kind: 1}


@pytest.mark.parametrize(
    ("before", "secret", "after"),
    [
        ("Authorization: Bearer ", "abc123" + "def456", ""),
        ("authorization: Basic ", "dXNlcjpw" + "YXNzd29yZA==", "\nAccept: x"),
        ('{"Authorization": "Bearer ', "abc123" + "def456", '"}'),
        ("curl -H 'x-api-key: ", "abcdef" + "12345", "' url"),
        ("postgresql://user:", "p" + "w", "@host/db"),
        ("redis://:", "p@ss" + "word", "@host:6379"),
        ('password = "', "hunter" + "2", '"'),
        ("password: ", "hunter" + "2!", " ok"),
        ('{"api_key": "', "abcd1234" + "efgh", '", "x": 1}'),
        ('{\\"api_key\\": \\"', "abcd1234" + "efgh", '\\"}'),
        ("export DB_PASSWORD=", "sword" + "fish", "\n"),
        ("AWS_SECRET_ACCESS_KEY=", "abcdEFGH" + "1234", "\n"),
        ("https://x.org/?token=", "abc123" + "def456", "&page=2"),
        ("//packages.example/:_authToken=", "abcd" + "1234-aaaa", "\n"),
        ("key:\n", "\n".join((PEM_HEAD, *PEM_LINES, PEM_TAIL)), "\nbye"),
        ('{"key": "', "\\n".join((PEM_HEAD, *PEM_LINES, PEM_TAIL)), '"}'),
        ("cut: ", "\n".join((PEM_HEAD, *PEM_LINES)), "\nand then prose"),
    ],
)
def test_only_the_secret_is_replaced(before: str, secret: str, after: str) -> None:
    text, counts = redact(before + secret + after)
    assert secret not in text
    assert text.startswith(before + "[redacted:")
    assert text.endswith("]" + after)
    assert counts.total() == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The password is required, and the token was missing.",
        "Password: required",
        "token: 128000 max",
        "password = get_password1()",
        "api_key=os.environ['KEY1234567']",
        'password = "${DB_PASSWORD}"',
        '{"password": "string", "token": "hello"}',
        "bearer authentication is needed for bearers",
        f"The key stands between {PEM_HEAD} and {PEM_TAIL}.",
        "Ask user1@example.com at https://example.com:8080/a@b",
        "PWD=/home/user1/project",
        "secret: 'must have at least 8 characters'",
        "sk-learn and hf_hub_download, task-force-one",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    ],
)
def test_text_without_a_secret_is_not_altered(text: str) -> None:
    assert redact(text) == (text, {})


@STEADY
@given(st.text(st.characters(exclude_characters=":=-_@. \\", exclude_categories=["Nd"])))
def test_plain_text_is_not_altered(text: str) -> None:
    assert redact(text) == (text, {})


@STEADY
@given(TEXTS, st.booleans())
def test_redacting_twice_changes_nothing_more(text: str, personal: bool) -> None:
    once, _ = redact(text, personal=personal)
    assert redact(once, personal=personal) == (once, {})


@STEADY
@given(st.text(max_size=30), st.sampled_from(sorted(TOKENS)), st.text(max_size=30))
def test_a_token_never_survives_whatever_stands_around_it(before: str, kind: str, after: str) -> None:
    assert TOKENS[kind] not in redact(f"{before} {TOKENS[kind]} {after}")[0]


def test_personal_data_is_replaced_only_when_asked_for() -> None:
    assert redact("Mail bob@example.com.") == ("Mail bob@example.com.", {})
    assert redact("Mail bob@example.com.", personal=True) == ("Mail [redacted:email].", {"email": 1})


@pytest.mark.parametrize("kind", ["anthropic", "openai", "github", "npm", "slack", "aws", "jwt"])
@pytest.mark.parametrize(
    "put",
    [
        lambda token: json.dumps({"out": f"the key:\n{token}\nbye"}),
        lambda token: json.dumps({"out": json.dumps({"in": f"key\t{token}"})}),
        lambda token: f"\x1b[32m{token}\x1b[0m",
        lambda token: f"{token[:9]}\x1b[1m{token[9:]}\x1b[0m",
        lambda token: f"agent-{token}",
        lambda token: f"tool -k{token}",
        lambda token: f"{token[:9]}\u200b{token[9:]}",
    ],
)
def test_a_token_is_found_where_programs_print_it(kind: str, put: Callable[[str], str]) -> None:
    assert TOKENS[kind][-9:] not in redact(put(TOKENS[kind]))[0]


@pytest.mark.parametrize(
    "token", ["gsk" + "_na" + "aB3x" * 13, "NRAK-" + "NA0P" * 6 + "AB1", "ZE68Q~" + "aB3.x" * 6 + "aB3x"]
)
def test_a_token_that_begins_like_a_placeholder_or_ends_a_sentence_is_found(token: str) -> None:
    assert token[-9:] not in redact(f"Use {token}.")[0]


def test_a_token_that_is_wrapped_over_lines_is_found_whole() -> None:
    token = "ghp" + "_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    for text in (
        f"{token[:30]}\n{token[30:]}",
        f"> {token[:25]}\n>   {token[25:]}",
        f'"{token[:20]}" + "{token[20:]}"',
    ):
        assert redact(text)[0].strip('"> ') == "[redacted:github]"


def test_a_line_of_its_own_is_not_taken_for_the_rest_of_a_token() -> None:
    assert redact(f"{GITHUB}\nand then") == ("[redacted:github]\nand then", {"github": 1})


VALUES = st.sampled_from((*TOKENS.values(), "hunter2!", "4111111111111111", "bob@example.com", "+14155552671", ""))
KEYS = st.sampled_from(("password", "token", "note", "phone", "kind", "data", "auth", "value", "name"))
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(4111111111111111) | st.floats(allow_nan=False) | VALUES | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@STEADY
@given(JSONS, st.booleans())
def test_json_objects_and_lists_stay_json(value: Json, personal: bool) -> None:
    json.loads(redact(json.dumps([value]), personal)[0])
    json.loads(redact(json.dumps([value], indent=1, ensure_ascii=False), personal)[0])


def test_arguments_are_redacted_by_their_look_and_by_their_name() -> None:
    arguments: dict[str, Json] = {
        "password": "correct horse",
        "page_tokens": 3,
        "nested": [{"apiKey": "short", "note": f"use {AWS}", "token": ""}],
        "pwd": "/home/me",
    }
    submission = Submission("task", (Step("assistant", GITHUB, (ToolCall("1", "f", arguments),)),))
    redacted = redact_submission(submission)
    steps = redacted.steps
    assert redacted.redactions == 4
    assert steps[0].text == "[redacted:github]"
    assert steps[0].calls[0].arguments == {
        "password": "[redacted:keyword]",
        "page_tokens": 3,
        "nested": [{"apiKey": "[redacted:keyword]", "note": "use [redacted:aws]", "token": ""}],
        "pwd": "/home/me",
    }
    assert redact_submission(redacted) == redacted


def test_every_text_of_a_submission_is_redacted_and_counted() -> None:
    submission = Submission(
        task=AWS,
        steps=(Step("user", AWS),), answer=AWS, ground_truth=AWS, feedback=AWS, group=AWS, agent=AWS, model=AWS,
        retrieval_id="r1", idempotency_key=AWS, redactions=2,
    )  # fmt: skip
    clean = redact_submission(submission)
    assert AWS not in repr(clean)
    assert clean.redactions == 11
    assert clean.retrieval_id == "r1"
    assert redact_submission(clean) == clean


def test_different_idempotency_keys_stay_different() -> None:
    keys = {redact_submission(Submission("t", (), idempotency_key=key)).idempotency_key for key in (AWS, GITHUB, "k")}
    assert len(keys) == 3


def test_a_long_value_that_is_nearly_a_name_is_told_from_one_at_once() -> None:
    """Each way to cut it into words would be tried otherwise: twice as many for every two letters."""
    for piece in ("a", "A", "aB", "AAa", "a_"):
        assert not is_name(piece * 1_000 + "1")
    assert is_name("someHTTPServerName")


HOSTILE = (
    *(
        "eyJ",
        "eyJ.",
        "password=",
        'password="',
        "password='\"`",
        "://a",
        "://a:b",
        "sk-",
        "a@",
        "a.",
        "aws key ",
        "glagent-",
    ),
    *(
        "kind: Secret\n",
        '"kind": "Secret" ',
        "xoxb-1-",
        "0123456789",
        "a",
        "-",
        "authorization: ",
        "\\",
        '"token":\\"',
        "_authToken=",
        "x-a-",
        "a-us1 ",
    ),
    *(PEM_HEAD, PEM_HEAD + "\nabcdefghijklmnopqrst\n", "[redacted:x]", AWS, AWS + " ", "password: [redacted:x]y1 "),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_is_redacted_once_and_for_all(piece: str) -> None:
    clean = redact(piece * (100_000 // len(piece)), personal=True)[0]
    assert redact(clean, personal=True)[0] == clean  # a quadratic pattern would take minutes


def test_importing_does_not_load_the_detectors() -> None:
    code = "import sys, explib.text.redaction; sys.exit('detect_secrets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
