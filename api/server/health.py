"""``/livez``, ``/readyz``, ``/metrics``: the truth about store, state database, index, cluster, model and disk."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.approvals.people import Person
from api.door.needs import Needs, open_to_all
from api.server.services import Services
from telemetry.errors import OnCalmError

LEAST_FREE = 64 << 20
"""Bytes of disk below which nothing can be relied on to be kept."""
_FRESH = 10.0
"""Seconds for which a look at a cluster or an endpoint holds: probes come every few seconds."""
_FIRST, _AGAIN = 2.0, 0.2
"""Seconds that a probe waits for the first look, and for a fresh one when there is an old one."""


@dataclass(frozen=True, slots=True)
class Check:
    """``needed``: without it the server is not ready; else it is ready with less."""

    name: str
    ok: bool
    seen: str
    needed: bool = True

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"check": self.name, "ok": self.ok, "seen": self.seen, "needed": self.needed}


    def outside(self) -> dict[str, Any]:
        """The same for strangers: addresses and errors are none of their business."""
        return {"check": self.name, "ok": self.ok, "seen": "", "needed": self.needed}


class Health:
    """Looks, and remembers the slow ones for some seconds."""

    def __init__(self, services: Services) -> None:
        self._services, self._lock = services, Lock()
        self._kept: dict[str, tuple[float, Check]] = {}
        self._looking: dict[str, Future[Check]] = {}
        self._threads = ThreadPoolExecutor(3, "health")

    def checks(self) -> list[Check]:
        """Everything, now."""
        found = [self._state(), self._store(), self._disk(), self._once("index", self._index)]
        if self._services.product.cluster is not None:
            found.append(self._once("cluster", self._cluster))
        if self._services.product.thinking is not None:
            found.append(self._once("model", self._model))
        if self._services.runs.ending:
            found.append(Check("server", ok=False, seen="it is ending and takes nothing new"))
        return found

    def _once(self, name: str, look: Callable[[], Check]) -> Check:
        """What was seen of late. One look at a time, in a thread: a cluster that hangs keeps no probe waiting for long."""
        with self._lock:
            at, kept = self._kept.get(name, (-math.inf, None))
            if time.monotonic() - at > _FRESH and name not in self._looking:
                self._looking[name] = self._threads.submit(self._look, name, look)
            looking = self._looking.get(name)
        if looking is not None:
            with suppress(TimeoutError):
                return looking.result(_FIRST if kept is None else _AGAIN)
        return kept or Check(name, ok=False, seen=f"no answer within {_FIRST:g} s yet", needed=False)

    def _look(self, name: str, look: Callable[[], Check]) -> Check:
        try:
            found = look()
        except Exception as error:  # noqa: BLE001 - a defect of a look is what was seen
            found = Check(name, ok=False, seen=f"it cannot be looked at: {type(error).__name__}", needed=False)
        with self._lock:
            self._kept[name] = time.monotonic(), found
            self._looking.pop(name, None)
        return found

    def _state(self) -> Check:
        try:
            with self._services.kept.database.reading() as connection:
                connection.exec_driver_sql("SELECT 1")
        except OnCalmError as error:
            return Check("state database", ok=False, seen=error.what)
        return Check("state database", ok=True, seen="answers")

    def _store(self) -> Check:
        home = self._services.home
        if not (home / "manifest.db").exists():
            return Check("store", ok=True, seen="empty: no records have come yet")
        try:
            records = self._services.product.catalog().records
        except (OnCalmError, OSError) as error:
            return Check("store", ok=False, seen=str(error))
        return Check("store", ok=True, seen=f"{records:,} log records")

    def _disk(self) -> Check:
        free = shutil.disk_usage(self._services.home).free
        return Check("disk", ok=free >= LEAST_FREE, seen=f"{free >> 20:,} MiB free")

    def _index(self) -> Check:
        if not (self._services.home / "manifest.db").exists():
            return Check("index", ok=True, seen="empty", needed=False)
        try:
            whole = self._services.product.indexed()
        except (OnCalmError, OSError) as error:
            return Check("index", ok=False, seen=str(error), needed=False)
        return Check("index", ok=whole, seen="holds every template" if whole else "is behind the store; templates are found by words meanwhile", needed=False)

    def _cluster(self) -> Check:
        from api.doctor.cluster import cluster_checks

        try:
            found = cluster_checks(self._services.product.access(None))
        except OnCalmError as error:  # nobody on it stands for OnCalm itself
            return Check("cluster", ok=False, seen=str(error), needed=False)
        wrong = [one for one in found if not one["ok"]]
        return Check("cluster", ok=not wrong, seen="; ".join(str(one["seen"]) for one in wrong or found)[:500], needed=False)

    def _model(self) -> Check:
        from agent.llm.reaching import reach

        thinking = self._services.product.thinking
        assert thinking is not None  # noqa: S101 - asked before
        ok, seen = reach(thinking.endpoint)
        return Check("model", ok=ok, seen=seen if ok else f"{seen}; answers are made by rules meanwhile", needed=False)


class Meters:
    """The metrics of one server: requests as they end, everything else when it is asked for."""

    def __init__(self, services: Services) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("oncalm_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry)
        self.seconds = Histogram("oncalm_http_request_duration_seconds", "Time to the end of the answer.", ("method", "route"), registry=self.registry)
        for one in (_State(services), *services.collectors):
            self.registry.register(one)


class _State(Collector):
    """What is read when it is asked for."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """The families; what cannot be read is left out."""
        runs = GaugeMetricFamily("oncalm_runs", "Runs of this process by state.", labels=("state",))
        for state, count in self._services.runs.counts.items():
            runs.add_metric((state,), count)
        yield runs
        yield GaugeMetricFamily("oncalm_streams", "Open event streams.", value=self._services.runs.streams)
        try:
            yield from self._kept()
        except OnCalmError:
            return

    def _kept(self) -> Iterator[Metric]:
        from agent.approvals.states import WAYS
        from agent.spend import Ledger

        approvals = GaugeMetricFamily("oncalm_approvals", "Approvals by state (the newest thousand).", labels=("state",))
        counts = dict.fromkeys(WAYS, 0)
        for one in self._services.desk.approvals.list(WAYS):
            counts[one.state] += 1
        for state, count in counts.items():
            approvals.add_metric((state,), count)
        yield approvals
        spent = Ledger(self._services.home / "spend.db").spent()
        yield CounterMetricFamily("oncalm_model_calls", "Calls of models that are booked.", value=spent.calls)
        tokens = CounterMetricFamily("oncalm_model_tokens", "Tokens of models.", labels=("kind",))
        for kind, value in (("input", spent.input), ("cached", spent.cached), ("output", spent.output)):
            tokens.add_metric((kind,), value)
        yield tokens
        yield CounterMetricFamily("oncalm_model_cost_usd", "What calls cost whose price is known.", value=spent.usd)


def router(services: Services, meters: Meters) -> APIRouter:
    """The routes."""
    routes, health = APIRouter(), Health(services)

    @routes.get("/livez", tags=["health"])
    @open_to_all("says only that the process answers")
    async def livez() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "ok"}

    @routes.get("/readyz", tags=["health"], responses={503: {"description": "Something that is needed does not work."}})
    @open_to_all("says to strangers what works, and not what was seen")
    def readyz(request: Request) -> Response:
        """Whether what is needed works, and what else does; to those who are known also what was seen."""
        found = health.checks()
        ready = all(one.ok for one in found if one.needed)
        status = "ready" if all(one.ok for one in found) else "degraded" if ready else "not ready"
        known = isinstance(getattr(request.state, "person", None), Person)
        return JSONResponse({"status": status, "checks": [one.document() if known else one.outside() for one in found]}, 200 if ready else 503)

    @routes.get("/metrics", tags=["health"], response_class=Response)
    def metrics(_: Annotated[Person, Depends(Needs("viewer"))]) -> Response:
        """For Prometheus."""
        return Response(generate_latest(meters.registry), media_type=CONTENT_TYPE_LATEST)

    return routes
