"""The credentials that are recognised by their own form: prefix and alphabet, wherever they stand.

The forms come from the plugins of `detect_secrets` (its specific detectors, none that go by entropy), loaded on first
use, and from the table below. Some of its detectors are replaced: their patterns need quadratic time on hostile text
(JWT, npm, basic auth, OpenAI), match inside hashes (Twilio), or find the head of a private key without its body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module

from explib.text.rules import Rule, is_name, is_placeholder

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
)
"""Kind, module and class in detect_secrets, and lower-case hints: without one of them in the text there is no match."""

_ALPHABETS = {"a": "[A-Za-z0-9]", "w": "[A-Za-z0-9_-]", "x": "[a-fA-F0-9]", "U": "[A-Z0-9]", "b": "[A-Za-z0-9+/=_.-]"}
_TABLE = """
anthropic sk-ant- w16
openai sk-proj- w16, sk-svcacct- w16, sk-admin- w16, sk-None- w16, sess- a40, sk- a20
openrouter sk-or- w16
google AIza w35-39, ya29. w20, GOCSPX- w20, 1//0 w40
huggingface hf_ a30, api_org_ a30
replicate r8_ a30
groq gsk_ a20
perplexity pplx- a30
xai xai- a40
nvidia nvapi- w40
fireworks fw_ a20, fpk_ a20
langsmith lsv2_pt_ w32, lsv2_sk_ w32, ls__ a32
langfuse sk-lf- w32
wandb wandb_v1_ w40
tavily tvly- w20
voyage pa- w40
jina jina_ w40
exa exa_ a30
e2b e2b_ x36
github github_pat_ w22, ghp_ a30, gho_ a30, ghu_ a30, ghs_ a30, ghr_ a30
gitlab glpat- w20, gldt- w20, glrt- w20, glptt- w20, glcbt- w20, glft- w20, glsoat- w20
gitlab glagent- w20, gloas- w20, glffct- w20, glimt- w20, GR1348941 w20
bitbucket ATBB a24, ATCTT3xFfGN0 b40, BBDC- a36
atlassian ATATT3xFfGF0 b40
aws AKIA U16-16, ASIA U16-16, ABSK b60, bedrock-api-key- b40
digitalocean dop_v1_ x32, doo_v1_ x32, dor_v1_ x32
alibaba LTAI a12-26
tencent AKID a32
yandex AQVN w33
ibm ApiKey- w30
scaleway SCW U17-17
ovh ovh_ a32
hetzner hcloud_ a40
linode lin_pat_ a30
vultr VULTR_ a30
heroku HRKU- w30
fly fm1_ b40, fm2_ b40, fo1_ b40, FlyV1 b40
cloudflare v1.0- x100, cfut_ w30, cfat_ w30, cfk_ w30
netlify nfp_ a30, nfc_ a30, nfo_ a30, nfu_ a30
render rnd_ a20
vercel vcp_ a20, vci_ a20, vca_ a20, vcr_ a20, vck_ a20, vercel_blob_rw_ w30
railway railway_ w30
pulumi pul- x40
vault hvs. w24, hvb. w24, hvr. w24
doppler dp.pt. w40, dp.st. b40, dp.ct. w40, dp.sa. w40, dp.scim. w40, dp.audit. w40, dp.said. w40
1password ops_ey w60
age AGE-SECRET-KEY- a40
npm npm_ a30, npms_ a30
pypi pypi-AgE w40
rubygems rubygems_ x40
docker dckr_pat_ w20, dckr_oat_ w20
cargo cio a32-36
clojars CLOJARS_ a60
jfrog AKCp a60, cmVmdGtuO a50, eyJ2ZXIiOiIyIi b60
nuget oy2 a40-46
hex hexpm_ a30
slack xoxb- w20, xoxp- w20, xoxa- w20, xoxr- w20, xoxs- w20, xoxc- w20, xoxd- b20, xoxe b20, xapp- w20
sendgrid SG. b40
mailgun key- x32-32, pubkey- x32-32
brevo xkeysib- w40, xsmtpsib- w40
resend re_ a20
mandrill md- w22
twilio SK x32-32, AC x32-32
stripe sk_live_ a10, rk_live_ a10, sk_test_ a10, rk_test_ a10, whsec_ b20, sk_org_ a20
square EAAA w56, sq0atp- w22, sq0csp- w40
paypal access_token$production$ w20, access_token$sandbox$ w20
braintree access_token$ b20
shopify shpat_ x32, shpca_ x32, shppa_ x32, shpss_ x32
plaid access-sandbox- w36, access-production- w36, access-development- w36
facebook EAACEdEose0cBA a20, EAA a100
instagram IGQV w60, IGAA w60
twitter AAAAAAAAAAAAAAAAAAAAA b40
linkedin WPL_AP1. b16
linear lin_api_ a30, lin_oauth_ a30
notion ntn_ a40, secret_ a40
figma figd_ w36, figo_ w36, figu_ w36
dropbox sl. w60, sl.u. w60
databricks dapi x32, dose x32, dkea x32, dsapi x32
grafana glc_ b30, glsa_ w32, eyJrIjoi b40
newrelic NRAK- U20, NRII- w20, NRJS- x16, NRAA- x20, NRRA- x20, NRIQ- w20
sentry sntrys_ b40, sntryu_ x40
dynatrace dt0c01. b40, dt0s01. b40, dt0s16. b40
honeycomb hcaik_ a40, hcxik_ a40, hcxmk_ a40
datadog ddapi_ a30, ddapp_ a30, ddpat_ a30
posthog phx_ a30, phs_ a30
pagerduty u+ w18-18
planetscale pscale_tkn_ b30, pscale_pw_ b30, pscale_oauth_ b30
supabase sbp_ x36, sb_secret_ w20
neon napi_ a40, npg_ a12
mongodb mdb_sa_sk_ w30
turso eyJhbGciOiJFZERTQSIs b40
upstash AX b55
pinecone pcsk_ w40
aiven AVNS_ w15
prefect pnu_ a30, pnb_ a30
postman PMAK- w40
readme rdme_ a50
duffel duffel_live_ w30, duffel_test_ w30
lob live_ x30, test_ x30
easypost EZAK a50, EZTK a50
shippo shippo_live_ x36, shippo_test_ x36
flutterwave FLWSECK_TEST- w30, FLWSECK- w30
razorpay rzp_live_ a14, rzp_test_ a14
adyen AQE b60
typeform tfp_ w40
contentful CFPAT- w40
sourcegraph sgp_ w40, slk_ x60, sgd_ w40, sgs_ w40
tailscale tskey-api- w20, tskey-auth- w20, tskey-client- w20, tskey-scim- w20, tskey-webhook- w20
infracost ico- a32
frameio fio-u- w60
snyk snyk_uat. b30, snyk_sat. b30
sonar sqp_ x40, squ_ x40, sqa_ x40
buildkite bkua_ x40, bkat_ x40
circleci CCIPAT_ w40, CCIPRJ_ w40
defined dnkey- w40
mapbox sk.eyJ b60, tk.eyJ b60
discord mfa. w60
confluent cflt w50
temporal tmprl_ a30
elevenlabs sk_ x40-48
modal ak- a22-22, as- a22-22
"""
"""Kind; then, separated by commas, each prefix with the alphabet of what follows and its least (and, after a dash,
most) length. Alphabets: a alphanumeric, w also - and _, x hexadecimal, U capitals and digits, b base64 and dots."""

_GLUED = r"(?:(?<![A-Za-z0-9])|(?<=[ \t]-[A-Za-z]))"
_CUED = "live|test|prod|sandbox|pat|oat|uat|api|apikey|key|sk|rk|tok|token|tkn|secret|auth|pw|access|refresh"
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_STRONG_CHARACTERS = 4


@cache
def known_token_rules() -> tuple[Rule, ...]:
    """The rules for every known form, the specific ones first. Loads detect_secrets."""
    return (*_detectors(), *_table(), *_shapes())


def _detectors() -> Iterator[Rule]:
    for kind, module, detector, hints in _DETECTORS:
        plugin = getattr(import_module(f"detect_secrets.plugins.{module}"), detector)
        patterns: Iterable[re.Pattern[str]] = plugin.denylist
        for pattern in patterns:
            yield Rule(kind, tuple(hints.split()), pattern, _is_no_example, anchored=False)


def _table() -> Iterator[Rule]:
    for line in _TABLE.split("\n"):
        kind, _, forms = line.partition(" ")
        for form in filter(None, forms.split(", ")):
            prefix, tail = form.rsplit(" ", 1)
            least, _, most = tail[1:].partition("-")
            strong = len(prefix) >= _STRONG_CHARACTERS and not prefix.isalnum()
            edge = "" if strong else _GLUED
            length = f"{{{least},{most}}}+" + f"(?!{_ALPHABETS[tail[0]]})" if most else f"{{{least},}}+"
            pattern = re.compile(f"{edge}{re.escape(prefix)}(?P<tail>{_ALPHABETS[tail[0]]}{length})")
            yield Rule(kind, (prefix.lower(),), pattern, _is_drawn)


def _shapes() -> Iterator[Rule]:
    def rule(kind: str, hints: str, pattern: str, *, anchored: bool = True) -> Rule:
        return Rule(kind, tuple(hints.split()), re.compile(pattern, re.ASCII), _is_no_example, anchored)

    yield rule("jwt", "eyj", r"(?<![A-Za-z0-9_])eyJ[\w-]{10,}+\.[\w-]{8,}+(?:\.[\w-]*+)*+")
    yield rule("airtable", "pat", rf"{_GLUED}pat[A-Za-z0-9]{{14}}\.[a-f0-9]{{64}}")
    yield rule("hubspot", "pat-", rf"pat-[a-z]{{2}}\d-{_UUID}")
    yield rule("launchdarkly", "sdk- mob- api-", rf"{_GLUED}(?:sdk|mob|api)-{_UUID}")
    yield rule("terraform", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}+", anchored=False)
    yield rule("azure", "q~", r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{30,33}[\w~-](?![\w~-]|\.\w)", anchored=False)
    yield rule("signature", "sig= signature= x-amz-security-token=", r"(?i:(?:sig|signature|x-amz-security-token)=)"
               r"(?P<v>[\w%+/=.-]{20,}+)")  # fmt: skip
    yield rule("webhook", "discord", r"(?i:discord(?:app)?\.com/api(?:/v\d+)?/webhooks)/(?P<v>\d{15,20}/[\w-]{40,}+)")
    yield rule("webhook", ".webhook.", r"(?i:\.webhook\.office\.com/webhookb?2?)/(?P<v>[\w@/-]{60,}+)")
    yield rule("webhook", "hooks.zap", r"(?i:hooks\.zapier\.com/hooks/catch)/(?P<v>[\w/-]{8,}+)")
    yield rule("telegram", "/bot", r"/bot(?P<v>\d{6,12}:[\w-]{30,}+)")
    cued = rf"(?<=[_-])(?:{_CUED})[_-](?P<tail>[A-Za-z0-9]{{20,}}+)"
    hints = tuple(f"{word}{mark}" for word in _CUED.split("|") for mark in "_-")
    yield Rule("token", hints, re.compile(cued), _is_mixed)


def _is_no_example(match: re.Match[str]) -> bool:
    return re.search("x{8}|X{8}|[*]{4}", match[0]) is None


def _is_drawn(match: re.Match[str]) -> bool:
    """Whether what follows the prefix is drawn: no placeholder, and mostly in pieces that are no words."""
    tail = match["tail"]
    pieces = re.findall("[A-Za-z0-9]+", tail)
    drawn = sum(len(piece) for piece in pieces if not piece.isdigit() and not is_name(piece))
    return 2 * drawn > len(tail) and not is_placeholder(tail)


def _is_mixed(match: re.Match[str]) -> bool:
    """Whether the rest of a token of an unknown maker has small letters, capitals and digits: hashes have not."""
    tail = match["tail"]
    return _is_drawn(match) and tail != tail.lower() and any(map(str.isdigit, tail))
