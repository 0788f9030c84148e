"""Reading an ASGI scope for the gate: headers, the bearer token, the address and the visitor."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

from explib_server.auth.callers import LISTEN


def header(scope: Scope, name: bytes) -> list[str]:
    """The values of every header of this name."""
    return [value.decode("latin-1") for header_name, value in scope["headers"] if header_name == name]


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
