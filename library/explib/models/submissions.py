"""What comes in, a trajectory or a reward for one, and what is answered once it is durable."""

from __future__ import annotations

from dataclasses import dataclass

from explib.models.groups import Group
from explib.models.libraries import Library
from explib.models.trajectories import RewardSource, Step


@dataclass(frozen=True, slots=True)
class RawSubmission:
    """An attempt as a client hands it in: unchecked, its trajectory in any shape, with whatever secrets it holds."""

    task: str
    trajectory: object
    reward: float | None = None
    answer: str | None = None
    ground_truth: str | None = None
    feedback: str | None = None
    retrieval_id: str | None = None
    group: str | None = None
    agent: str | None = None
    model: str | None = None
    idempotency_key: str | None = None
    reward_source: RewardSource = "agent"
    """By which door the reward came: the door says it, never the caller."""
    corrects: bool = False
    """An importer's: what is stored under its key is corrected to it, where it differs."""


@dataclass(frozen=True, slots=True)
class Submission:
    """An attempt as it is stored: parsed, checked and redacted."""

    task: str
    steps: tuple[Step, ...]
    reward: float | None = None
    answer: str | None = None
    ground_truth: str | None = None
    feedback: str | None = None
    retrieval_id: str | None = None
    group: str | None = None
    agent: str | None = None
    model: str | None = None
    idempotency_key: str | None = None
    reward_source: RewardSource = "agent"
    """By which door the reward came: the caller does not choose it."""
    submitter: str | None = None
    """Who vouches for the reward: a token, else the agent's name."""
    redactions: int = 0
    owner: str | None = None
    """The access token that made it, whose idempotency keys are its own; None: this machine's user."""
    open_retrieval_id: str | None = None
    """What the same session was last served for this task: taken where no retrieval is named."""
    corrects: bool = False
    """An importer's: what is stored under its key is corrected to it, where it differs."""

    @classmethod
    def of(cls, raw: RawSubmission, steps: tuple[Step, ...]) -> Submission:
        """The submission with these steps, which were parsed from its trajectory."""
        fields = {name: getattr(raw, name) for name in RawSubmission.__slots__ if name != "trajectory"}
        return cls(steps=steps, **fields)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A stored attempt that a reward is for, by one of its two names."""

    trajectory_id: str | None = None
    retrieval_id: str | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """A checked signature of a reward: by which key, and when it was made (Unix time)."""

    key_id: str
    at: int


@dataclass(frozen=True, slots=True)
class Grade:
    """A reward given or corrected after the submission, and who vouches for it."""

    reward: float
    feedback: str | None = None
    reporter: str | None = None
    """Who gave it; None: who submitted the attempt."""
    signature: Signature | None = None
    source: RewardSource = "agent"
    """By which door the reward came; a signed one is the environment's."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the store answers to a submission or a reward, once it is durable."""

    trajectory_id: str
    duplicate: bool
    group: Group
    redactions: int = 0
    note: str = ""
    """What else the submitter should know."""
    scored: tuple[Library, ...] = ()
    """The libraries in which a reward changed what is known of the experiences that were drawn for the attempt."""
    corrected: tuple[str, ...] = ()
    """The names of what a repeated import corrected."""
