"""The nouns of the experience library, as frozen dataclasses. Imports nothing of ours.

Times are seconds since the epoch (UTC). Rewards are finite numbers in the library's range.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
ExperienceStatus: TypeAlias = Literal["candidate", "active", "retired"]
GroupState: TypeAlias = Literal["waiting", "ready", "learned", "dead"]
OperationKind: TypeAlias = Literal["ADD", "MODIFY", "MERGE", "DELETE", "KEEP"]
TrialState: TypeAlias = Literal["running", "accepted", "rolled back", "superseded"]
ReviewState: TypeAlias = Literal["waiting", "approved", "rejected"]
Stance: TypeAlias = Literal["for", "against"]
TokenScope: TypeAlias = Literal["read", "submit", "curate", "admin", "reward"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool by the agent."""

    id: str
    name: str
    arguments: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a trajectory in the common form that every input shape is turned into."""

    role: Role
    text: str
    calls: tuple[ToolCall, ...] = ()
    answers_call: str | None = None
    """For a tool's result: the id of the call it answers, or its tool's name where no id was given."""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class LibrarySettings:
    """What a library decides for itself; defaults come from the program's settings at creation."""

    objective: str = ""
    """What the agents do whose attempts are kept here."""
    learning_objective: str = ""
    """What lessons should be about, and what they should leave alone."""
    reward_min: float = 0.0
    reward_max: float = 1.0
    min_group: int = 2
    group_size: int = 5
    max_experiences: int = 100
    max_words: int = 32
    serve_tokens: int = 1500
    review: bool = False
    """Whether what the learner proposes waits for a person's decision."""
    exploration: bool = True
    """Whether what is served is drawn by chance, which is how rewards tell what helps; off: all that fits is served."""
    holdout: float = 0.0
    """The share of retrievals that get nothing, so that the whole library's effect is measured."""
    probability_floor: float = 0.1
    probability_ceiling: float = 0.9
    """The least and the highest probability with which a shortlisted experience is served."""
    signed_rewards_only: bool = False
    """Only rewards that the environment signed are evidence; the others still teach."""


@dataclass(frozen=True, slots=True)
class Library:
    """A named collection with its own objective, settings, revisions and access."""

    id: int
    name: str
    settings: LibrarySettings
    revision: int
    created_at: float


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One finished attempt at a task, without its steps (those are stored apart: see Attempt)."""

    id: str
    group_id: str
    task: str
    reward: float | None
    answer: str | None = None
    ground_truth: str | None = None
    feedback: str | None = None
    retrieval_id: str | None = None
    agent: str | None = None
    model: str | None = None
    redactions: int = 0
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """A trajectory with its steps: what an analyst reads."""

    trajectory: Trajectory
    steps: tuple[Step, ...]

    @property
    def reward(self) -> float:
        """The reward of a graded attempt; raises ValueError for an ungraded one."""
        if self.trajectory.reward is None:
            raise ValueError(f"{self.trajectory.id} has no reward yet")
        return self.trajectory.reward


@dataclass(frozen=True, slots=True)
class Group:
    """The trajectories of one library for one task, and where they stand in learning."""

    id: str
    key: str
    task: str
    state: GroupState
    reason: str
    size: int
    graded: int
    graded_version: int
    """Grows with every reward given or corrected: the *state* of the group, learned at most once each."""
    tries: int = 0
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class GradedGroup:
    """A group with its graded attempts, oldest first: what an analyst contrasts."""

    group: Group
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Support:
    """How many attempts bear an experience out and contradict it, and in how many groups it was borne out."""

    supporting: int = 0
    contradicting: int = 0
    groups: int = 0
    note: str = ""
    """What a reader should know of the evidence, e.g. the statistic and how many events were tested."""


@dataclass(frozen=True, slots=True)
class Experience:
    """One lesson in natural language. The id is stable inside its library and never reused."""

    id: str
    content: str
    status: ExperienceStatus
    version: int
    analyst: str
    support: Support
    created_revision: int
    updated_revision: int
    model: str | None = None
    pinned: bool = False
    """A person wrote or approved it: nothing but a person changes or retires it."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """An experience without where it comes from: what finding it again takes."""

    id: str
    content: str
    status: ExperienceStatus
    version: int


@dataclass(frozen=True, slots=True)
class Citation:
    """One attempt that an operation rests on: `for` did as the lesson says (or won by it), `against` did not."""

    trajectory_id: str
    stance: Stance


@dataclass(frozen=True, slots=True)
class Operation:
    """A change proposed for a library, with its reason and its evidence.

    ADD has content and no target. MODIFY has a target and content. DELETE and KEEP have a target only.
    MERGE has a target (which survives with the new content) and the other ids in `merged`, which retire.
    """

    kind: OperationKind
    reason: str
    content: str | None = None
    target: str | None = None
    merged: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    status: ExperienceStatus | None = None
    """Status of an added experience; None lets the support decide (two groups or more: active)."""
    note: str = ""
    pins: bool = False
    """For ADD, MODIFY and MERGE: a person wrote or approved this."""
    restores: int | None = None
    """For MODIFY: the revision after which the target stood as it is put back; its citations are then all of them."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An operation that was not applied, and why."""

    operation: Operation
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """One applied operation with the experiences before and after it."""

    operation: Operation
    before: tuple[Experience, ...]
    after: tuple[Experience, ...]


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
class Revision:
    """One committed change of a library."""

    number: int
    cause: str
    author: str
    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]
    groups: tuple[str, ...]
    cost: Cost
    created_at: float


