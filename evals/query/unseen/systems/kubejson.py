"""An order service in Kubernetes (zap JSON, several pods): the broker goes away for twenty minutes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

DAY = "2026-02-18"
PODS = ("orders-7f9c6b-x2lqp", "orders-7f9c6b-m8rtz", "orders-7f9c6b-k4vnd")
ROUTES = ("/v1/orders", "/v1/orders/search", "/v1/refunds", "/healthz")
TENANTS = ("acme", "globex", "initech", "umbrella", "hooli")


def _form(draft: Draft) -> str:
    head = {"level": draft.level, "ts": f"{draft.time:%Y-%m-%dT%H:%M:%S}.{draft.time.microsecond // 1000:03d}Z",
            "logger": draft.service, "caller": draft.values["caller"], "msg": draft.message, "pod": draft.values["pod"]}
    return json.dumps(head | draft.values["extra"], separators=(",", ":"))


def _add(sheet: Sheet, time: datetime, kind: str, level: str, logger: str, caller: str, message: str, pod: str = "",
         **extra: Any) -> None:
    sheet.add(time, kind, message, level=level, service=logger, caller=caller, pod=pod or sheet.pick(PODS), extra=extra, **extra)


def _request(sheet: Sheet, time: datetime) -> None:
    path, tenant, trace = sheet.pick(ROUTES), sheet.pick(TENANTS), sheet.hexes(16)
    method = "POST" if path == "/v1/refunds" else "GET"
    down = "20:05" <= f"{time:%H:%M}" < "20:26"
    pod = sheet.pick(PODS)
    failed = down and path in {"/v1/orders", "/v1/refunds"} and sheet.rng.random() < 0.6
    status = 503 if failed else sheet.pick((200, 201, 400, 429), (88, 5, 4, 3))
    taken = round(sheet.skewed({"/healthz": 0.6, "/v1/orders/search": 140}.get(path, 35) * (8 if failed else 1), 0.6), 2)
    if failed:
        _add(sheet, time, "publish", "error", "events", "events/publisher.go:141", "failed to publish event", pod, topic="order-events",
             error="kafka: client has run out of available brokers to talk to", attempt=sheet.rng.randint(1, 5), trace_id=trace)
    if status == 429:
        _add(sheet, time, "limited", "warn", "ratelimit", "middleware/limit.go:52", "tenant over request quota", pod, tenant=tenant,
             quota_rps=50, trace_id=trace)
    _add(sheet, later(time, taken / 1000), "request", "info", "http", "server/access.go:77", "request completed", pod, method=method,
         path=path, status=status, duration_ms=taken, tenant=tenant, trace_id=trace)


def build() -> Pile:
    """The records."""
    sheet = Sheet(218, _form, "orders.json.log", second=False)
    for time in sheet.times(f"{DAY} 18:00", f"{DAY} 22:10", 520):
        _request(sheet, time)
    for time in sheet.times(f"{DAY} 18:00", f"{DAY} 22:10", 90):
        _add(sheet, time, "cache", "debug", "cache", "cache/lru.go:33", "cache miss", key=f"price:{sheet.rng.randint(1, 400)}")
    for time in sheet.times(f"{DAY} 18:00", f"{DAY} 22:10", 14):
        rows = int(sheet.skewed(900))
        _add(sheet, time, "sync", "info", "jobs", "jobs/sync.go:210", "inventory sync finished", rows=rows,
             elapsed_s=round(rows / 400 + sheet.rng.random(), 3))
    for time in sheet.times(f"{DAY} 20:05", f"{DAY} 20:26", 60):
        _add(sheet, time, "broker", "warn", "kafka", "kafka/client.go:301", "broker connection lost, reconnecting",
             broker=f"kafka-{sheet.rng.randint(0, 2)}:9092", backoff_ms=sheet.pick((250, 500, 1000, 2000)))
    for hour, minute in ((19, 40), (21, 7)):
        _add(sheet, datetime.fromisoformat(f"{DAY} {hour}:{minute:02d}:13+00:00"), "panic", "fatal", "http", "server/recover.go:19",
             "panic recovered in handler", PODS[1], error="runtime error: index out of range [3] with length 3", path="/v1/orders/search")
    return sheet.pile()


def _requests(pile: Pile) -> Pile:
    return pile.kind("request")


def _trace(pile: Pile) -> str:
    return str(pile.kind("publish").ordered()[4].get("trace_id"))


PLACES: dict[str, Callable[[Pile], str]] = {"trace": _trace, "pod": lambda _: PODS[2]}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "publish": lambda p: w.count(p.kind("publish")),
    "errors": lambda p: w.count(p.at(level="error"), p.at(level=("error", "fatal"))),
    "s503": lambda p: w.seen(_requests(p).at(status=503)),
    "acme_429": lambda p: w.count(p.kind("limited").at(tenant="acme")),
    "publish_pod": lambda p: w.count(p.kind("publish").at(pod=PODS[2])),
    "publish_window": lambda p: w.count(p.kind("publish").span(f"{DAY} 20:10", f"{DAY} 20:20")),
    "last_half": lambda p: w.count(p.at(level="warn").final(minutes=30)),
    "since": lambda p: w.seen(p.kind("cache").since(f"{DAY} 21:05")),
    "tenants": lambda p: w.distinct(p.kind("limited"), "tenant"),
    "keys": lambda p: w.distinct(p.kind("cache"), "key"),
    "pods": lambda p: w.groups(p, "pod"),
    "routes": lambda p: w.either(w.top(_requests(p), "path", 3), w.top(p, "path", 3)),
    "levels": w.levels,
    "worst_tenant": lambda p: w.most(p.kind("limited"), "tenant"),
    "brokers": lambda p: w.top(p.kind("broker"), "broker"),
    "share_503": lambda p: w.share(_requests(p).at(status=503), _requests(p)),
    "p99": lambda p: w.span_of(_requests(p), "duration_ms", "p99"),
    "refund_mean": lambda p: w.span_of(_requests(p).at(path="/v1/refunds"), "duration_ms", "mean"),
    "rows": lambda p: w.stat(p.kind("sync"), "rows", "sum"),
    "sync_max": lambda p: w.stat(p.kind("sync"), "elapsed_s", "max"),
    "mean_by_path": lambda p: w.grouped(_requests(p), "duration_ms", "path", "mean"),
    "p95_by_tenant": lambda p: w.grouped(_requests(p), "duration_ms", "tenant", "p95"),
    "slowest_path": lambda p: w.leader(w.grouped(_requests(p), "duration_ms", "path", "mean")),
    "slowest": lambda p: w.extremes(_requests(p), "duration_ms", 5),
    "first": lambda p: w.first(p.kind("publish")),
    "last": lambda p: w.last(p.kind("panic")),
    "trend": lambda p: w.peak(p.kind("publish"), 60),
    "gap": w.gap,
    "compare": lambda p: w.patterns(failed_to_publish_event={"before": 0, "after": len(p.kind("publish").span(f"{DAY} 20:05", f"{DAY} 20:25"))}),
    "trace_lines": lambda p: w.lines(p.at(trace_id=_trace(p))),
    "template": lambda p: w.patterns(broker_connection_lost={"count": len(p.kind("broker"))}),
    "together": lambda _: w.patterns(broker_connection_lost={}),
    "not_health": lambda p: w.count(_requests(p).lacks(path="/healthz")),
    "slow": lambda p: w.count(_requests(p).over("duration_ms", 500)),
    "backoff": lambda p: w.seen(p.kind("broker").least("backoff_ms", 1000)),
    "panic": lambda p: w.yes(p.kind("panic")),
    "then_last_hour": lambda p: w.count(p.kind("limited").final(hours=1)),
    "then_pod": lambda p: w.top(p.kind("publish"), "pod"),
    "then_max": lambda p: w.span_of(_requests(p).at(path="/v1/refunds"), "duration_ms", "max"),
    "summary": lambda p: w.patterns(failed_to_publish_event={"count": len(p.kind("publish"))}, never=("cache miss",)),
    "nothing": lambda _: w.no(),
    "scale": lambda _: w.refused(),
}
