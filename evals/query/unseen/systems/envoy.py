"""Access log of a service mesh sidecar (Envoy, JSON): an upstream overflows its connection pool after a deploy."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet

DAY = "2026-05-21"
START, END = f"{DAY} 08:00", f"{DAY} 11:00"
CLUSTERS = {"inventory": ("/v1/stock", "/v1/reserve"), "pricing": ("/v1/quote",), "reviews": ("/v1/reviews", "/v1/ratings")}
CALLERS = ("storefront", "mobile-bff", "backoffice")


def _form(draft: Draft) -> str:
    return json.dumps({"start_time": f"{draft.time:%Y-%m-%dT%H:%M:%S}.{draft.time.microsecond // 1000:03d}Z", **draft.values})


def _call(sheet: Sheet, time: datetime) -> None:
    cluster = sheet.pick(tuple(CLUSTERS))
    bad = cluster == "pricing" and "09:40" <= f"{time:%H:%M}" < "10:05" and sheet.rng.random() < 0.6
    code, flags = (503, "UO") if bad else sheet.pick(((200, "-"), (404, "-"), (429, "RL"), (504, "UT")), (92, 4, 3, 1))
    took = int(sheet.skewed({"inventory": 24, "pricing": 60, "reviews": 15}[cluster])) if code != 504 else 15000 + sheet.rng.randint(0, 9)
    sheet.add(time, "call", "", method="POST" if cluster == "pricing" else "GET", path=sheet.pick(CLUSTERS[cluster]), response_code=code,
              response_flags=flags, duration=took, bytes_sent=int(sheet.skewed(1800)), upstream_cluster=cluster, caller=sheet.pick(CALLERS),
              upstream_host=f"10.72.{len(cluster)}.{sheet.rng.randint(3, 7)}:8080", request_id=f"{sheet.hexes(8)}-{sheet.hexes(4)}-{sheet.hexes(12)}")


def build() -> Pile:
    """The records."""
    sheet = Sheet(521, _form, "envoy-access.json", second=False)
    for time in sheet.times(START, END, 720):
        _call(sheet, time)
    return sheet.pile()


def _bad(pile: Pile) -> Pile:
    return pile.at(response_code=503)


def _request(pile: Pile) -> str:
    return str(_bad(pile).ordered()[9].get("request_id"))


PLACES: dict[str, Callable[[Pile], str]] = {"request": _request}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "all": w.count,
    "s503": lambda p: w.count(_bad(p)),
    "uo": lambda p: w.count(p.at(response_flags="UO")),
    "pricing": lambda p: w.count(p.at(upstream_cluster="pricing")),
    "mobile": lambda p: w.count(p.at(caller="mobile-bff", response_code=429)),
    "after_ten": lambda p: w.count(_bad(p).since(f"{DAY} 10:00")),
    "window": lambda p: w.count(p.span(f"{DAY} 09:40", f"{DAY} 09:50")),
    "final": lambda p: w.count(p.at(response_code=404).final(hours=1)),
    "hosts": lambda p: w.distinct(p.at(upstream_cluster="pricing"), "upstream_host"),
    "paths": lambda p: w.top(p, "path", 3),
    "codes": lambda p: w.groups(p, "response_code"),
    "caller": lambda p: w.most(_bad(p), "caller"),
    "share": lambda p: w.share(_bad(p), p),
    "p95": lambda p: w.span_of(p, "duration", "p95"),
    "avg": lambda p: w.span_of(p.at(upstream_cluster="reviews"), "duration", "mean"),
    "bytes": lambda p: w.stat(p, "bytes_sent", "sum"),
    "by_cluster": lambda p: w.grouped(p, "duration", "upstream_cluster", "p95"),
    "slow_cluster": lambda p: w.leader(w.grouped(p, "duration", "upstream_cluster", "mean")),
    "largest": lambda p: w.extremes(p, "bytes_sent", 5),
    "first": lambda p: w.first(_bad(p)),
    "last": lambda p: w.last(_bad(p)),
    "trend": lambda p: w.trend(_bad(p), 300),
    "gap": w.gap,
    "request": lambda p: w.seen(p.at(request_id=_request(p))),
    "slow": lambda p: w.count(p.over("duration", 1000)),
    "not_get": lambda p: w.count(p.lacks(method="GET")),
    "any": lambda p: w.yes(p.at(response_flags="UT")),
    "none": lambda _: w.no(),
    "then_code": lambda p: w.count(p.at(response_code=404, upstream_cluster="inventory")),
    "then_caller": lambda p: w.groups(_bad(p), "caller"),
    "nothing": lambda _: w.no(),
    "roll": lambda _: w.refused(),
}
