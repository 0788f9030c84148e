"""Made-up credentials in the forms of real ones, the places they turn up in, and what only looks like one."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
URL = ALNUM + "-_"
DRAW = random.Random(12)


def drawn(length: int, alphabet: str = ALNUM) -> str:
    """Random characters."""
    return "".join(DRAW.choice(alphabet) for _ in range(length))


def uuid() -> str:
    """A random UUID."""
    return "-".join(drawn(length, HEX) for length in (8, 4, 4, 4, 12))


PREFIXED: dict[str, tuple[str, int, str]] = {
    "anthropic": ("sk-ant-api03-", 80, URL),
    "openai": ("sk-proj-", 48, ALNUM),
    "openrouter": ("sk-or-v1-", 64, HEX),
    "deepseek": ("sk-", 32, HEX),
    "google api": ("AIza", 35, ALNUM),
    "google oauth": ("GOCSPX-", 28, ALNUM),
    "google token": ("ya29.", 120, URL),
    "huggingface": ("hf_", 34, ALNUM),
    "replicate": ("r8_", 37, ALNUM),
    "groq": ("gsk_", 52, ALNUM),
    "perplexity": ("pplx-", 48, ALNUM),
    "xai": ("xai-", 80, ALNUM),
    "nvidia": ("nvapi-", 64, ALNUM),
    "fireworks": ("fw_", 24, ALNUM),
    "langsmith": ("lsv2_pt_", 32, HEX),
    "wandb": ("wandb_v1_", 77, ALNUM),
    "tavily": ("tvly-", 32, ALNUM),
    "github": ("ghp_", 36, ALNUM),
    "github fine": ("github_pat_11", 80, ALNUM),
    "gitlab": ("glpat-", 20, ALNUM),
    "gitlab deploy": ("gldt-", 20, ALNUM),
    "gitlab runner": ("glrt-", 20, ALNUM),
    "bitbucket": ("ATBB", 32, ALNUM),
    "atlassian": ("ATATT3xFfGF0", 160, ALNUM),
    "aws id": ("AKIA", 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "aws session id": ("ASIA", 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "aws bedrock": ("ABSKQmVkcm9ja0FQSUtleS", 110, ALNUM),
    "digitalocean": ("dop_v1_", 64, HEX),
    "alibaba": ("LTAI5t", 18, ALNUM),
    "tencent": ("AKID", 32, ALNUM),
    "yandex": ("AQVN", 36, ALNUM),
    "ibm": ("ApiKey-", 36, UPPER),
    "scaleway": ("SCW", 17, UPPER),
    "heroku": ("HRKU-AA", 58, ALNUM),
    "fly": ("fm2_lJPE", 100, ALNUM),
    "cloudflare origin": ("v1.0-", 171, HEX),
    "netlify": ("nfp_", 36, ALNUM),
    "render": ("rnd_", 32, ALNUM),
    "vercel": ("vcp_", 56, ALNUM),
    "railway": ("railway_", 40, ALNUM),
    "pulumi": ("pul-", 40, HEX),
    "terraform cloud": ("", 0, ""),
    "vault": ("hvs.", 90, ALNUM),
    "vault batch": ("hvb.", 140, ALNUM),
    "doppler": ("dp.pt.", 43, ALNUM),
    "1password": ("ops_eyJ", 250, ALNUM),
    "age": ("AGE-SECRET-KEY-1", 58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    "npm": ("npm_", 36, ALNUM),
    "pypi": ("pypi-AgEIcHlwaS5vcmc", 150, URL),
    "rubygems": ("rubygems_", 48, HEX),
    "docker": ("dckr_pat_", 27, ALNUM),
    "docker org": ("dckr_oat_", 32, ALNUM),
    "cargo": ("cio", 32, ALNUM),
    "clojars": ("CLOJARS_", 60, HEX),
    "jfrog": ("AKCp8", 68, ALNUM),
    "nuget": ("oy2", 43, LOWER),
    "slack bot": ("xoxb-123456789012-123456789012-", 24, ALNUM),
    "slack user": ("xoxp-123456789012-123456789012-123456789012-", 32, HEX),
    "slack app": ("xapp-1-A0123456789-1234567890123-", 64, HEX),
    "telegram": ("", 0, ""),
    "discord": ("", 0, ""),
    "sendgrid": ("", 0, ""),
    "mailgun": ("key-", 32, HEX),
    "mailchimp": ("", 0, ""),
    "brevo": ("xkeysib-", 64, HEX),
    "postmark": ("", 0, ""),
    "resend": ("re_", 32, ALNUM),
    "twilio": ("SK", 32, HEX),
    "stripe": ("sk_live_", 48, ALNUM),
    "stripe restricted": ("rk_live_", 48, ALNUM),
    "stripe test": ("sk_test_", 48, ALNUM),
    "stripe webhook": ("whsec_", 32, ALNUM),
    "square": ("EAAA", 60, ALNUM),
    "shopify": ("shpat_", 32, HEX),
    "shopify secret": ("shpss_", 32, HEX),
    "facebook": ("EAACEdEose0cBA", 100, ALNUM),
    "linear": ("lin_api_", 40, ALNUM),
    "notion": ("ntn_", 46, ALNUM),
    "notion old": ("secret_", 43, ALNUM),
    "airtable": ("", 0, ""),
    "figma": ("figd_", 40, ALNUM),
    "asana": ("", 0, ""),
    "dropbox": ("sl.u.", 130, ALNUM),
    "databricks": ("dapi", 32, HEX),
    "grafana cloud": ("glc_eyJ", 100, ALNUM),
    "grafana service": ("", 0, ""),
    "new relic": ("NRAK-", 27, UPPER),
    "sentry": ("sntryu_", 64, HEX),
    "sentry org": ("sntrys_eyJ", 140, ALNUM),
    "dynatrace": ("", 0, ""),
    "pagerduty": ("u+", 18, ALNUM),
    "planetscale": ("pscale_tkn_", 43, ALNUM),
    "planetscale password": ("pscale_pw_", 43, ALNUM),
    "supabase": ("sbp_", 40, HEX),
    "supabase secret": ("sb_secret_", 31, ALNUM),
    "neon": ("napi_", 64, LOWER),
    "pinecone": ("pcsk_", 70, ALNUM),
    "prefect": ("pnu_", 36, ALNUM),
    "postman": ("", 0, ""),
    "readme": ("rdme_", 70, LOWER),
    "duffel": ("duffel_live_", 43, ALNUM),
    "launchdarkly": ("sdk-", 0, ""),
    "lob": ("live_", 35, HEX),
    "easypost": ("EZAK", 54, ALNUM),
    "typeform": ("tfp_", 59, ALNUM),
    "contentful": ("CFPAT-", 43, ALNUM),
    "hubspot": ("pat-na1-", 0, ""),
    "sourcegraph": ("sgp_", 40, HEX),
    "tailscale": ("tskey-auth-", 30, ALNUM),
    "infracost": ("ico-", 32, ALNUM),
    "frame.io": ("fio-u-", 64, ALNUM),
    "snyk": ("snyk_uat.", 40, ALNUM),
    "codecov": ("", 0, ""),
}


def tokens() -> Iterator[tuple[str, str]]:
    """Provider and a token of its form that is recognised by itself."""
    for provider, (prefix, length, alphabet) in PREFIXED.items():
        if length:
            yield provider, prefix + drawn(length, alphabet)
    yield "terraform cloud", drawn(14) + ".atlasv1." + drawn(67)
    yield "telegram", drawn(10, "123456789") + ":AA" + drawn(33)
    yield "discord", "M" + drawn(23) + "." + drawn(6) + "." + drawn(27)
    yield "sendgrid", "SG." + drawn(22) + "." + drawn(43)
    yield "mailchimp", drawn(32, HEX) + "-us12"
    yield "airtable", "pat" + drawn(14) + "." + drawn(64, HEX)
    yield "grafana service", "glsa_" + drawn(32) + "_" + drawn(8, HEX)
    yield "dynatrace", "dt0c01." + drawn(24, UPPER) + "." + drawn(64, UPPER)
    yield "postman", "PMAK-" + drawn(24, HEX) + "-" + drawn(34, HEX)
    yield "hubspot", "pat-na1-" + uuid()
    yield "launchdarkly", "sdk-" + uuid()
    yield "jwt", "eyJhbGciOiJIUzI1NiJ9.eyJ" + drawn(40) + "." + drawn(43)
    yield "slack webhook", "https://hooks.slack.com/services/T" + drawn(8, UPPER) + "/B" + drawn(8, UPPER) + "/" + drawn(24)
    yield "discord webhook", "https://discord.com/api/webhooks/" + drawn(18, "123456789") + "/" + drawn(68)
    yield "teams webhook", (
        "https://acme.webhook.office.com/webhookb2/" + uuid() + "@" + uuid() + "/IncomingWebhook/" + drawn(32, HEX)
        + "/" + uuid()
    )
    yield "azure storage", "AccountKey=" + drawn(86) + "=="
    yield "azure sas", "sv=2023-01-03&ss=b&srt=sco&sp=rl&sig=" + drawn(43) + "%3D"
    yield "azure ad", drawn(3) + "8Q~" + drawn(34)
    yield "artifactory", "cmVmdGtuO" + drawn(55)
