"""Between rows and models, in both directions. JSON columns are checked as they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from explib.history.apply import Citations
from explib.models.access import Token
from explib.models.decisions import Verdict
from explib.models.experiences import Experience, Support
from explib.models.groups import Group
from explib.models.learning import AnalysisBatch, AnalysisStep, ModelCall
from explib.models.libraries import Library, LibrarySettings
from explib.models.retrievals import Retrieval, Serving, Trial
from explib.models.revisions import Operation, ProposedOperation
from explib.models.trajectories import Role, Trajectory

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Model = TypeVar("Model", bound="DataclassInstance")


class RowMapper(Generic[Model]):
    """Reads a model from a row that has a column for each of its fields, and gives those columns back."""

    def __init__(self, kind: type[Model]) -> None:
        self._kind = kind

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(field.name for field in fields(self._kind))

    @cached_property
    def _adapter(self) -> TypeAdapter[Model]:
        return TypeAdapter(self._kind)

    def __call__(self, row: RowMapping | Mapping[str, Any]) -> Model:
        """The model of a row."""
        return self._adapter.validate_python({name: row[name] for name in self.names})

    def values(self, model: Model) -> dict[str, Any]:
        """The columns of a model, JSON ones as plain data."""
        values: dict[str, Any] = self._adapter.dump_python(model, mode="json")
        return values


library = RowMapper(Library)
group = RowMapper(Group)
trajectory = RowMapper(Trajectory)
experience = RowMapper(Experience)
token = RowMapper(Token)
trial = RowMapper(Trial)
retrieval = RowMapper(Retrieval)
model_call = RowMapper(ModelCall)
analysis_batch = RowMapper(AnalysisBatch)
_proposed = RowMapper(ProposedOperation)
SETTINGS = TypeAdapter(LibrarySettings)
SUPPORT = TypeAdapter(Support)
VERDICT = TypeAdapter(Verdict)
OPERATION = TypeAdapter(Operation)
EXPERIENCES = TypeAdapter(tuple[Experience, ...])
MESSAGES = TypeAdapter(tuple[tuple[Role, str], ...])
CITATIONS = TypeAdapter(Citations)
RETRIEVAL = retrieval.names
TEXTS: dict[str, TypeAdapter[Any]] = {
    "servings": TypeAdapter(tuple[Serving, ...]),
    "arms": TypeAdapter(dict[str, bool]),
    "layers": TypeAdapter(tuple[int, ...]),
}
"""The columns among `RETRIEVAL` that are JSON."""


def retrieval_of(columns: Sequence[Any]) -> Retrieval:
    """The columns `RETRIEVAL`, as the driver gives them; of `TEXTS` the text."""
    values = dict(zip(RETRIEVAL, columns, strict=True))
    values |= {name: adapter.validate_json(values[name]) for name, adapter in TEXTS.items()}
    values["held_out"] = bool(values["held_out"])
    return Retrieval(**values)


def retrieval_columns(recorded: Retrieval) -> tuple[object, ...]:
    """The columns `RETRIEVAL`, as the driver takes them."""
    values = ((name, getattr(recorded, name)) for name in RETRIEVAL)
    return tuple(TEXTS[name].dump_json(value).decode() if name in TEXTS else value for name, value in values)


def proposed(row: RowMapping) -> ProposedOperation:
    """A row of `proposals`, which has a number in place of the id."""
    return _proposed({**row, "id": f"p{row['number']}"})


def proposed_values(operation: ProposedOperation) -> dict[str, Any]:
    """The columns of a proposal, without its library."""
    values = _proposed.values(operation)
    return {**values, "number": int(values.pop("id")[1:])}


def analysis_step(row: RowMapping) -> AnalysisStep:
    """A row of `analysis_steps`; the schema of its answer is any JSON."""
    plain = {field.name: row[field.name] for field in fields(AnalysisStep)}
    return AnalysisStep(**plain | {"messages": MESSAGES.validate_python(row["messages"])})


def analysis_step_values(step: AnalysisStep) -> dict[str, Any]:
    """The columns of a step, without its library."""
    plain = {field.name: getattr(step, field.name) for field in fields(step)}
    return plain | {"messages": MESSAGES.dump_python(step.messages, mode="json")}


def experience_values(lesson: Experience) -> dict[str, Any]:
    """The columns of an experience, without its library."""
    return {**experience.values(lesson), "content_hash": content_hash(lesson.content)}


def content_hash(content: str) -> str:
    """The key by which the same text is found again in a library."""
    return hashlib.sha256(content.encode()).hexdigest()[:32]
