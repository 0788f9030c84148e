"""A library with something in every view of the page, and one whose every text is hostile."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from explib.ids import new_id
from explib.models.decisions import Code, CodebookEntry, CodebookUpdate, Decision, Option, Verdict
from explib.models.learning import ModelCall
from explib.models.libraries import Library, LibrarySettings
from explib.models.retrievals import Retrieval, Serving
from explib.models.revisions import Citation, Operation, Refusal
from explib.models.submissions import Submission
from explib.models.trajectories import Step, ToolCall
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store
from explib_server.curation.curator import By, Curator
from explib_server.practice.journal import Journal
from explib_server.practice.protocol import Finished

Said: TypeAlias = Callable[[str], str]
"""A text as this library says it."""
LESSON = "When you call `ship`, call `reserve` first."
PROPOSED = ("When a parcel is heavy, weigh it twice.", "When a customer writes, answer the same day.")
REORDERED = "\u202etxet desrever\u202c \u200bzero\u200dwidth\ufeff \u2066isolate\u2069"
ATTACKS = (*(Path(__file__).parents[1] / "data/attacks.txt").read_text().splitlines(), REORDERED)


def hostile(text: str) -> str:
    """A text among all attacks, which begin with another one in each: none is hidden behind one before it."""
    first = zlib.crc32(text.encode()) % len(ATTACKS)
    return " ".join((*ATTACKS[first:], *ATTACKS[:first], text))


async def make_library(store: Store, name: str, said: Said = str) -> Library:
    """Lessons with decision, attempts on both sides, servings, votes, refusals, costs and two proposals that wait."""
    library = await store.libraries.ensure(name, LibrarySettings(exploration=False))
    ids = [await _attempt(store, library, place, said) for place in range(6)]
    options = (Option("a", said("call `reserve` first")), Option("b", said("do not call `reserve` before it")))
    decision = Decision("d1", "k1", "grammar", said("you call `ship`"), options)
    verdict = Verdict("d1", "believed", 0.99, "a", 0.5, 0.4, 0.6, 1.0, 3, 3, 1, 4, 2)
    codes = tuple(Code("d1", each, "a" if place % 2 == 0 else "b") for place, each in enumerate(ids))
    cited = tuple(Citation(each, "for", followed=True) for each in ids[:4])
    learned = Operation(
        "ADD", said("it pays"), said(LESSON), citations=cited, status="active", decision_id="d1", option="a"
    )
    written = Operation("ADD", said("by hand"), said("When it rains, take the bus."), status="candidate")
    refused = Refusal(Operation("ADD", said("no"), said("When refused, go.")), said("says nothing new"))
    update = CodebookUpdate((CodebookEntry(decision, verdict),), codes)
    await store.revisions.commit(
        Proposal(library, said("learned"), "learner", "contrast", (learned, written), (refused,), codebook=update)
    )
    library = await store.libraries.get(name)
    await _served(store, library, said)
    await store.votes.cast(library, "e1", said("ann"), up=True, reason=said("good"))
    reworded = Operation(
        "MODIFY", said("plainer"), said(f"{LESSON} Always."), target="e1", pins=True, decision_id="d1", option="a"
    )
    await store.revisions.commit(
        Proposal(await store.libraries.get(name), said("plainer"), said("ann"), "person", (reworded,), reviewed=True)
    )
    for content in PROPOSED:
        waiting = Operation("ADD", said("seen twice"), said(content), waits=said("an agent asks"))
        await store.revisions.commit(
            Proposal(await store.libraries.get(name), said("asked"), "agent", "agent", (waiting,), waits=True)
        )
    return await store.libraries.get(name)


async def _attempt(store: Store, library: Library, place: int, said: Said) -> str:
    followed = place % 2 == 0
    steps = [Step("user", said(f"Ship order {place // 2}."))]
    for tool in ("reserve", "ship") if followed else ("ship", "reserve"):
        steps.append(Step("assistant", "", (ToolCall(f"c{tool}", said(tool), {said("order"): said(str(place))}),)))
        steps.append(
            Step("tool", said(f"{tool} is done"), answers_call=f"c{tool}", is_error=tool == "ship" and not followed)
        )
    submission = Submission(
        said(f"Ship order {place // 2}."),
        tuple(steps),
        reward=0.9 if followed else 0.1,
        answer=said("shipped"),
        ground_truth=said("shipped"),
        feedback=said("fine"),
        agent=said("codex"),
        model=said("model-1"),
        idempotency_key=f"{library.name}/{place}",
    )
    return (await store.trajectories.submit(library, submission)).trajectory_id


async def _served(store: Store, library: Library, said: Said) -> None:
    """An attempt that was shown the first lesson, and a model's call."""
    retrieval = Retrieval(
        new_id("r"), said("Ship order 9."), library.revision, (Serving("e1", 1, 1.0, 1.0, True),), 0.0
    )
    store.retrievals.record_behind(library, retrieval)
    await store.retrievals.flush()
    steps = (Step("assistant", said("done")),)
    await store.trajectories.submit(library, Submission(said("Ship order 9."), steps, retrieval_id=retrieval.id))
    call = ModelCall(f"h{library.name}", "contrast", "p", "m", "{}", 1200, 300, store.clock())
    await store.model_calls.save(call)


async def propose(store: Store, library: Library, content: str) -> None:
    """What another process does meanwhile: a person adds a lesson."""
    await Curator(store).add(library, content, By("ann", "seen today"))


def make_run(folder: Path, library: str, said: Said = str) -> None:
    """A run of practice: twelve tasks in two batches, the last without a reward, and a rollout of its proof."""
    tasks = [said(f"t:{number}") for number in range(12)]
    plan = {"run": said("r1"), "library": library, "what": said("tasks.jsonl"), "tasks": tasks, "agent": None}
    more = {"model": said("m"), "control": False, "rollouts": 1, "epochs": 2, "batch": 6}
    with closing(Journal(folder)) as journal:
        (folder / "run.json").write_text(json.dumps({**plan, **more}))
        for place, task in enumerate(tasks):
            reward = None if place == 11 else float(place % 2 == 0)
            rollout = Finished(f"practice:r1:{task}:1:1", task, [], reward=reward, tokens_in=9, tokens_out=1, usd=0.5)
            journal.finish(rollout, None, 1)
        journal.finish(Finished(f"proof:r1:{tasks[0]}:with:1", tasks[0], [], reward=1.0, usd=0.0), None, 2)
        journal.learn(100, 1.0)
