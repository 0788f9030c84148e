"""Learning by the attached agent, as tools and status speak of it."""

from __future__ import annotations

from explib.errors import TooLarge, UnknownAnalysis
from explib.models.libraries import Library, LibraryOverview
from explib.text.words import number_of
from explib_learner.agent.loop import AnswerResult, NextStep
from explib_server.application import Application
from explib_server.auth.callers import current_caller

RESPONSE_CHARACTERS = 100_000
HOW = "the prompt `learn`, or next_analysis and answer_analysis, of a server with --tools all"


async def next_step(application: Application, library: Library, call_id: str | None = None) -> NextStep:
    """The next step, or the one of this id once more, kept for who calls. Raises UnknownAnalysis."""
    who = current_caller().name
    if call_id is None:
        return await application.learning.by_agent.next(library, who)
    owner, step = await application.store.steps.locate(call_id)
    if owner.id != library.id:
        raise UnknownAnalysis
    return await application.learning.by_agent.reissue(library, step, who)


async def answer_step(application: Application, call_id: str, text: str) -> tuple[Library, AnswerResult]:
    """The answer's verdict, and the library as it is then. Raises UnknownAnalysis and TooLarge."""
    if len(text) > RESPONSE_CHARACTERS:
        raise TooLarge(f"The response has {len(text):,} characters, at most {RESPONSE_CHARACTERS:,} are taken.")
    caller = current_caller()
    library, step = await application.store.steps.locate(call_id)
    if not caller.reaches(library.name):
        raise UnknownAnalysis
    verdict = await application.learning.by_agent.answer(library, step, application.clean(text), caller.name)
    return await application.store.libraries.get(library.name), verdict


async def nothing_to_do(application: Application, library: Library, handed: NextStep) -> str:
    """Why there is no step now, and what to do."""
    if handed.retry_after is not None and handed.remaining:
        steps = [step for step in await application.store.steps.all(library) if step.answered_by is None]
        holders = ", ".join(f"{step.id} by {step.holder}" for step in steps)
        return (
            f"All steps are being answered: {holders}. One that stays unanswered comes back in "
            f"{handed.retry_after:.0f} s: call next_analysis again then. If one of them is yours, pass its call_id to "
            "see it once more."
        )
    if handed.retry_after is not None:
        return "Another server is at this library just now: call next_analysis again in a second."
    overview = await application.store.libraries.overview(library)
    waiting = [f"{count} × {reason}" for reason, count in sorted(overview.reasons.items(), key=lambda each: -each[1])]
    elsewhere = await _elsewhere(application, library)
    parts = ("Nothing is ready to be learned now.", *waiting[:5], elsewhere)
    return "\n".join(filter(None, parts))


async def _elsewhere(application: Application, library: Library) -> str:
    caller = current_caller()
    names = [name for name in await application.store.groups.libraries_with_work() if caller.reaches(name)]
    others = [name for name in names if name != library.name]
    return f"Groups are ready in {', '.join(others)}: pass `library`." if others else ""


async def waiting_for_agents(application: Application, overview: LibraryOverview) -> str:
    """What waits for an attached agent, for `status`."""
    left = await application.store.steps.leases(overview.library)
    held = sum(seconds > 0 for seconds in left)
    ready = overview.groups.get("ready", 0)
    if not ready:
        return "nothing waits for an agent"
    steps = f", {number_of(len(left), 'step')} asked ({held} being answered)" if left else ""
    return f"{ready} ready groups wait for an agent{steps}: {HOW}"
