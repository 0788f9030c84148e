"""Traces through tool, store, learner and model call, and nothing where nobody records."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import sys
from collections.abc import Iterator

import pytest
from learner.scripted_endpoint import answers, endpoint
from mcp import Client
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import INVALID_SPAN, StatusCode
from server.http_cases import running
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from explib.models.json_value import Json
from explib.settings.program import Settings
from explib.tracing import here, recording, span
from explib_server.mcp.server import build_server
from explib_server.telemetry import tracing
from explib_server.telemetry.logs import JsonLines, Lines

TASK = "Change the delivery address of order order-zebra."
LESSON = "When asked to change an order, look the customer up first."
FOUND: Json = {
    "difference": "who looked the customer up won",
    "lessons": [
        {
            "action": "ADD",
            "target": None,
            "content": LESSON,
            "reason": "winners looked first",
            "followed_and_won": ["A1", "A3"],
            "not_followed_and_lost": ["A2", "A4"],
            "contradicting": [],
        }
    ],
}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def way_up(found: tuple[ReadableSpan, ...], last: ReadableSpan) -> list[str]:
    """The names from a span up to the root of its trace."""
    by_id = {each.context.span_id: each for each in found if each.context is not None}
    names, at = [last.name], last
    while at.parent is not None and at.parent.span_id in by_id:
        at = by_id[at.parent.span_id]
        names.append(at.name)
    return names


def named(found: tuple[ReadableSpan, ...], name: str) -> list[ReadableSpan]:
    return [each for each in found if each.name == name]


async def learn_once(url: str) -> None:
    settings = Settings(model="scripted", model_base_url=url, model_timeout=20.0)
    async with Client(build_server(settings, "inprocess")) as client:
        for number in range(4):
            said = "I looked the customer up first." if number % 2 == 0 else "I changed it at once."
            fields = {"task": TASK, "trajectory": said, "reward": float(number % 2 == 0), "group": "g"}
            await client.call_tool("submit_trajectory", fields)
        async with asyncio.timeout(30):
            while "learned" not in str((await client.call_tool("library_status", {})).structured_content):
                await asyncio.sleep(0.05)
        await client.call_tool("get_experiences", {"task": TASK})


async def test_a_trace_leads_from_tool_to_store_and_from_learner_to_model_call(spans: InMemorySpanExporter) -> None:
    async with endpoint(lambda _asked: answers(FOUND)) as scripted:
        await learn_once(scripted.url)
    found = spans.get_finished_spans()
    submits = named(found, "submit")
    assert len(submits) == 4
    writes = [way_up(found, each) for each in named(found, "store.write")]
    assert ["store.write", "submit", "tools/call submit_trajectory"] in writes
    [fetched] = named(found, "fetch")
    assert way_up(found, fetched) == ["fetch", "tools/call get_experiences"]
    asked = named(found, "model.call")
    assert asked
    assert way_up(found, asked[0]) == ["model.call", "learn.name", "learn"]
    assert (asked[0].attributes or {})["gen_ai.usage.input_tokens"] == 100
    submitted = {each.context.span_id for each in submits if each.context is not None}
    assert submitted & {link.context.span_id for each in named(found, "learn") for link in each.links}


async def test_spans_hold_no_text_of_tasks_or_lessons(spans: InMemorySpanExporter) -> None:
    async with endpoint(lambda _asked: answers(FOUND)) as scripted:
        await learn_once(scripted.url)
    shown = "\n".join(each.to_json() for each in spans.get_finished_spans())
    for text in (TASK, "order-zebra", LESSON, "looked the customer up"):
        assert text not in shown


def test_an_error_is_shown_by_its_kind_only(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="order-zebra"), span("work", library="airline"):
        raise ValueError(TASK)
    [seen] = spans.get_finished_spans()
    assert (seen.status.status_code, seen.status.description, list(seen.events)) == (StatusCode.ERROR, None, [])
    assert dict(seen.attributes or {}) == {"explib.library": "airline", "error.type": "ValueError"}


def test_where_nobody_records_a_span_is_nothing() -> None:
    with span("work", library="airline") as seen:
        assert seen is INVALID_SPAN
        assert here() is None


def test_a_json_line_names_the_trace_it_belongs_to(spans: InMemorySpanExporter) -> None:
    record = logging.LogRecord("explib", logging.WARNING, __file__, 1, "said %s", ("so",), None)
    assert "trace_id" not in json.loads(JsonLines().format(record))
    with span("work") as seen:
        line = json.loads(JsonLines().format(record))
    assert line["trace_id"] == f"{seen.get_span_context().trace_id:032x}"
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "explib", "said so")


@pytest.mark.parametrize("form", [Lines(), JsonLines()])
def test_a_secret_that_another_package_logs_is_not_in_the_line(form: logging.Formatter) -> None:
    secret = "npm" + "_" + "a1B2" * 9
    record = logging.LogRecord("mcp", logging.WARNING, __file__, 1, "no library %r", (secret,), None)
    line = form.format(record)
    assert secret not in line
    assert "[redacted:" in line


def test_an_error_is_one_json_line_with_its_traceback() -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        record = logging.LogRecord("explib", logging.ERROR, __file__, 1, "broken\nin two", (), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    assert "ZeroDivisionError" in json.loads(line)["exception"]


def test_an_endpoint_without_the_extra_is_a_warning_since_it_may_be_the_clients(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(tracing, "find_spec", lambda _name: None)
    tracing.set_up_traces()
    assert "explib[otel]" in caplog.text
    assert not recording()


async def test_a_command_sends_its_spans_to_the_endpoint_that_is_set() -> None:
    received: list[bytes] = []

    async def traces(request: Request) -> Response:
        received.append(await request.body())
        return Response(status_code=200)

    async with running(Starlette(routes=[Route("/v1/traces", traces, methods=["POST"])])) as address:
        environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": address}
        command = [sys.executable, "-m", "explib_server", "token", "create", "--library", "airline", "--scope", "read"]
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(60):
            secret, _ = await process.communicate()
    assert process.returncode == 0
    sent = b"".join(gzip.decompress(each) if each.startswith(b"\x1f\x8b") else each for each in received)
    assert b"store.write" in sent
    assert b"explib" in sent
    assert secret.strip() not in sent
