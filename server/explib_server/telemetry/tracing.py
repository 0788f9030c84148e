"""Sends traces away, where the environment says to whom. The spans themselves are made where the work is done."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec

log = logging.getLogger(__name__)
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""OpenTelemetry's own variables: one of them set turns traces on; its other variables are heeded too."""


def set_up_traces() -> None:
    """Export spans by OTLP over HTTP where an endpoint is set.

    Without the extra this is a warning and no error: a client may have the variables for its own traces.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return
    if find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter") is None:
        log.warning("OTEL_EXPORTER_OTLP_ENDPOINT is set, but no traces are sent without: pip install 'explib[otel]'")
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if isinstance(trace.get_tracer_provider(), TracerProvider):  # by `opentelemetry-instrument`
        return
    named = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", "explib")})
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