@dataclass(frozen=True, slots=True)
class ProposedOperation:
    """An operation that waits for a person's decision, or what became of it. The id is stable inside its library."""

    id: str
    operation: Operation
    before: tuple[Experience, ...]
    """The experiences that it names, as they were when it was proposed."""
    analyst: str
    model: str | None
    state: ReviewState
    created_at: float
    decided_by: str | None = None
    reason: str = ""
    """Why a person decided so."""
    revision: int | None = None
    """The revision of the decision."""
    decided_at: float | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """One shortlisted experience of a retrieval: whether it was served, and with what probability."""

    experience_id: str
    version: int
    relevance: float
    probability: float
    served: bool


@dataclass(frozen=True, slots=True)
class Retrieval:
    """One answer of `get_experiences`: what was drawn, with which chances, and what is fixed before any reward."""

    id: str
    task: str
    revision: int
    servings: tuple[Serving, ...]
    """The whole shortlist, also where nothing was served because the retrieval was held out."""
    created_at: float
    holdout: float = 0.0
    """The share of retrievals that are held out, as of this one."""
    held_out: bool = False
    arms: dict[str, bool] = field(default_factory=dict)
    """Number of a revision on trial, where it matters here → whether this retrieval follows it or the one before."""
    baseline: float = 0.5
    """The reward to expect (0 to 1 of the library's range), from what was known when it was recorded."""
    reporting: float = 0.5
    """The share of retrievals whose reward is reported, as it was then."""
    reward: float | None = None
    """What counts so far: the mean reward of the attempts under it, 0 to 1 of the library's range."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A revision that is tried against the library as it was before it."""

    revision: int
    state: TrialState
    replaces: dict[str, tuple[Lesson, ...]]
    """Id of a changed experience → what is served instead of it where a retrieval follows the revision before.

    Empty where the revision only added: then each added experience's own draws try it."""
    adds: tuple[str, ...]
    against: int = 0
    """The revision that it is tried against: what was last accepted of what it changed."""
    reason: str = ""
    started_at: float = 0.0
    ended_at: float | None = None


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
class AnalysisStep:
    """One request of the learner that an attached agent is to answer."""

    id: str
    step: str
    """Which step of learning asks, e.g. `advantage` or `advantage repair`."""
    form: str
    """What the answer is: `advantage`, `consolidate` or `summarise`."""
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
class Submission:
    """What `submit_trajectory` hands to the store: parsed, checked and redacted."""

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
    submitter: str | None = None
    """Who vouches for the reward: a token, else the agent's name."""
    redactions: int = 0
    open_retrieval_id: str | None = None
    """What the same session was last served for this task: taken where no retrieval is named."""


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


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the store answers to a submission or a reward, once it is durable."""

    trajectory_id: str
    duplicate: bool
    group: Group
    redactions: int = 0
    note: str = ""
    """What else the submitter should know."""
    scored: bool = False
    """Whether a reward changed what is known of the experiences that the attempt's retrieval drew."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do something alone until it expires. `token` grows with every holder: it fences the old one off."""

    name: str
    holder: str
    token: int
    expires_at: float


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


@dataclass(frozen=True, slots=True)
class LibraryOverview:
    """The counts that `status` shows."""

    library: Library
    experiences: dict[str, int]
    trajectories: int
    graded: int
    groups: dict[str, int]
    reasons: dict[str, int] = field(default_factory=dict)
    """Reasons of groups that are not learned → how many have that reason."""
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Measures:
    """Counts over a whole database. Keys are a library's name, and a state or status where there are two."""

    revisions: dict[str, int]
    groups: dict[tuple[str, str], int]
    experiences: dict[tuple[str, str], int]
    model_calls: int
    prompt_tokens: int
    completion_tokens: int
