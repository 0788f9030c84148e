"""Where a library stands: the same answer for the MCP tool and for `explib status`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from explib.evidence.following import Following, together
from explib.evidence.votes import Tally
from explib.models.decisions import CodebookEntry
from explib.models.libraries import Library, LibraryOverview
from explib.storage.store import Store
from explib.text.words import number_of
from explib_learner.worker import lease_name
from explib_server.application import Application
from explib_server.auth.callers import current_caller
from explib_server.mcp.results.agent import LibraryStatus
from explib_server.render.analysis import waiting_for_agents
from explib_server.render.bounds import commonest
from explib_server.render.evidence import labels, library_evidence, uplift_text
from explib_server.render.following import following_lines
from explib_server.render.heartbeat import Pulse, heartbeat, heartbeat_text, waits_for
from explib_server.render.times import DAY
from explib_server.service.paths import service_log


@dataclass(frozen=True, slots=True)
class Standing:
    """All that `explib status` shows: counts, signs of life, and what became of the lessons that were served."""

    status: LibraryStatus
    heartbeat: tuple[Pulse, ...]
    following: Following
    at: float
    farther: Mapping[str, int]
    """Lessons of each farther layer that is served too."""

    def fields(self) -> dict[str, object]:
        """As JSON has it."""
        beats = [asdict(pulse) for pulse in self.heartbeat]
        told = {"following": asdict(self.following), "farther": dict(self.farther)}
        return {"heartbeat": beats, **self.status.model_dump(), **told}

    def text(self) -> str:
        """In lines for a person: what waits is said by the heartbeat."""
        counts = status_text(self.status.model_copy(update={"waits_for": ""}))
        told = [f"{number_of(count, 'lesson')} of {name}" for name, count in self.farther.items() if count]
        layers = [f"served here too: {', '.join(told)} (--library shows them)"] if told else []
        parts = (heartbeat_text(self.heartbeat, self.at), "", counts, *layers, following_lines(self.following))
        return "\n".join(parts)


async def library_status(application: Application, name: str | None) -> LibraryStatus:
    """The counts, the learner, the budget. Raises UnknownLibrary."""
    return (await standing(application, name)).status


async def standing(application: Application, name: str | None, farther: Sequence[Library] = ()) -> Standing:
    """The status with the heartbeat, in which the `farther` layers that are served too count. Raises UnknownLibrary."""
    store, settings = application.store, application.settings
    overview = await store.libraries.overview(await application.library(name))
    now = store.clock()
    beneath = [await store.measures.activity(each) for each in farther]
    pulses = heartbeat((await store.measures.activity(overview.library)).over(beneath), now)
    report = await library_evidence(store, overview.library)
    status = LibraryStatus(
        library=overview.library.name,
        revision=overview.library.revision,
        experiences=overview.experiences,
        trajectories=overview.trajectories,
        graded=overview.graded,
        groups=overview.groups,
        decisions=decision_states(await store.codebooks.entries(overview.library)),
        waits_for=waits_for(pulses),
        reasons=commonest(overview.reasons),
        refused_operations=overview.refusals,
        votes=_votes(await store.votes.tallies(overview.library)),
        learner=await _learner(application, overview) + await _waiting(store, overview.library),
        tokens_today=None if _confined() else await store.model_calls.tokens_since(now - now % DAY),
        tokens_per_day=settings.token_budget_per_day,
        uplift=report.unclaimed or uplift_text(report.uplift),
        evidence=labels(report),
        revisions_tried=report.trials,
    )
    served = together(each.following for each in report.experiences if each.status != "retired")
    lessons = {layer.name: activity.lessons for layer, activity in zip(farther, beneath, strict=True)}
    return Standing(status, pulses, served, now, lessons)


def status_text(status: LibraryStatus) -> str:
    """The status in a few lines, for a person or a model."""
    limit = "no limit" if status.tokens_per_day is None else f"at most {status.tokens_per_day:,} a day"
    lines = [
        f"{status.library}: revision {status.revision}",
        f"experiences: {_tally(status.experiences)}",
        f"trajectories: {status.trajectories} ({status.graded} graded)",
        f"groups: {_tally(status.groups)}",
        *(f"  {count} × {reason}" for reason, count in status.reasons.items()),
        f"decisions: {_tally(status.decisions)}",
        *([f"waits for: {status.waits_for}"] if status.waits_for else []),
        f"learner: {status.learner}",
        f"budget: {_spent(status.tokens_today)}{limit}",
        f"evidence on experiences: {_tally(status.evidence)}",
        f"revisions tried: {_tally(status.revisions_tried)}",
        f"votes: {_tally(status.votes)}",
        f"refused operations: {status.refused_operations}",
        f"uplift: {status.uplift}",
    ]
    return "\n".join(lines)


def decision_states(entries: Sequence[CodebookEntry]) -> dict[str, int]:
    """The number of decisions that are named, and of these the believed ones and the candidates."""
    states = [entry.verdict.state for entry in entries if entry.verdict is not None]
    counts = {"named": len(entries), "believed": states.count("believed"), "candidate": states.count("candidate")}
    return {state: count for state, count in counts.items() if count}


async def _learner(application: Application, overview: LibraryOverview) -> str:
    analyst = application.settings.chosen_analyst()
    if analyst == "agent":
        return f"agent, {await waiting_for_agents(application, overview)}"
    holder = await application.store.leases.holder(lease_name(overview.library))
    speaking = f"{analyst} ({application.settings.model_name})" if analyst == "model" else analyst
    state = f"{speaking}, {f'learning now: {holder.holder}' if holder else 'idle'}"
    if _confined():
        return state
    if (path := service_log()) is not None:
        state += f"; log: {path}"
    return state


def _confined() -> bool:
    """True if the caller sees only its own libraries, and nothing that all of them share: spending, processes."""
    return current_caller().libraries is not None


def _spent(tokens: int | None) -> str:
    return "" if tokens is None else f"{number_of(tokens, 'token')} spent today, "


async def _waiting(store: Store, library: Library) -> str:
    """The number of proposals that wait for review, if there are any."""
    count = await store.proposals.count(library)
    return f"; waits for review: {count} (list_experiences, explib experiences list)" if count else ""


def _votes(tallies: dict[str, Tally]) -> dict[str, int]:
    """Counted over the experiences; empty where nobody has voted."""
    if not tallies:
        return {}
    verdicts = [tally.verdict for tally in tallies.values()]
    return {
        "up": sum(tally.up for tally in tallies.values()),
        "down": sum(tally.down for tally in tallies.values()),
        "backed": verdicts.count("backed"),
        "rejected": verdicts.count("rejected"),
    }


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
