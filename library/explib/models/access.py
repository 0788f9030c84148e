"""Who may do what: access tokens and reward keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

TokenScope: TypeAlias = Literal["read", "submit", "curate", "admin", "reward"]


@dataclass(frozen=True, slots=True)
class Token:
    """An access token or a reward key, without its secret. `libraries` None: every library."""

    id: str
    name: str
    scope: TokenScope
    libraries: tuple[str, ...] | None
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None

    def good_at(self, now: float) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def reaches(self, library: str) -> bool:
        """Whether it names the library of this name."""
        return self.libraries is None or library in self.libraries
