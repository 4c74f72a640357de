"""A MySQL server's error log and slow query log (records of several lines): lock waits and aborted clients at night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet

EVE, DAY = "2026-12-01", "2026-12-02"
START, END = f"{EVE} 22:00", f"{DAY} 06:00"
USERS, HOSTS, TABLES = ("shop", "reporting", "cron"), ("10.6.1.4", "10.6.1.5", "10.6.1.9"), ("orders", "stock", "sessions")


def _form(draft: Draft) -> str:
    stamp = f"{draft.time:%Y-%m-%dT%H:%M:%S}.{draft.time.microsecond // 1000:03d}000Z"
    if draft.kind == "slow":
        return f"# Time: {stamp}\n{draft.message}"
    return f"{stamp} {draft.values['thread']} [{draft.level}] [{draft.values['code']}] [{draft.service}] {draft.message}"


def _error(sheet: Sheet, time: datetime, kind: str, level: str, code: str, message: str, service: str = "Server", **values: Any) -> None:
    sheet.add(time, kind, message, level=level, service=service, code=code, thread=values.pop("thread", sheet.rng.randint(8, 9000)), **values)


def _slow(sheet: Sheet) -> None:
    for time in sheet.times(START, END, 42):
        user, host, table = sheet.pick(USERS), sheet.pick(HOSTS), sheet.pick(TABLES)
        seconds, rows = round(2 + sheet.skewed(2.5 if user != "reporting" else 9, 0.7), 6), int(sheet.skewed(90_000, 1))
        sheet.add(time, "slow", f"# User@Host: {user}[{user}] @  [{host}]  Id: {sheet.rng.randint(100, 9999)}\n# Query_time: {seconds:.6f}  "
                  f"Lock_time: {sheet.rng.random() / 1000:.6f} Rows_sent: {sheet.rng.randint(0, 900)}  Rows_examined: {rows}\n"
                  f"SET timestamp={int(time.timestamp())};\nSELECT * FROM {table} WHERE state = 'open' ORDER BY id;", source="slow.log", user=user,
                  client=host, table=table, seconds=seconds, rows=rows)


def build() -> Pile:
    """The records."""
    sheet = Sheet(1202, _form, "error.log", second=False)
    _slow(sheet)
    for time in sheet.times(START, END, 40):
        number, user = sheet.rng.randint(100, 9999), sheet.pick(USERS)
        host = sheet.pick(HOSTS)
        _error(sheet, time, "aborted", "Note", "MY-010914", f"Aborted connection {number} to db: 'shop' user: '{user}' host: '{host}' "
               "(Got timeout reading communication packets).", user=user, client=host)
    for time in sheet.times(f"{DAY} 02:10", f"{DAY} 03:20", 60):
        table = sheet.pick(TABLES)
        _error(sheet, time, "lock", "ERROR", "MY-012592", f"Lock wait timeout exceeded on table shop/{table}; try restarting transaction", "InnoDB", table=f"shop/{table}", name=table)
    for time in sheet.times(START, END, 9):
        host = sheet.pick(("10.6.1.77", "10.6.1.78"))
        _error(sheet, time, "denied", "Warning", "MY-010055", f"Access denied for user 'root'@'{host}' (using password: YES)", client=host)
    for time in sheet.times(START, END, 12):
        ms = int(sheet.skewed(5200, 0.4))
        _error(sheet, time, "flush", "Note", "MY-011953", f"Page cleaner took {ms}ms to flush {sheet.rng.randint(30, 200)} and evict 0 pages", "InnoDB", ms=ms, thread=0)
    for time in sheet.times(f"{DAY} 04:00", END, 5):
        _error(sheet, time, "replica", "ERROR", "MY-010584", f"Replica I/O for channel '': error connecting to source 'repl@10.6.0.2:3306', retries: {sheet.rng.randint(1, 9)}",
               "Repl")
    return sheet.pile()


PLACES: dict[str, Callable[[Pile], str]] = {}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "locks": lambda p: w.count(p.kind("lock")),
    "aborted": lambda p: w.count(p.kind("aborted")),
    "denied": lambda p: w.count(p.kind("denied")),
    "errors": lambda p: w.count(p.at(level="ERROR")),
    "cron": lambda p: w.count(p.kind("aborted").at(user="cron")),
    "window": lambda p: w.count(p.kind("lock").span(f"{DAY} 02:30", f"{DAY} 03:00")),
    "midnight": lambda p: w.count(p.kind("denied").since(f"{DAY} 00:00")),
    "last_two": lambda p: w.count(p.at(level="ERROR").final(hours=2)),
    "roots": lambda p: w.distinct(p.kind("denied"), "client"),
    "table": lambda p: w.either(w.most(p.kind("lock"), "table"), w.most(p.kind("lock"), "name")),
    "users": lambda p: w.groups(p.kind("aborted"), "user"),
    "codes": lambda p: w.share(p.kind("lock"), p.at(level="ERROR")),
    "slow_max": lambda p: w.stat(p.kind("slow"), "seconds", "max"),
    "slow_p95": lambda p: w.stat(p.kind("slow"), "seconds", "p95"),
    "slow_avg": lambda p: w.stat(p.kind("slow"), "seconds", "mean"),
    "rows": lambda p: w.stat(p.kind("slow"), "rows", "max"),
    "cleaner": lambda p: w.span_of(p.kind("flush"), "ms", "max"),
    "slowest": lambda p: w.extremes(p.kind("slow"), "seconds", 3),
    "first": lambda p: w.first(p.kind("lock")),
    "last": lambda p: w.last(p.kind("replica")),
    "trend": lambda p: w.trend(p.kind("aborted"), 3600),
    "peak": lambda p: w.peak(p.kind("lock"), 600),
    "gap": w.gap,
    "new": lambda p: w.patterns(error_connecting_to_source={"before": 0, "after": len(p.kind("replica"))}),
    "template": lambda p: w.patterns(Lock_wait_timeout={"count": len(p.kind("lock"))}),
    "over": lambda p: w.count(p.kind("slow").over("seconds", 20)),
    "cleaner_over": lambda p: w.count(p.kind("flush").over("ms", 6000)),
    "not_shop": lambda p: w.count(p.kind("aborted").lacks(user="shop")),
    "repl": lambda p: w.yes(p.kind("replica")),
    "crash": lambda _: w.no(),
    "then_orders": lambda p: w.count(p.kind("lock").at(table="shop/orders")),
    "then_since": lambda p: w.count(p.kind("denied").at(client="10.6.1.77").since(f"{DAY} 03:00")),
    "summary": lambda p: w.patterns(Lock_wait_timeout={"count": len(p.kind("lock"))}, never=("Page cleaner",)),
    "nothing": lambda _: w.no(),
    "kill": lambda _: w.refused(),
}
