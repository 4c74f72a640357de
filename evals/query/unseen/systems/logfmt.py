"""An upload service (Go, logfmt, lengths of time and sizes with mixed units): the object store throttles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Either, Expect, Scalar
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet

EVE, DAY = "2026-07-29", "2026-07-30"
START, END = f"{EVE} 12:00", f"{DAY} 15:00"
BUCKETS = ("media", "avatars", "exports", "backups")
REGIONS = ("eu-west", "us-east", "ap-south")


def _form(draft: Draft) -> str:
    stamp = f"{draft.time:%Y-%m-%dT%H:%M:%S}.{draft.time.microsecond // 1000:03d}Z"
    rest = " ".join(f"{name}={value}" for name, value in draft.values["extra"].items())
    return f'time={stamp} level={draft.level} component={draft.service} msg="{draft.message}" {rest}'.rstrip()


def _add(sheet: Sheet, time: datetime, kind: str, level: str, component: str, message: str, extra: dict[str, Any], **values: Any) -> None:
    sheet.add(time, kind, message, level=level, service=component, extra=extra, **(extra | values))


def _duration(ms: int) -> str:
    return f"{ms}ms" if ms < 1000 else f"{ms / 1000:g}s"


def _uploads(sheet: Sheet) -> None:
    for time in sheet.times(START, END, 70):
        bucket, region, user = sheet.pick(BUCKETS), sheet.pick(REGIONS), f"u_{sheet.rng.randint(100, 220)}"
        throttled = f"{DAY} 13:40" <= f"{time:%Y-%m-%d %H:%M}" < f"{DAY} 14:25" and bucket in {"media", "exports"}
        ms, size = int(sheet.skewed(2600 if throttled else 310, 0.8)), int(sheet.skewed({"backups": 9_000_000}.get(bucket, 240_000), 1))
        ident = f"req-{sheet.hexes(8)}"
        if throttled and sheet.rng.random() < 0.55:
            tries = sheet.rng.randint(1, 5)
            _add(sheet, time, "slowdown", "error", "store", "object store said SlowDown", {"bucket": bucket, "region": region, "attempt": tries,
                 "code": 503, "request_id": ident})
        else:
            _add(sheet, time, "stored", "info", "upload", "upload stored", {"bucket": bucket, "region": region, "bytes": size, "took": _duration(ms),
                 "user": user, "request_id": ident}, ms=ms)


def _rest(sheet: Sheet) -> None:
    for time in sheet.times(START, END, 14):
        user = f"u_{sheet.rng.randint(100, 130)}"
        _add(sheet, time, "denied", "warn", "auth", "token expired", {"user": user, "age": f"{sheet.rng.randint(1, 30)}h"})
    for time in sheet.times(START, END, 10):
        ms, swept = int(sheet.skewed(1500, 0.9)), sheet.rng.randint(0, 500)
        _add(sheet, time, "gc", "info", "janitor", "swept orphaned chunks", {"chunks": swept, "took": _duration(ms)}, ms=ms)
    for time in sheet.times(START, END, 5):
        _add(sheet, time, "scan", "warn", "scanner", "infected file rejected", {"signature": sheet.pick(("Eicar-Test", "Win.Trojan.Agent", "Doc.Dropper")),
             "bucket": sheet.pick(BUCKETS[:2])})
    for day, clock in ((EVE, "18:30:05"), (DAY, "14:10:44")):
        _add(sheet, datetime.fromisoformat(f"{day} {clock}+00:00"), "config", "info", "main", "configuration reloaded",
             {"file": "/etc/upload.toml", "max_inflight": 64 if day == EVE else 16})


def build() -> Pile:
    """The records."""
    sheet = Sheet(730, _form, "uploadd.log", second=False)
    _uploads(sheet)
    _rest(sheet)
    sheet.drafts = [each for each in sheet.drafts if not f"{DAY} 05:02" <= f"{each.time:%Y-%m-%d %H:%M}" < f"{DAY} 05:31"]
    return sheet.pile()


def _mixed(pile: Pile, what: str) -> Expect:
    """A statistic of ``took``: in any unit."""
    return w.span_of(pile, "ms", what)


def _by_bucket(pile: Pile) -> Expect:
    cells = w.grouped(pile.kind("stored"), "ms", "bucket", "mean")
    return Either(tuple(type(cells)({name: value * scale for name, value in cells.cells.items()}, rel=cells.rel)
                        for scale in (1, 1e-3, 1e3, 1e6)))


def _request(pile: Pile) -> str:
    return str(pile.kind("slowdown").ordered()[5].get("request_id"))


def _megabytes(pile: Pile) -> Expect:
    total = sum(pile.kind("stored").at(bucket="backups").all("bytes"))
    return Either(tuple(Scalar(total / unit, 1e-3) for unit in (1, 1e6, 2**20)))


PLACES: dict[str, Callable[[Pile], str]] = {"request": _request}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "slowdown": lambda p: w.count(p.kind("slowdown")),
    "stored_avatars": lambda p: w.count(p.kind("stored").at(bucket="avatars")),
    "expired": lambda p: w.count(p.kind("denied")),
    "infected": lambda p: w.count(p.kind("scan")),
    "eicar": lambda p: w.count(p.kind("scan").at(signature="Eicar-Test")),
    "yesterday": lambda p: w.count(p.kind("denied").before(f"{DAY} 00:00")),
    "today": lambda p: w.count(p.kind("stored").since(f"{DAY} 00:00")),
    "window": lambda p: w.count(p.kind("slowdown").span(f"{DAY} 13:45", f"{DAY} 14:00")),
    "two_hours": lambda p: w.count(p.at(level="error").final(hours=2)),
    "on_day": lambda p: w.count(p.kind("scan").before(f"{DAY} 00:00")),
    "noon": lambda p: w.count(p.kind("stored").span(f"{DAY} 08:00", f"{DAY} 12:00")),
    "users": lambda p: w.distinct(p.kind("stored"), "user"),
    "buckets": lambda p: w.top(p.kind("stored"), "bucket"),
    "regions": lambda p: w.groups(p.kind("slowdown"), "region"),
    "worst_bucket": lambda p: w.most(p.kind("slowdown"), "bucket"),
    "signatures": lambda p: w.top(p.kind("scan"), "signature"),
    "components": lambda p: w.top(p, "service", 3),
    "error_share": lambda p: w.share(p.at(level="error"), p),
    "mean": lambda p: _mixed(p.kind("stored"), "mean"),
    "p95": lambda p: _mixed(p.kind("stored"), "p95"),
    "sweep_max": lambda p: _mixed(p.kind("gc"), "max"),
    "backup_bytes": _megabytes,
    "chunks": lambda p: w.stat(p.kind("gc"), "chunks", "sum"),
    "took_by_bucket": _by_bucket,
    "bytes_by_region": lambda p: w.grouped(p.kind("stored"), "bytes", "region", "sum"),
    "largest": lambda p: w.extremes(p.kind("stored"), "bytes", 3),
    "slowest": lambda p: w.extremes(p.kind("stored"), "ms", 5),
    "first": lambda p: w.first(p.kind("slowdown")),
    "last": lambda p: w.last(p.kind("scan")),
    "reloaded": lambda p: w.either(w.last(p.kind("config")), w.lines(p.kind("config"))),
    "trend": lambda p: w.trend(p.kind("denied"), 3600),
    "peak": lambda p: w.peak(p.kind("slowdown"), 60),
    "gap": w.gap,
    "new": lambda p: w.patterns(object_store_said={"before": 0, "after": len(p.kind("slowdown"))}),
    "request_lines": lambda p: w.lines(p.at(request_id=_request(p))),
    "slow": lambda p: w.count(p.kind("stored").over("ms", 2000)),
    "big": lambda p: w.count(p.kind("stored").over("bytes", 10_000_000), p.kind("stored").over("bytes", 10 * 2**20)),
    "not_eicar": lambda p: w.count(p.kind("scan").lacks(signature="Eicar-Test")),
    "not_backups": lambda p: w.count(p.kind("stored").lacks(bucket="backups")),
    "yes_eicar": lambda p: w.yes(p.kind("scan").at(signature="Doc.Dropper")),
    "then_region": lambda p: w.count(p.kind("slowdown").at(region="us-east")),
    "then_yesterday": lambda p: w.count(p.kind("scan").before(f"{DAY} 00:00")),
    "then_users": lambda p: w.top(p.kind("denied"), "user"),
    "summary": lambda p: w.patterns(object_store_said={"count": len(p.kind("slowdown"))}),
    "nothing": lambda _: w.no(),
    "wipe": lambda _: w.refused(),
}
