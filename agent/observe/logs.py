"""Log records of OnCalm itself over OTLP, tied to the span they were written under."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context, get_current
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource

from agent.observe.content import masked
from agent.observe.delivery import exporting

_SEVERITIES = (
    (logging.CRITICAL, SeverityNumber.FATAL, "FATAL"), (logging.ERROR, SeverityNumber.ERROR, "ERROR"),
    (logging.WARNING, SeverityNumber.WARN, "WARN"), (logging.INFO, SeverityNumber.INFO, "INFO"),
    (logging.DEBUG, SeverityNumber.DEBUG, "DEBUG"), (0, SeverityNumber.TRACE, "TRACE"),
)
_CHARS = 4_000


class OtelHandler(logging.Handler):
    """A stdlib handler that exports records with trace and span id, secrets masked.

    Only the message and where it was written go out, never the values of an exception or of ``extra``.
    """

    def __init__(self, provider: LoggerProvider, level: int = logging.INFO) -> None:
        super().__init__(level)
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises, and ignores what the export itself logs."""
        if exporting():
            return
        try:
            self._provider.get_logger(record.name).emit(_translated(record))
        except Exception:  # noqa: BLE001 - the documented way of a handler
            self.handleError(record)


class QueueingProcessor(LogRecordProcessor):
    """Gives records to an outbox."""

    def __init__(self, put: Callable[[Sequence[ReadableLogRecord]], object]) -> None:
        self._put = put

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        record = copy.copy(log_record.log_record)
        record.context = Context()  # the ids are on the record; a context may hold on to much more
        self._put([ReadableLogRecord(
            log_record=record, resource=log_record.resource or Resource.get_empty(),
            instrumentation_scope=log_record.instrumentation_scope, limits=log_record.limits)])

    def shutdown(self) -> None:
        """The outbox is closed by whoever made it."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def _translated(record: logging.LogRecord) -> LogRecord:
    number, text = next((n, t) for level, n, t in _SEVERITIES if record.levelno >= level)
    attributes: dict[str, str | int] = {"code.function.name": f"{record.module}.{record.funcName}", "code.line.number": record.lineno}
    if record.exc_info and record.exc_info[0] is not None:
        attributes["exception.type"] = record.exc_info[0].__name__
    return LogRecord(
        timestamp=int(record.created * 1e9), context=get_current(), severity_number=number, severity_text=text,
        body=masked(record.getMessage(), _CHARS), attributes=attributes)
