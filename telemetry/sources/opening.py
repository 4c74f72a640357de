"""From the configuration to sources; nothing is connected before the first question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from telemetry.errors import UsageError
from telemetry.sources import config
from telemetry.sources.access import Environment, connect
from telemetry.sources.alertmanager import AlertmanagerSource
from telemetry.sources.elastic import ElasticSource
from telemetry.sources.jaeger import JaegerSource
from telemetry.sources.loki import LokiSource
from telemetry.sources.prometheus import PrometheusSource
from telemetry.sources.protocols import LogSource, MetricSource, TraceSource
from telemetry.sources.tempo import TempoSource

AnySource = LogSource | TraceSource | MetricSource | AlertmanagerSource
AlertServer = PrometheusSource | AlertmanagerSource
"""A server that knows which alerts fire."""
_SOON = config.Timeouts(connect=2, read=5, total=8)
"""What waits on whether an alert fires is an action, or its verification: it does without rather than wait long."""
_SMALL = 4 << 20


class Sources:
    """All configured sources by name; also a context that closes them."""

    def __init__(self, sources: Iterable[AnySource]) -> None:
        self._sources = {source.name: source for source in sources}

    def __enter__(self) -> Sources:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[AnySource]:
        return iter(self._sources.values())

    def __len__(self) -> int:
        return len(self._sources)

    def get(self, name: str) -> AnySource:
        """A source by its name. Raises UsageError that names those there are."""
        if name not in self._sources:
            known = ", ".join(sorted(self._sources)) or "none"
            raise UsageError(f"there is no source {name[:60]!r}", where="sources", remedy=f"configured: {known}")
        return self._sources[name]

    @property
    def logs(self) -> Sequence[LogSource]:
        return [one for one in self._sources.values() if isinstance(one, LogSource)]

    @property
    def traces(self) -> Sequence[TraceSource]:
        return [one for one in self._sources.values() if isinstance(one, TraceSource)]

    @property
    def metrics(self) -> Sequence[MetricSource]:
        return [one for one in self._sources.values() if isinstance(one, MetricSource)]

    def close(self) -> None:
        for source in self._sources.values():
            source.close()


def open_sources(path: Path, environment: Environment) -> Sources:
    """The sources of a file. Raises UsageError for one that cannot be read."""
    return Sources(open_source(entry, environment) for entry in config.read_sources(path))


def open_alert_servers(path: Path, environment: Environment) -> list[AlertServer]:
    """The servers of a file that know which alerts fire, bounded so that one that hangs keeps nobody. Raises UsageError."""
    found: list[AlertServer] = []
    for entry in config.read_sources(path):
        if isinstance(entry, config.Prometheus | config.Alertmanager):
            times = {name: min(getattr(entry.timeouts, name), getattr(_SOON, name)) for name in config.Timeouts.model_fields}
            bounded = entry.model_copy(update={"timeouts": config.Timeouts(**times), "max_bytes": min(entry.max_bytes, _SMALL)})
            opened = open_source(bounded, environment)
            assert isinstance(opened, AlertServer)  # noqa: S101 - of these two kinds
            found.append(opened)
    return found


def open_source(entry: config.Source, environment: Environment) -> AnySource:
    """One source from its entry."""
    match entry:
        case config.Loki():
            return LokiSource(entry, connect(entry, environment))
        case config.Elastic():
            return ElasticSource(entry, connect(entry, environment))
        case config.Jaeger():
            return JaegerSource(entry, connect(entry, environment))
        case config.Tempo():
            return TempoSource(entry, connect(entry, environment))
        case config.Prometheus():
            return PrometheusSource(entry, connect(entry, environment))
        case config.Alertmanager():
            return AlertmanagerSource(entry, connect(entry, environment))
        case config.Kubernetes():
            from telemetry.sources.kubeconfig import open_pods

            return open_pods(entry)
