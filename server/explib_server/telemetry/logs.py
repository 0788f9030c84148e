"""Logging to standard error: lines for people, or one JSON object each for machines."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from explib.settings.program import Settings

log = logging.getLogger("explib")
MINUTE = 60.0
MOST_A_MINUTE = 20
"""Times that one message is logged in a minute."""
MOST_PLACES = 1_000
"""Messages whose number is remembered."""


class Lines(logging.Formatter):
    """Lines without secrets: what callers and endpoints said stands in messages, also those of other packages."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        from explib.text.redaction import redacted  # whoever logs nothing does not wait for it

        return redacted(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object for each record, with the trace it belongs to where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        from opentelemetry import trace

        from explib.text.redaction import redacted

        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line.update(trace_id=f"{span.trace_id:032x}", span_id=f"{span.span_id:016x}")
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redacted(json.dumps(line, ensure_ascii=False, default=str))


class Repeats(logging.Filter):
    """Lets a message pass a few times a minute, then says how many were left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: OrderedDict[tuple[str, str, int], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """False for a message that has come too often in this minute, whatever its arguments."""
        place, now = (record.name, str(record.msg), record.lineno), self._clock()
        since, count = self._seen.pop(place, (now, 0))
        if now - since >= MINUTE:
            if count > MOST_A_MINUTE:
                record.msg = f"{record.getMessage()} ({count - MOST_A_MINUTE:,} more such messages were left out)"
                record.args = ()
            since, count = now, 0
        self._seen[place] = since, count + 1
        while len(self._seen) > MOST_PLACES:
            self._seen.popitem(last=False)
        return count < MOST_A_MINUTE


def set_up_logs(settings: Settings) -> None:
    """Log to standard error as set; what was set up before is replaced only by JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Repeats())
    as_json = settings.log_format == "json"
    handler.setFormatter(JsonLines() if as_json else Lines("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=as_json)
    if as_json:
        logging.captureWarnings(capture=True)


def announce(text: str, level: int = logging.INFO) -> None:
    """One line to standard error whatever the log level is, in the form that is set for logs."""
    if any(isinstance(handler.formatter, JsonLines) for handler in logging.getLogger().handlers):
        log.handle(log.makeRecord(log.name, level, __file__, 0, text, (), None))
    else:
        sys.stderr.write(f"{text}\n")
