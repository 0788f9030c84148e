"""Rules for a bound address: the names it answers to, and if it may be bound without tokens."""

from __future__ import annotations

from ipaddress import IPv4Address
from urllib.parse import urlsplit

from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl, ValidationError

from explib.errors import InvalidSetting
from explib.settings.program import Settings
from explib_server.auth.oauth import Issuer, is_loopback

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
WILDCARDS = frozenset({str(IPv4Address(0)), "::", ""})
UNGUARDED = (
    "Refusing to listen on {host} without authentication. Create a token first (explib token create --library NAME "
    "--scope submit) or set up OAuth. `--auth required` starts without a token; `--auth none` lets everybody in."
)


def names(settings: Settings, host: str) -> TransportSecuritySettings:
    """The Host and Origin headers that are taken, whatever address is bound: no page can lead a browser here (DNS
    rebinding). Loopback and the wildcard answer to this machine's names, any other address to itself."""
    hosts = [*settings.allowed_hosts]
    hosts += LOCAL_NAMES if is_loopback(host) or host in WILDCARDS else [f"[{host}]" if ":" in host else host]
    if public := public_url(settings):
        hosts.append(urlsplit(str(public)).netloc)
    both = [pattern for name in hosts for pattern in (name, f"{name}:*")]
    return TransportSecuritySettings(
        allowed_hosts=both,
        allowed_origins=[f"{scheme}://{pattern}" for scheme in ("http", "https") for pattern in both],
    )


def public_url(settings: Settings) -> AnyHttpUrl | None:
    """The endpoint as clients know it: as set, else the OAuth audience if it is an address. Raises InvalidSetting."""
    for given, must in ((settings.public_url, True), (settings.oauth_audience, False)):
        try:
            if given:
                return AnyHttpUrl(given)
        except ValidationError as error:
            if must:
                raise InvalidSetting(f"EXPLIB_PUBLIC_URL must be an http(s) address, not {given!r}.") from error
    return None


def oauth(settings: Settings) -> tuple[Issuer, AnyHttpUrl] | None:
    """The issuer and the endpoint that its tokens are for; None where OAuth isn't set up. Raises InvalidSetting."""
    issuer, endpoint = Issuer.configured(settings), public_url(settings)
    if issuer is None:
        return None
    if endpoint is None:
        raise InvalidSetting("EXPLIB_OAUTH_AUDIENCE is no address: set EXPLIB_PUBLIC_URL to that of the endpoint.")
    return issuer, endpoint


def check_binding(settings: Settings, host: str, *, tokens_exist: bool) -> None:
    """Raises InvalidSetting for an address that others reach, with nothing that keeps anybody out."""
    has_oauth = oauth(settings) is not None
    guarded = settings.auth != "auto" or tokens_exist or has_oauth
    if not guarded and not is_loopback(host):
        raise InvalidSetting(UNGUARDED.format(host=host or "every address"))
