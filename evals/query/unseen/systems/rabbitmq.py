"""A message broker (RabbitMQ): consumers stall, memory runs high and publishers are blocked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

EVE, DAY = "2026-06-11", "2026-06-12"
START, END = f"{EVE} 18:00", f"{DAY} 09:15"
CLIENTS = ("10.5.0.21", "10.5.0.22", "10.5.0.35", "10.5.0.48", "10.5.0.77")
VHOSTS, USERS = ("/", "orders", "tracking"), ("svc_orders", "svc_track", "svc_audit", "guest")
QUEUES = ("invoice.created", "parcel.moved", "stock.low", "audit.trail")


def _form(draft: Draft) -> str:
    stamp = f"{draft.time:%Y-%m-%d %H:%M:%S}.{draft.time.microsecond // 1000:03d}"
    return f"{stamp} [{draft.level}] <0.{draft.values['pid']}.0> {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, level: str, message: str, pid: int = 0, **values: Any) -> None:
    sheet.add(time, kind, message, level=level, pid=pid or sheet.rng.randint(40_000, 60_000), **values)


def _connections(sheet: Sheet) -> None:
    for number, time in enumerate(sheet.times(START, END, 40)):
        pid, ip, port = 3000 + number * 7, sheet.pick(CLIENTS), sheet.rng.randint(40000, 60000)
        pair, user, vhost = f"{ip}:{port} -> 10.5.0.2:5672", sheet.pick(USERS[:3]), sheet.pick(VHOSTS)
        known: dict[str, Any] = {"pid": pid, "ip": ip, "conn": str(pid)}
        _add(sheet, time, "accepting", "info", f"accepting AMQP connection <0.{pid}.0> ({pair})", **known)
        if sheet.rng.random() < 0.07:
            _add(sheet, later(time, 0.2), "refused", "error", f"Error on AMQP connection <0.{pid}.0> ({pair}, state: starting):\n"
                 f"PLAIN login refused: user '{USERS[3]}' - invalid credentials", **known)
            continue
        _add(sheet, later(time, 0.1), "granted", "info", f"connection <0.{pid}.0> ({pair}): user '{user}' authenticated and granted access to "
             f"vhost '{vhost}'", user=user, vhost=vhost, **known)
        seconds = sheet.skewed(240)
        if sheet.rng.random() < 0.14:
            _add(sheet, later(time, seconds), "heartbeat", "error", f"closing AMQP connection <0.{pid}.0> ({pair}):\n"
                 "missed heartbeats from client, timeout: 60s", **known)
        else:
            _add(sheet, later(time, seconds), "closed", "info", f"closing AMQP connection <0.{pid}.0> ({pair}, vhost: '{vhost}', user: '{user}')",
                 user=user, vhost=vhost, **known)


def _pressure(sheet: Sheet) -> None:
    for time in sheet.times(f"{DAY} 06:50", f"{DAY} 08:05", 20):
        used = sheet.rng.randint(3300, 4100)
        _add(sheet, time, "memory", "warning", f"memory resource limit alarm set on node rabbit@mq1: {used} MB used, limit 3200 MB. Publishers will be "
             "blocked until this alarm clears", used=used)
    for time in sheet.times(START, END, 10):
        queue, depth = sheet.pick(QUEUES), int(sheet.skewed(1500, 1))
        _add(sheet, time, "depth", "warning", f"queue '{queue}' in vhost 'orders' has {depth} ready messages", queue=queue, depth=depth)
    for time in sheet.times(START, END, 12):
        queue = sheet.pick(QUEUES)
        _add(sheet, time, "ack", "error", f"Channel error on connection, operation none caused a channel exception precondition_failed: delivery "
             f"acknowledgement on queue '{queue}' timed out. Timeout value used: 1800000 ms", queue=queue)
    for time in sheet.times(START, END, 6):
        ms, segments = round(sheet.skewed(85, 0.9), 1), sheet.rng.randint(1, 60)
        _add(sheet, time, "compact", "debug", f"compacted {segments} segments of message store 'msg_store_persistent' in {ms} ms", ms=ms, segments=segments)


def build() -> Pile:
    """The records."""
    sheet = Sheet(612, _form, "rabbit@mq1.log", second=False)
    _connections(sheet)
    _pressure(sheet)
    return sheet.pile()


def _conn(pile: Pile) -> str:
    return str(pile.kind("heartbeat").ordered()[4].get("conn"))


PLACES: dict[str, Callable[[Pile], str]] = {"conn": lambda p: f"<0.{_conn(p)}.0>"}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "heartbeats": lambda p: w.count(p.kind("heartbeat")),
    "refused": lambda p: w.count(p.kind("refused")),
    "errors": lambda p: w.count(p.at(level="error")),
    "accepted_ip": lambda p: w.count(p.kind("accepting").at(ip=CLIENTS[2])),
    "granted": lambda p: w.count(p.kind("granted").at(vhost="tracking")),
    "memory_window": lambda p: w.count(p.kind("memory").span(f"{DAY} 07:00", f"{DAY} 07:30")),
    "yesterday": lambda p: w.count(p.kind("refused").before(f"{DAY} 00:00")),
    "overnight": lambda p: w.count(p.kind("heartbeat").span(f"{DAY} 00:00", f"{DAY} 06:00")),
    "past": lambda p: w.count(p.at(level="error").final(hours=3)),
    "evening": lambda p: w.count(p.kind("ack").before(f"{EVE} 20:00")),
    "clients": lambda p: w.distinct(p.kind("accepting"), "ip"),
    "users": lambda p: w.top(p.kind("granted"), "user"),
    "vhosts": lambda p: w.groups(p.kind("granted"), "vhost"),
    "stuck": lambda p: w.most(p.kind("ack"), "queue"),
    "kinds": lambda p: w.kinds(p, accepting="accepting AMQP", granted="authenticated and granted"),
    "levels": w.levels,
    "share": lambda p: w.share(p.kind("refused"), p.kind("accepting")),
    "depth_max": lambda p: w.stat(p.kind("depth"), "depth", "max"),
    "memory_max": lambda p: w.stat(p.kind("memory"), "used", "max"),
    "compact_p90": lambda p: w.span_of(p.kind("compact"), "ms", "p90"),
    "segments": lambda p: w.stat(p.kind("compact"), "segments", "sum"),
    "depth_by": lambda p: w.grouped(p.kind("depth"), "depth", "queue", "max"),
    "deepest": lambda p: w.leader(w.grouped(p.kind("depth"), "depth", "queue", "max")),
    "slowest": lambda p: w.extremes(p.kind("compact"), "ms", 3),
    "first": lambda p: w.first(p.kind("memory")),
    "last": lambda p: w.last(p.kind("refused")),
    "hourly": lambda p: w.trend(p.kind("heartbeat"), 3600),
    "gap": w.gap,
    "new": lambda p: w.patterns(memory_resource_limit={"before": 0, "after": len(p.kind("memory"))}),
    "lines": lambda p: w.lines(p.at(conn=_conn(p))),
    "template": lambda p: w.patterns(delivery_acknowledgement_on_queue={"count": len(p.kind("ack"))}),
    "deep": lambda p: w.count(p.kind("depth").over("depth", 5000)),
    "except": lambda p: w.count(p.at(level="error").where(lambda e: e.kind != "heartbeat")),
    "alarm": lambda p: w.yes(p.kind("memory")),
    "partition": lambda _: w.no(),
    "then_ip": lambda p: w.count(p.kind("accepting").at(ip=CLIENTS[4])),
    "then_queues": lambda p: w.top(p.kind("ack"), "queue"),
    "then_three": lambda p: w.count(p.kind("heartbeat").at(ip=CLIENTS[0]).since(f"{DAY} 06:00")),
    "summary": lambda p: w.patterns(delivery_acknowledgement_on_queue={"count": len(p.kind("ack"))}, never=("compacted", "accepting AMQP")),
    "nothing": lambda _: w.no(),
    "restart": lambda _: w.refused(),
}
