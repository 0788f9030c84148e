"""Reading an ASGI scope for the gate: headers, the bearer token, the address and the visitor."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

from explib_server.auth.callers import LISTEN

FORWARDED = frozenset(
    {
        *(b"forwarded", b"via", b"cdn-loop", b"client-ip", b"proxy-client-ip", b"wl-proxy-client-ip"),
        *(b"true-client-ip", b"x-real-ip", b"x-client-ip", b"x-cluster-client-ip", b"x-remote-ip", b"x-remote-addr"),
        *(b"x-originating-ip", b"x-proxyuser-ip", b"x-host", b"x-request-start"),
    }
)
"""Headers that proxies, balancers and content networks add, in lower case."""
FORWARDED_PREFIXES = (
    *(b"x-forwarded", b"x-original-", b"cf-", b"x-envoy-", b"x-amz", b"x-arr-", b"x-azure-", b"x-appengine-"),
    *(b"x-cloud-trace", b"x-goog-", b"fastly-", b"fly-", b"x-vercel-", b"x-nf-", b"x-akamai-", b"akamai-", b"x-nginx-"),
    *(b"x-varnish", b"tailscale-", b"ngrok-"),
)


def header(scope: Scope, name: bytes) -> list[str]:
    """The values of every header of this name."""
    return [value.decode("latin-1") for header_name, value in scope["headers"] if header_name == name]


def is_forwarded(scope: Scope) -> bool:
    """True where any header says that the request came through a proxy: its client is not on this machine."""
    return any(name in FORWARDED or name.startswith(FORWARDED_PREFIXES) for name, _ in scope["headers"])


def bearer(scope: Scope) -> str | None:
    """The secret of the Authorization header; "" where the header is there and holds no bearer token."""
    values = header(scope, b"authorization")
    if not values:
        return None
    scheme, _, secret = values[0].partition(" ")
    return secret.strip() if len(values) == 1 and scheme.lower() == "bearer" else ""


def is_stream(scope: Scope) -> bool:
    """A GET (legacy) or `subscriptions/listen` (modern, whose header the SDK checks against the body) stays open."""
    return scope["method"] == "GET" or header(scope, b"mcp-method")[:1] == [LISTEN]


def address(scope: Scope) -> str:
    """Where the request comes from; behind a trusted proxy, as it says."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def network(scope: Scope) -> str:
    """One visitor: an IPv4 address, or the /64 that one IPv6 visitor has."""
    return _network(address(scope))


@lru_cache(maxsize=1000)
def _network(address_text: str) -> str:
    try:
        parsed = ip_address(address_text)
    except ValueError:
        return address_text
    return str(IPv6Address(int(parsed) >> 64 << 64)) if parsed.version == 6 else address_text
