"""A sample library: the demo's order desk, learned from in this process, with what people did to its lessons.

The attempts and their rewards are the same each time; their times are those of the making.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from tempfile import TemporaryDirectory

from mcp.server.subscriptions import InMemorySubscriptionBus

from explib.models.libraries import Library
from explib.models.submissions import RawSubmission
from explib.settings.program import Settings
from explib_server.application import Application
from explib_server.curation.curator import By, Curator, curator_of
from explib_server.demo.agent import attempt
from explib_server.demo.desk import TOOLS
from explib_server.demo.tasks import DeskTask, Dice, held_out_tasks, practice_tasks
from explib_server.mcp.server import application_of
from explib_server.mcp.stdio import ended_by_signals
from explib_server.page.serving import open_page

SEED = 7
LONE, REPEATED, ATTEMPTS = 44, 4, 5
"""Tasks that are attempted once, tasks that are attempted several times, and how often."""
SERVED = 16
"""Tasks that are attempted with lessons."""
LIBRARY = "order-desk"
AGENT = By("claude-code", "seen twice this week", is_person=False)
PROPOSALS = (
    "When a customer has moved, open their record with get_customer before update_address.",
    "When a refund is over 200 euros, ask for a second look before you call refund_order.",
    "When a ticket names two orders, take care of each in a ticket of its own.",
)


async def serve_sample(settings: Settings, port: int, opened: Callable[[str], None]) -> None:
    """Serve the page over sample data until a signal stops it, as `serve_page` does over a person's own.

    What the attempts with lessons teach is learned while the page is open.
    """
    with ended_by_signals(), TemporaryDirectory(prefix="explib-sample-") as folder:
        url, bus = f"sqlite+aiosqlite:///{folder}/sample.db", InMemorySubscriptionBus()
        own = settings.model_copy(update={"database_url": url, "library": LIBRARY, "analyst": "contrast"})
        current = application_of(own, bus, "off")
        async with current.running():
            application = await current()
            await make_sample(application)
            async with open_page(current, bus, own, port) as address:
                opened(address)
                await (await application.learning.worker()).learn_ready()
                await asyncio.Event().wait()


async def make_sample(application: Application) -> None:
    """Fill the application's library."""
    library = await application.library()
    await _practise(application, library)
    await (await application.learning.worker()).learn_ready()
    await _work(application, library)
    await _curate(application, library)


async def _practise(application: Application, library: Library) -> None:
    """Graded attempts without lessons."""
    dice = Dice(f"sample {SEED}")
    for number, task in enumerate(practice_tasks(SEED, LONE + REPEATED)):
        for again in range(1 if number < LONE else ATTEMPTS):
            await _submit(application, library, task, ("", None), dice, f"practice/{number}/{again}")


async def _work(application: Application, library: Library) -> None:
    """Attempts with the lessons that were learned; some have no reward yet."""
    dice = Dice(f"sample work {SEED}")
    for number, task in enumerate(held_out_tasks(SEED, SERVED)):
        now = await application.store.libraries.get(library.name)
        served = await application.fetch(now, task.text, tools=TOOLS)
        await application.store.retrievals.flush()
        shown = (served.text, served.retrieval.id)
        await _submit(application, library, task, shown, dice, f"work/{number}", graded=number % 6 != 5)


async def _submit(
    application: Application,
    library: Library,
    task: DeskTask,
    shown: tuple[str, str | None],
    dice: Dice,
    key: str,
    *,
    graded: bool = True,
) -> None:
    advice, retrieval_id = shown
    made = attempt(task, advice, dice)
    raw = RawSubmission(
        task=task.text,
        trajectory=list(made.messages),
        reward=made.reward if graded else None,
        answer=made.answer,
        agent="claude-code" if dice.random() < 0.6 else "codex",
        idempotency_key=key,
        retrieval_id=retrieval_id,
    )
    await application.submit(library, raw)


def _by(reason: str) -> By:
    return By("you", reason)


async def _curate(application: Application, library: Library) -> None:
    """An agent proposes, a person rewords, pins and takes back."""
    curator: Curator = curator_of(application)
    lessons = await application.store.revisions.experiences(library)
    if lessons:
        await curator.edit(library, lessons[0].id, None, _by("as the desk's handbook has it"), pinned=True)
    added = await curator.add(
        library, "When you are unsure which order is meant, ask before you change any.", _by("a complaint of last week")
    )
    experience_id = added.changes[0].after[0].id
    await curator.edit(
        library, experience_id, "When it is unclear which order is meant, ask before you act.", _by("said more plainly")
    )
    for content in PROPOSALS:
        await curator.add(library, content, AGENT)
