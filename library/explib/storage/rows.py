"""Between rows and models, in both directions. JSON columns are checked as they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from explib.history.apply import Citations
from explib.models.decisions import Verdict
from explib.models.experiences import Experience, Support
from explib.models.groups import Group
from explib.models.learning import AnalysisBatch, AnalysisStep, ModelCall
from explib.models.libraries import Library, LibrarySettings
from explib.models.retrievals import Retrieval, Serving, Trial
from explib.models.revisions import Operation, ProposedOperation
from explib.models.trajectories import Role, Trajectory

SETTINGS = TypeAdapter(LibrarySettings)
SUPPORT = TypeAdapter(Support)
VERDICT = TypeAdapter(Verdict)
OPERATION = TypeAdapter(Operation)
EXPERIENCES = TypeAdapter(tuple[Experience, ...])
BATCH = TypeAdapter(AnalysisBatch)
MESSAGES = TypeAdapter(tuple[tuple[Role, str], ...])
CITATIONS = TypeAdapter(Citations)
TRIAL = TypeAdapter(Trial)
SERVINGS = TypeAdapter(tuple[Serving, ...])
RETRIEVAL = tuple(Retrieval.__dataclass_fields__)
TEXTS: dict[str, TypeAdapter[Any]] = {"servings": SERVINGS, "arms": TypeAdapter(dict[str, bool])}
"""Those of them that are JSON."""


def library(row: RowMapping) -> Library:
    """A row of `libraries`."""
    return Library(
        id=row["id"],
        name=row["name"],
        settings=SETTINGS.validate_python(row["settings"]),
        revision=row["revision"],
        created_at=row["created_at"],
    )


def group(row: RowMapping) -> Group:
    """A row of `groups`."""
    return Group(**{name: row[name] for name in Group.__dataclass_fields__})


def trajectory(row: RowMapping) -> Trajectory:
    """A row of `trajectories`."""
    return Trajectory(**{name: row[name] for name in Trajectory.__dataclass_fields__})


def trial(row: RowMapping) -> Trial:
    """A row of `trials`."""
    return TRIAL.validate_python({name: row[name] for name in Trial.__dataclass_fields__})


def trial_values(trial: Trial) -> dict[str, object]:
    """The columns of a trial, without its library."""
    values: dict[str, object] = TRIAL.dump_python(trial, mode="json")
    return values


def retrieval(row: RowMapping) -> Retrieval:
    """A row of `retrievals`."""
    plain = {name: row[name] for name in RETRIEVAL if name != "servings"}
    return Retrieval(**plain, servings=SERVINGS.validate_python(row["servings"]))


def retrieval_of(columns: Sequence[Any]) -> Retrieval:
    """The columns `RETRIEVAL`, as the driver gives them; of `TEXTS` the text."""
    found = dict(zip(RETRIEVAL, columns, strict=True))
    found |= {name: texts.validate_json(found[name]) for name, texts in TEXTS.items()}
    found["held_out"] = bool(found["held_out"])
    return Retrieval(**found)


def retrieval_columns(retrieval: Retrieval) -> tuple[object, ...]:
    """The columns `RETRIEVAL`, as the driver takes them."""
    values = ((name, getattr(retrieval, name)) for name in RETRIEVAL)
    return tuple(TEXTS[name].dump_json(value).decode() if name in TEXTS else value for name, value in values)


def model_call(row: RowMapping) -> ModelCall:
    """A row of `model_calls`."""
    return ModelCall(**{name: row[name] for name in ModelCall.__dataclass_fields__})


def proposed(row: RowMapping) -> ProposedOperation:
    """A row of `proposals`."""
    made = {"id", "operation", "before"}
    return ProposedOperation(
        id=f"p{row['number']}",
        operation=OPERATION.validate_python(row["operation"]),
        before=EXPERIENCES.validate_python(row["before"]),
        **{name: row[name] for name in ProposedOperation.__dataclass_fields__ if name not in made},
    )


def proposed_values(proposed: ProposedOperation) -> dict[str, object]:
    """The columns of a proposal, without its library and number."""
    plain = {name: getattr(proposed, name) for name in ProposedOperation.__dataclass_fields__ if name != "id"}
    return {
        **plain,
        "operation": OPERATION.dump_python(proposed.operation, mode="json"),
        "before": EXPERIENCES.dump_python(proposed.before, mode="json"),
    }


def analysis_step(row: RowMapping) -> AnalysisStep:
    """A row of `analysis_steps`."""
    plain = {name: row[name] for name in AnalysisStep.__dataclass_fields__ if name != "messages"}
    return AnalysisStep(**plain, messages=MESSAGES.validate_python(row["messages"]))


def analysis_step_values(step: AnalysisStep) -> dict[str, object]:
    """The columns of a step, without its library."""
    plain = {name: getattr(step, name) for name in AnalysisStep.__dataclass_fields__ if name != "messages"}
    return {**plain, "messages": MESSAGES.dump_python(step.messages, mode="json")}


def analysis_batch(row: RowMapping) -> AnalysisBatch:
    """A row of `analysis_batches`."""
    return BATCH.validate_python({name: row[name] for name in AnalysisBatch.__dataclass_fields__})


def analysis_batch_values(batch: AnalysisBatch) -> dict[str, object]:
    """The columns of a batch, without its library."""
    values: dict[str, object] = BATCH.dump_python(batch, mode="json")
    return values


def experience(row: RowMapping) -> Experience:
    """A row of `experiences`."""
    plain = {name: row[name] for name in Experience.__dataclass_fields__ if name != "support"}
    return Experience(**plain, support=SUPPORT.validate_python(row["support"]))


def experience_values(experience: Experience) -> dict[str, object]:
    """The columns of an experience, without its library."""
    plain = {name: getattr(experience, name) for name in Experience.__dataclass_fields__ if name != "support"}
    support = SUPPORT.dump_python(experience.support, mode="json")
    return {**plain, "support": support, "content_hash": content_hash(experience.content)}


def content_hash(content: str) -> str:
    """The key by which the same text is found again in a library."""
    return hashlib.sha256(content.encode()).hexdigest()[:32]
