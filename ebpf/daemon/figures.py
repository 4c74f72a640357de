"""What the daemon counts over all its sessions, for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server


class Figures:
    """One registry a daemon. Counters grow by the workers' progress; gauges are those of the last look."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._events = Counter("ebpf_events_total", "Events handed out by probes.", ["probe"], registry=self.registry)
        self._lost = Counter("ebpf_events_lost_total", "Events lost because a ring buffer was full.", ["probe"], registry=self.registry)
        self._suppressed = Counter("ebpf_events_suppressed_total", "Events over the budget: counted and measured, not handed out.", ["probe"], registry=self.registry)
        self._map = Gauge("ebpf_map_usage_percent", "How full the fullest map of a session is.", ["session"], registry=self.registry)
        self._cpu = Gauge("ebpf_cpu_usage_percent", "CPU that a session costs, programs and worker, in percent of one CPU.", ["session"], registry=self.registry)
        self._sessions = Counter("ebpf_sessions_total", "Sessions by how they ended.", ["probe", "ended"], registry=self.registry)
        self._running = Gauge("ebpf_sessions_running", "Sessions that run now.", registry=self.registry)
        self._refused = Counter("ebpf_grants_refused_total", "Requests to start that were refused.", ["kind"], registry=self.registry)
        self._export = Histogram("otlp_export_duration_seconds", "Time that sending spans by OTLP took.", ["outcome"], registry=self.registry)
        self._before: dict[str, Mapping[str, int]] = {}

    def exported(self, outcome: str, seconds: float) -> None:
        """A request to the OTLP endpoint ended."""
        self._export.labels(outcome).observe(seconds)

    def begun(self, running: int) -> None:
        """So many sessions run now."""
        self._running.set(running)

    def refused(self, kind: str) -> None:
        """A start was refused."""
        self._refused.labels(kind).inc()

    def progress(self, session: str, probe: str, told: Mapping[str, Any]) -> None:
        """A worker's ``progress``, or the counts of its ``result``."""
        before = self._before.get(session, {})
        for name, counter in (("events", self._events), ("lost", self._lost), ("suppressed", self._suppressed)):
            counter.labels(probe).inc(max(0, int(told.get(name, 0)) - before.get(name, 0)))
        self._before[session] = {name: int(told.get(name, 0)) for name in ("events", "lost", "suppressed")}
        if "cpu" in told:
            self._cpu.labels(session).set(float(told["cpu"]) * 100)
        if "full" in told:
            self._map.labels(session).set(float(told["full"]) * 100)

    def ended(self, session: str, probe: str, how: str, running: int) -> None:
        """A session is over."""
        self._before.pop(session, None)
        for gauge in (self._cpu, self._map):
            if (session,) in gauge._metrics:
                gauge.remove(session)
        self._sessions.labels(probe, how).inc()
        self._running.set(running)


def expose(figures: Figures, port: int, host: str = "127.0.0.1") -> None:
    """Answer Prometheus; on loopback unless another address is named. Raises OSError."""
    start_http_server(port, addr=host, registry=figures.registry)
