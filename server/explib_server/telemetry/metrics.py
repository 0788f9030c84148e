"""Prometheus metrics: what this server did, and what the database holds. No text of tasks or lessons in any label."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from explib.models.libraries import Measures
from explib.storage.store import Store
from explib_server.auth.callers import Caller
from explib_server.mcp.server import Outcome

WORKERS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where several workers keep their counters together; the client library reads this variable."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Seconds."""
KEPT_SECONDS = 5.0
"""Seconds for which counts of the database are reused by the next scrape."""


class Metrics:
    """The metrics of one server."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._calls = Counter("explib_tool_calls", "Calls of MCP tools.", ["tool", "outcome"], registry=self._registry)
        self._seconds = Histogram(
            "explib_tool_seconds", "Duration of tool calls.", ["tool"], buckets=BUCKETS, registry=self._registry
        )
        self._submissions = Counter(
            "explib_submissions", "Trajectories submitted.", ["result"], registry=self._registry
        )
        self._refusals = Counter(
            "explib_http_refusals", "HTTP requests that were refused.", ["status"], registry=self._registry
        )
        self._measured: tuple[float, Measures] | None = None

    def called(self, tool: str, outcome: Outcome, seconds: float) -> None:
        """One tool call has ended."""
        self._calls.labels(tool, outcome).inc()
        self._seconds.labels(tool).observe(seconds)

    def submitted(self, *, duplicate: bool) -> None:
        """One trajectory was stored, or was there already."""
        self._submissions.labels("duplicate" if duplicate else "stored").inc()

    def refused(self, status: int) -> None:
        """One HTTP request was refused."""
        self._refusals.labels(str(status)).inc()

    async def page(self, store: Store, caller: Caller) -> bytes:
        """The text that Prometheus reads: the caller's libraries, and for who reaches them all what was called."""
        now = time.monotonic()
        if self._measured is None or now - self._measured[0] >= KEPT_SECONDS:
            self._measured = now, await store.measures.all()
        page = CollectorRegistry()
        page.register(DatabaseCounts(self._measured[1], caller))
        if caller.libraries is not None:
            return generate_latest(page)
        if WORKERS_FOLDER in os.environ:
            MultiProcessCollector(page)
            return generate_latest(page)
        return generate_latest(self._registry) + generate_latest(page)


class DatabaseCounts(Collector):
    """Counts of the database, as metrics."""

    def __init__(self, measures: Measures, caller: Caller) -> None:
        self._measures = measures
        self._caller = caller

    def collect(self) -> Iterable[Metric]:
        """One family for each kind of count."""
        held, caller = self._measures, self._caller
        revisions = CounterMetricFamily("explib_revisions", "Revisions of a library.", labels=["library"])
        for name, number in held.revisions.items():
            if caller.reaches(name):
                revisions.add_metric([name], number)
        yield revisions
        yield from self._by("explib_groups", "Groups by state.", "state", held.groups)
        yield from self._by("explib_experiences", "Experiences by status.", "status", held.experiences)
        if caller.libraries is not None:
            return  # model calls belong to no library: what all have spent is for who reaches them all
        yield CounterMetricFamily("explib_model_calls", "Model calls that were answered.", value=held.model_calls)
        tokens = CounterMetricFamily("explib_model_tokens", "Tokens of model calls.", labels=["kind"])
        tokens.add_metric(["prompt"], held.prompt_tokens)
        tokens.add_metric(["completion"], held.completion_tokens)
        yield tokens

    def _by(self, name: str, says: str, label: str, counts: dict[tuple[str, str], int]) -> Iterator[Metric]:
        family = GaugeMetricFamily(name, says, labels=["library", label])
        for (library, value), count in counts.items():
            if self._caller.reaches(library):
                family.add_metric([library, value], count)
        yield family
