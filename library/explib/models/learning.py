"""What learning needs to go on where it stopped: model calls, steps for an agent, leases, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass

from explib.models.experiences import Experience
from explib.models.json_value import Json
from explib.models.trajectories import Role


@dataclass(frozen=True, slots=True)
class Cost:
    """What learning spent: tokens as the endpoint counted them, and calls that were really made."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One answered model call, stored under the hash of its request before the answer is used."""

    request_hash: str
    step: str
    prompt_hash: str
    model: str
    response: str
    prompt_tokens: int
    completion_tokens: int
    created_at: float


@dataclass(frozen=True, slots=True)
class Reserved:
    """Tokens set aside out of a budget, under an id; None where they would not do."""

    id: str | None
    taken: int
    """What was spent and reserved before."""


@dataclass(frozen=True, slots=True)
class AnalysisStep:
    """One request of the learner that an attached agent is to answer."""

    id: str
    step: str
    """Which step of learning asks, e.g. `contrast` or `contrast repair`."""
    form: str
    """What the answer is: `contrast`, `points`, `codes` or `sessions`."""
    request_hash: str
    prompt_hash: str
    messages: tuple[tuple[Role, str], ...]
    schema: dict[str, Json]
    """JSON schema of the answer."""
    holder: str = ""
    """Who was handed it last."""
    leased_until: float = 0.0
    answered_by: str | None = None


@dataclass(frozen=True, slots=True)
class AnalysisBatch:
    """The groups that attached agents are contrasting now, and the library as it was when they began."""

    id: str
    groups: tuple[tuple[str, int], ...]
    """Group id and `graded_version`: what was graded since then is for another batch."""
    experiences: tuple[Experience, ...]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do something alone until it expires. `token` grows with every holder: it fences the old one off."""

    name: str
    holder: str
    token: int
    expires_at: float
