"""The learner's steps as an attached agent reads them, and what waits for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explib.models.json_value import Json
from explib.models.learning import AnalysisStep
from explib.models.libraries import Library, LibraryOverview
from explib.text.words import number_of
from explib_learner.prompting.fences import fenced
from explib_server.application import Application
from explib_server.auth.callers import current_caller

if TYPE_CHECKING:
    from explib_learner.agent.loop import NextStep

HOW = "the prompt `learn`, or next_analysis and answer_analysis, of a server with --tools learn"


@dataclass(frozen=True, slots=True)
class Question:
    """One step to answer: the messages that a model would get."""

    call_id: str
    step: str
    instructions: str
    input: str
    schema: dict[str, Json]


def question(step: AnalysisStep) -> Question:
    """The step's messages: the system's are instructions, the user's are input, an answer that is repaired is data."""
    instructions = "\n\n".join(text for role, text in step.messages if role == "system")
    read = [
        fenced("earlier answer", text) if role == "assistant" else text
        for role, text in step.messages
        if role != "system"
    ]
    return Question(step.id, step.step, instructions, "\n\n".join(read), step.schema)


async def nothing_to_do(application: Application, library: Library, next_step: NextStep) -> str:
    """Why there is no step now, and what to do."""
    if next_step.retry_after is not None and next_step.remaining:
        steps = [step for step in await application.store.steps.all(library) if step.answered_by is None]
        holders = ", ".join(f"{step.id} by {step.holder}" for step in steps)
        return (
            f"All steps are being answered: {holders}. One that stays unanswered comes back in "
            f"{next_step.retry_after:.0f} s: call next_analysis again then. If one of them is yours, pass "
            "its call_id to see it again."
        )
    if next_step.retry_after is not None:
        return "Another server is at this library just now: call next_analysis again in a second."
    overview = await application.store.libraries.overview(library)
    waiting = [
        f"{count} × {reason}" for reason, count in sorted(overview.reasons.items(), key=lambda counted: -counted[1])
    ]
    elsewhere = await _elsewhere(application, library)
    parts = ("Nothing is ready to be learned now.", *waiting[:5], elsewhere)
    return "\n".join(filter(None, parts))


async def _elsewhere(application: Application, library: Library) -> str:
    caller = current_caller()
    names = [name for name in await application.store.groups.libraries_with_work() if caller.reaches(name)]
    other_libraries = [name for name in names if name != library.name]
    return f"Groups are ready in {', '.join(other_libraries)}: pass `library`." if other_libraries else ""


async def waiting_for_agents(application: Application, overview: LibraryOverview) -> str:
    """One line on what waits for an attached agent, for `status`."""
    ready = overview.groups.get("ready", 0)
    if not ready:
        return "nothing waits for an agent"
    lease_seconds = await application.store.steps.leases(overview.library)
    held = sum(seconds > 0 for seconds in lease_seconds)
    steps = f", {number_of(len(lease_seconds), 'step')} handed out ({held} being answered)" if lease_seconds else ""
    waits = "waits" if ready == 1 else "wait"
    return f"{number_of(ready, 'ready group')} {waits} for an agent{steps}: {HOW}"
