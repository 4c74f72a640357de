"""Where OnCalm's own telemetry goes, and how much of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from telemetry.errors import UsageError

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which runs are kept. Runs with an error and slow runs always are; the others by path and rate.

    A run is held until it ends, within ``held_traces`` and ``held_spans``; :mod:`agent.observe.tail` says what gives way.
    """

    runs_per_second: float = 5.0
    """Ordinary runs kept, over all paths; below it everything is kept."""
    slow_seconds: float = 60.0
    memory_seconds: float = 60.0
    """How far back the rate of a path is measured."""
    paths: int = 200
    """Paths measured one by one; further ones share a measure."""
    held_traces: int = 1_000
    held_spans: int = 20_000
    abandoned_seconds: float = 3_600.0
    """Age after which a run counts as never ending, when there is no room."""


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Telemetry over OTLP/HTTP. Without an ``endpoint`` there is none. Raises UsageError for values that cannot work."""

    endpoint: str | None = None
    """Base URL; ``/v1/traces``, ``/v1/metrics`` and ``/v1/logs`` are added."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    service: str = "oncalm"
    version: str = ""
    environment: str = ""
    """As ``production``; recorded as ``deployment.environment.name``."""
    record_content: bool = False
    """Whether prompts and outputs are recorded, with secrets masked."""
    content_chars: int = 8_000
    """Longest recorded prompt or output; the middle of a longer conversation is left out."""
    queue_items: int = 4_096
    """Spans, and log records, that wait for the collector. What does not fit is dropped."""
    batch_items: int = 512
    delay_seconds: float = 2.0
    timeout_seconds: float = 5.0
    """For one export, its retries included."""
    metric_seconds: float = 30.0
    flush_seconds: float = 3.0
    """How long the process may be kept at its end."""
    sampling: Sampling = Sampling()

    def __post_init__(self) -> None:
        if self.endpoint is not None:
            _check_endpoint(self.endpoint)
        if not 0 < self.batch_items <= self.queue_items:
            raise UsageError(f"a batch of {self.batch_items} does not fit a queue of {self.queue_items}", where="telemetry",
                             remedy="make the batch at least 1 and at most the queue")
        if min(self.delay_seconds, self.timeout_seconds, self.metric_seconds, self.sampling.memory_seconds) <= 0:
            raise UsageError("delays and time limits must be above zero seconds", where="telemetry",
                             remedy="leave them out for the defaults")
        if min(self.sampling.runs_per_second, self.sampling.held_traces, self.sampling.held_spans) <= 0:
            raise UsageError("sampling with nothing to keep", where="telemetry", remedy="leave the endpoint out instead")

    def url(self, signal: str) -> str:
        """Where ``traces``, ``metrics`` or ``logs`` are sent."""
        return f"{(self.endpoint or '').rstrip('/')}/v1/{signal}"


def _check_endpoint(endpoint: str) -> None:
    remedy = "write it as http://collector:4318"
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise UsageError("the OTLP endpoint is not a URL", where="telemetry", remedy=remedy) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError("the OTLP endpoint must begin with http:// or https:// and name a host", where="telemetry",
                         remedy=remedy)
    if port == 4317:
        raise UsageError("port 4317 is usually OTLP over gRPC, and OnCalm speaks OTLP over HTTP", where="telemetry",
                         remedy="use the collector's HTTP port, mostly 4318")


def parse_headers(text: str) -> dict[str, str]:
    """Headers from ``name=value,name=value``, values percent-encoded (OTLP exporter specification).

    Raises UsageError, which never repeats a value: it may be a key.
    """
    headers: dict[str, str] = {}
    for number, part in enumerate(filter(None, (p.strip() for p in text.split(","))), 1):
        name, equals, value = part.partition("=")
        value = unquote(value.strip())
        if not equals or not _HEADER.fullmatch(name.strip()) or not value.isprintable():
            raise UsageError(f"header {number} is not written name=value", where="OTLP headers",
                             remedy="separate headers by commas, and write commas inside a value as %2C")
        headers[name.strip().lower()] = value
    return headers
