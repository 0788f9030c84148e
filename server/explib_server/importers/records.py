"""What a format finds in a log, what an importer makes of it, and the options that change how logs are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from explib.errors import InvalidInput
from explib.models.trajectories import RewardSource
from explib_server.exporters.contents import ExportedLesson
from explib_server.importers.rewards import PassIf

if TYPE_CHECKING:
    from explib_server.importers.sources import Source

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """Where a log keeps what is asked for; a path `a.b` reaches into objects, `a[name=x]` into lists."""

    reward_field: str | None = None
    group_by: str | None = None
    task_field: str | None = None
    response_field: str | None = None
    pass_if: PassIf | None = None
    score_key: str | None = None
    """The field whose value names an attempt in the file of scores."""
    project: Path | None = None
    """Sessions of other folders are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a log tells of an attempt, taken over as it is."""

    trajectory: object
    position: str
    """Where it stands, for people: `file:line`, `file/index`, the file's or the trial's name."""
    answer: str | None = None
    ground_truth: str | None = None
    reward_source: RewardSource = "environment"
    """Who says the reward: what a session shows says it by itself."""
    feedback: str | None = None
    retrieval_id: str | None = None
    submitted_id: str | None = None
    """The trajectory as which the agent submitted this attempt itself: it is graded, and not stored again."""
    group: str | None = None
    library: str | None = None
    agent: str | None = None
    model: str | None = None
    folder: str | None = None
    """Where the agent worked: it tells the project, and so the library."""
    span: tuple[float, float] | None = None
    """When it began and ended (Unix time), where a session tells."""
    has_ended: bool = True
    """Nothing more comes of it; a session that goes on may have a request at which the agent still works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft(Told):
    """One attempt as its format finds it, before the options are applied."""

    document: Mapping[str, object] = field(default_factory=dict)
    """Where the fields that options name are looked up."""
    trial: str | None = None
    """The format's own id of this attempt, the same wherever the file lies; None: its place is its identity."""
    idempotency_key: str | None = None
    """The key under which the log says that the attempt was submitted, which then is its identity."""
    task: str | None = None
    reward: object = None
    """As the log writes it: a number, a word, a letter, a list or a map."""
    reward_at: str = "reward"
    """Where that stands in the document, for errors that name an option."""
    says_answer: bool = False
    """The log says all there is to say of the answer: it isn't read from the agent's last words."""
    names: tuple[str, ...] = ()
    """What a file of scores may call it, the surest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Told):
    """One attempt with the fields of `submit_trajectory`, its trajectory as messages: without the data of its media."""

    task: str
    idempotency_key: str
    reward: float | None = None


TOLD = tuple(each.name for each in fields(Told))


@dataclass(frozen=True, slots=True)
class ForeignLesson:
    """A lesson of another library, as its export tells it."""

    lesson: ExportedLesson
    library: str
    """The other library's name."""
    position: str


@dataclass(frozen=True, slots=True)
class BadRecord:
    """Something that could not be read; it does not stop the others."""

    position: str
    reason: str


def or_bad(position: str, read: Callable[P, T], *args: P.args, **named: P.kwargs) -> T | BadRecord:
    """What `read` makes of these, or the BadRecord of what is wrong with them."""
    try:
        return read(*args, **named)
    except InvalidInput as error:
        return BadRecord(position, str(error))


class Format(Protocol):
    """One kind of log."""

    @property
    def name(self) -> str:
        """The name that `--format` takes."""

    def recognises(self, source: Source) -> bool:
        """Tell by its name and its first documents that a file is surely of this format; cheap."""

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The attempts of a file, one after the other. Raises InvalidInput where nothing of it can be read."""
