"""Spans for OpenTelemetry. Unless the program has set up its SDK, they are nothing and cost next to nothing.

A span carries names, ids and numbers; never the text of a task, a trajectory, a lesson or an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, Link, ProxyTracerProvider, Span, StatusCode

__all__ = ["Link", "here", "recording", "span"]

SCOPE = "explib"
Value = str | int | float | bool


class _Nothing:
    """What stands for a span where nobody records."""

    def __enter__(self) -> Span:
        return INVALID_SPAN

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None


_NOTHING = _Nothing()


def recording() -> bool:
    """Whether somebody set up OpenTelemetry's SDK in this process."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def span(name: str, /, *, links: Sequence[Link] = (), **attributes: Value) -> AbstractContextManager[Span]:
    """A span around the body, the parent of those inside; attributes are named `explib.…`."""
    if not recording():
        return _NOTHING
    return _span(name, links, {f"explib.{key}": value for key, value in attributes.items()})


def here() -> Link | None:
    """A link to the span that is open now, for work that it gives rise to but doesn't wait for."""
    if not recording():
        return None
    context = trace.get_current_span().get_span_context()
    return Link(context) if context.is_valid else None


@contextmanager
def _span(name: str, links: Sequence[Link], attributes: dict[str, Value]) -> Iterator[Span]:
    """An error is shown by its kind only: its message could quote a task."""
    opened = trace.get_tracer(SCOPE).start_as_current_span(
        name, attributes=attributes, links=links, record_exception=False, set_status_on_exception=False
    )
    with opened as current:
        try:
            yield current
        except BaseException as error:
            current.set_attribute("error.type", type(error).__qualname__)
            current.set_status(StatusCode.ERROR)
            raise
