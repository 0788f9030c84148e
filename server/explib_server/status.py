"""Where a library stands: the same answer for the MCP tool and for `explib status`."""

from __future__ import annotations

from explib_learner.worker import lease_name
from explib_server.answers import BudgetStatus, LearnerStatus, LibraryStatus
from explib_server.runtime import Runtime, analyst_name

DAY_SECONDS = 86_400
SHOWN_REASONS = 10
UPLIFT = "not measured: every retrieval is served (no hold-out)"


async def library_status(runtime: Runtime, name: str | None) -> LibraryStatus:
    """The counts, the learner, the budget. Raises UnknownLibrary."""
    store, settings = runtime.store, runtime.settings
    overview = await store.libraries.overview(await runtime.library(name))
    holder = await store.leases.holder(lease_name(overview.library))
    now = store.clock()
    analyst = analyst_name(settings)
    commonest = sorted(overview.reasons.items(), key=lambda item: -item[1])[:SHOWN_REASONS]
    return LibraryStatus(
        library=overview.library.name,
        revision=overview.library.revision,
        objective=overview.library.settings.objective,
        experiences=overview.experiences,
        trajectories=overview.trajectories,
        graded=overview.graded,
        groups=overview.groups,
        reasons=dict(commonest),
        refused_operations=overview.refusals,
        learner=LearnerStatus(
            analyst=analyst,
            model=settings.model if analyst == "model" else None,
            learning_now=holder.holder if holder else None,
        ),
        budget=BudgetStatus(
            spent_today=await store.model_calls.tokens_since(now - now % DAY_SECONDS),
            per_day=settings.token_budget_per_day,
        ),
        uplift=UPLIFT,
    )


def status_text(status: LibraryStatus) -> str:
    """The status in a few lines, for a person or a model."""
    lines = [
        f"{status.library}: revision {status.revision}, {_tally(status.experiences)} experiences, "
        f"{status.trajectories} trajectories ({status.graded} graded), groups: {_tally(status.groups)}",
        *(f"  {count} × {reason}" for reason, count in status.reasons.items()),
        f"learner: {status.learner.analyst}"
        + (f" with {status.learner.model}" if status.learner.model else "")
        + (f", learning now ({status.learner.learning_now})" if status.learner.learning_now else ", idle"),
        f"budget: {status.budget.spent_today:,} tokens spent today"
        + (f" of {status.budget.per_day:,}" if status.budget.per_day is not None else ", no limit"),
        f"refused operations: {status.refused_operations}; uplift: {status.uplift}",
    ]
    return "\n".join(lines)


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "no"
