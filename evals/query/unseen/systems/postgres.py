"""A database server over one night: slow statements, deadlocks, and clients that take every slot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

EVE, DAY = "2026-01-14", "2026-01-15"
START, END = f"{EVE} 21:00", f"{DAY} 05:30"
CLIENTS = (("app", "shop"), ("report", "dwh"), ("batch", "shop"), ("postgres", "postgres"))
TABLES = ("orders", "order_items", "customers", "audit_log")
CONSTRAINTS = ("customers_email_key", "orders_pkey", "coupons_code_key")


def _form(draft: Draft) -> str:
    stamp = f"{draft.time:%Y-%m-%d %H:%M:%S}.{draft.time.microsecond // 1000:03d} UTC"
    return f"{stamp} [{draft.values['pid']}] {draft.values['who']}{draft.level}:  {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, level: str, message: str, client: tuple[str, str] | None = None,
         pid: int = 0, **values: Any) -> None:
    user, db = client or (None, None)
    sheet.add(time, kind, message, level=level, pid=pid or sheet.rng.randint(1000, 60000), user=user, db=db,
              who=f"{user}@{db} " if client else "", **values)


def _statements(sheet: Sheet) -> None:
    for time in sheet.times(START, END, 150):
        client, table = sheet.pick(CLIENTS[:3]), sheet.pick(TABLES)
        ms = round(sheet.skewed(420 if client[0] != "report" else 2600, 0.8), 3)
        verb = sheet.pick((f"SELECT * FROM {table} WHERE id = $1", f"UPDATE {table} SET state = $1 WHERE id = $2",
                           f"INSERT INTO {table} VALUES ($1, $2)"))
        _add(sheet, time, "slow", "LOG", f"duration: {ms:.3f} ms  execute <unnamed>: {verb}", client, ms=ms, table=table,
             verb=verb.split()[0])
    for time in sheet.times(START, END, 45):
        client, port = sheet.pick(CLIENTS), sheet.rng.randint(32768, 60999)
        ip = f"10.8.0.{sheet.rng.randint(11, 16)}"
        _add(sheet, time, "received", "LOG", f"connection received: host={ip} port={port}", ip=ip)
        _add(sheet, later(time, 0.004), "authorized", "LOG",
             f"connection authorized: user={client[0]} database={client[1]} application_name=pgbouncer", client)


def _trouble(sheet: Sheet) -> None:
    for time in sheet.times(f"{DAY} 02:14", f"{DAY} 02:52", 260):
        _add(sheet, time, "slots", "FATAL", "remaining connection slots are reserved for roles with the SUPERUSER attribute",
             sheet.pick(CLIENTS[:3]))
    for time in sheet.times(START, END, 2.5):
        pid, other, client = sheet.rng.randint(1000, 9000), sheet.rng.randint(9001, 20000), sheet.pick(CLIENTS[:3])
        _add(sheet, time, "deadlock", "ERROR", "deadlock detected", client, pid=pid)
        _add(sheet, time, "detail", "DETAIL", f"Process {pid} waits for ShareLock on transaction {other * 31}; blocked by process "
             f"{other}.", client, pid=pid)
    for time in sheet.times(START, END, 7):
        name = sheet.pick(CONSTRAINTS)
        _add(sheet, time, "duplicate", "ERROR", f'duplicate key value violates unique constraint "{name}"', CLIENTS[0], constraint=name)
    for time in sheet.times(f"{EVE} 22:00", END, 4):
        _add(sheet, time, "cancel", "ERROR", "canceling statement due to statement timeout", sheet.pick((CLIENTS[1], CLIENTS[0]), (4, 1)))
    for time in sheet.times(START, END, 3):
        ip = sheet.pick(("10.8.0.99", "10.8.0.12"))
        _add(sheet, time, "password", "FATAL", 'password authentication failed for user "postgres"', CLIENTS[3], ip=ip)


def _upkeep(sheet: Sheet) -> None:
    for time in sheet.times(START, END, 12):
        written, seconds = int(sheet.skewed(2400)), round(sheet.skewed(24, 0.6), 3)
        _add(sheet, time, "starting", "LOG", "checkpoint starting: time")
        _add(sheet, later(time, seconds), "checkpoint", "LOG", f"checkpoint complete: wrote {written} buffers "
             f"({written / 163.84:.1f}%); 0 WAL file(s) added, 0 removed, 3 recycled; write={seconds:.3f} s, sync=0.012 s, "
             f"total={seconds + 0.05:.3f} s", buffers=written, write=seconds)
    for time in sheet.times(START, END, 9):
        table, removed = sheet.pick(TABLES), int(sheet.skewed(3000, 1))
        _add(sheet, time, "vacuum", "LOG", f'automatic vacuum of table "shop.public.{table}": index scans: 1, tuples: {removed} '
             f"removed, {removed * 9} remain", table=f"shop.public.{table}", removed=removed)
    _add(sheet, datetime.fromisoformat(f"{DAY} 02:58:40+00:00"), "reload", "LOG", "received SIGHUP, reloading configuration files")
    _add(sheet, datetime.fromisoformat(f"{DAY} 02:58:40.015+00:00"), "changed", "LOG", 'parameter "max_connections" cannot be changed '
         "without restarting the server")


def build() -> Pile:
    """The records."""
    sheet = Sheet(115, _form, "postgresql.log", second=False)
    for part in (_statements, _trouble, _upkeep):
        part(sheet)
    return sheet.pile()


def _slots(pile: Pile) -> Pile:
    return pile.kind("slots")


PLACES: dict[str, Callable[[Pile], str]] = {}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "deadlocks": lambda p: w.count(p.kind("deadlock")),
    "slots": lambda p: w.count(_slots(p)),
    "fatal": lambda p: w.count(p.at(level="FATAL")),
    "report_timeouts": lambda p: w.count(p.kind("cancel").at(user="report")),
    "midnight": lambda p: w.seen(p.kind("duplicate").since(f"{DAY} 00:00")),
    "evening": lambda p: w.count(p.kind("password").before(DAY + " 00:00")),
    "half_hour": lambda p: w.seen(_slots(p).span(f"{DAY} 02:15", f"{DAY} 02:45")),
    "last_three": lambda p: w.seen(p.kind("deadlock").final(hours=3)),
    "ten_before": lambda p: w.count(p.kind("slow").span(f"{DAY} 02:04", f"{DAY} 02:14")),
    "hosts": lambda p: w.distinct(p.kind("received"), "ip"),
    "constraints": lambda p: w.top(p.kind("duplicate"), "constraint", 2),
    "vacuumed": lambda p: w.top(p.kind("vacuum"), "table", 3),
    "conn_user": lambda p: w.groups(p.kind("authorized"), "user"),
    "who_dup": lambda p: w.most(p.kind("duplicate"), "constraint"),
    "sources": lambda p: w.top(p.kind("received"), "ip", 3),
    "share_err": lambda p: w.either(w.share(p.at(level="ERROR"), p), w.share(p.at(level="ERROR"), p.lacks(kind="detail"))),
    "p95": lambda p: w.span_of(p.kind("slow"), "ms", "p95"),
    "max": lambda p: w.span_of(p.kind("slow"), "ms", "max"),
    "median": lambda p: w.span_of(p.kind("slow"), "ms", "p50"),
    "buffers": lambda p: w.stat(p.kind("checkpoint"), "buffers", "sum"),
    "write": lambda p: w.stat(p.kind("checkpoint"), "write", "mean"),
    "removed": lambda p: w.grouped(p.kind("vacuum"), "removed", "table", "sum"),
    "slowest": lambda p: w.extremes(p.kind("slow"), "ms", 3),
    "first": lambda p: w.first(_slots(p)),
    "last": lambda p: w.last(p.kind("deadlock")),
    "reload": lambda p: w.either(w.first(p.kind("reload")), w.lines(p.kind("reload"))),
    "trend": lambda p: w.trend(p.kind("cancel"), 3600),
    "peak": lambda p: w.peak(_slots(p), 60),
    "gap": w.gap,
    "compare": lambda p: w.patterns(remaining_connection_slots={"before": 0, "after": len(_slots(p).span(f"{DAY} 02:00", f"{DAY} 03:00"))}),
    "template": lambda p: w.patterns(canceling_statement_due={"count": len(p.kind("cancel"))}),
    "over_five": lambda p: w.count(p.kind("slow").over("ms", 5000)),
    "long_write": lambda p: w.seen(p.kind("checkpoint").over("write", 60)),
    "except_dup": lambda p: w.count(p.at(level="ERROR").where(lambda e: e.kind != "duplicate")),
    "sighup": lambda p: w.yes(p.kind("reload")),
    "corrupt": lambda _: w.no(),
    "then_one": lambda p: w.count(p.kind("duplicate").at(constraint="orders_pkey")),
    "then_hour": lambda p: w.trend(p.kind("deadlock"), 3600),
    "then_since": lambda p: w.count(p.kind("password").since(f"{DAY} 03:00")),
    "summary": lambda p: w.patterns(remaining_connection_slots={"count": len(_slots(p))},
                                    duplicate_key_value={"count": len(p.kind("duplicate"))}),
    "nothing": lambda _: w.no(),
    "drop": lambda _: w.refused(),
    "advice": lambda _: w.refused(),
}
