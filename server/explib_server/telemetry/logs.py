"""Logging to standard error: lines for people, or one JSON object each for machines."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from explib.settings.program import Settings

log = logging.getLogger("explib")


class JsonLines(logging.Formatter):
    """One JSON object for each record, with the trace it belongs to where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        from opentelemetry import trace

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
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up_logs(settings: Settings) -> None:
    """Log to standard error as set; what was set up before is replaced only by JSON."""
    if settings.log_format == "text":
        logging.basicConfig(level=settings.log_level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


def announce(text: str, level: int = logging.INFO) -> None:
    """One line to standard error whatever the log level is, in the form that is set for logs."""
    if any(isinstance(handler.formatter, JsonLines) for handler in logging.getLogger().handlers):
        log.handle(log.makeRecord(log.name, level, __file__, 0, text, (), None))
    else:
        sys.stderr.write(f"{text}\n")
