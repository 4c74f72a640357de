"""A Kafka broker (log4j): one consumer group keeps rebalancing, replicas fall out of sync and a disk gets slow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

DAY = "2026-08-19"
START, END = f"{DAY} 11:00", f"{DAY} 19:00"
TOPICS = ("orders", "payments", "clicks", "shipments")
GROUPS = ("billing", "search-indexer", "fraud")


def _form(draft: Draft) -> str:
    stamp = f"{draft.time:%Y-%m-%d %H:%M:%S},{draft.time.microsecond // 1000:03d}"
    return f"[{stamp}] {draft.level} {draft.message} ({draft.service})" + str(draft.values.get("trace", ""))


def _add(sheet: Sheet, time: datetime, kind: str, level: str, service: str, message: str, **values: Any) -> None:
    sheet.add(time, kind, message, level=level, service=service, **values)


def _logs(sheet: Sheet) -> None:
    for time in sheet.times(START, END, 90):
        topic, part, offset = sheet.pick(TOPICS), sheet.rng.randint(0, 5), sheet.rng.randint(10_000, 9_000_000)
        ms = int(sheet.skewed(14 if not f"{DAY} 15:20" <= f"{time:%Y-%m-%d %H:%M}" < f"{DAY} 15:50" else 160, 0.7))
        _add(sheet, time, "rolled", "INFO", "kafka.log.UnifiedLog",
             f"[UnifiedLog partition={topic}-{part}, dir=/data/kafka] Rolled new log segment at offset {offset} in {ms} ms.", topic=topic, ms=ms,
             partition=f"{topic}-{part}")
    for time in sheet.times(START, END, 50):
        place, size = f"{sheet.pick(TOPICS)}-{sheet.rng.randint(0, 5)}", int(sheet.skewed(500_000))
        _add(sheet, time, "deleted", "INFO", "kafka.log.LocalLog", f"[LocalLog partition={place}, dir=/data/kafka] Deleting segment files of {size} bytes",
             partition=place, size=size)


def _groups(sheet: Sheet) -> None:
    for time in sheet.times(START, END, 28):
        group, members = sheet.pick(GROUPS), sheet.rng.randint(2, 9)
        _add(sheet, time, "rebalance", "INFO", "kafka.coordinator.group.GroupCoordinator", f"[GroupCoordinator 2]: Preparing to rebalance group {group} "
             f"in state PreparingRebalance with {members} members", group=group, members=members)
        _add(sheet, later(time, sheet.rng.uniform(0.5, 4)), "stable", "INFO", "kafka.coordinator.group.GroupCoordinator",
             f"[GroupCoordinator 2]: Stabilized group {group} with {members} members", group=group, members=members)
    for time in sheet.times(START, END, 9):
        group, member = sheet.pick(GROUPS), f"consumer-{sheet.rng.randint(1, 9)}-{sheet.hexes(8)}"
        _add(sheet, time, "failed", "WARN", "kafka.coordinator.group.GroupCoordinator", f"[GroupCoordinator 2]: Member {member} in group {group} has "
             "failed, removing it from the group", group=group, member=member)


def _trouble(sheet: Sheet) -> None:
    for time in sheet.times(f"{DAY} 15:18", f"{DAY} 16:05", 60):
        topic = sheet.pick(TOPICS)
        _add(sheet, time, "shrink", "WARN", "kafka.cluster.Partition", f"[Partition {topic}-{sheet.rng.randint(0, 5)} broker=2] Shrinking ISR from 1,2,3 to 2",
             topic=topic)
    for time in sheet.times(f"{DAY} 15:20", f"{DAY} 16:20", 25):
        _add(sheet, time, "expand", "INFO", "kafka.cluster.Partition", f"[Partition {sheet.pick(TOPICS)}-{sheet.rng.randint(0, 5)} broker=2] Expanding ISR from 2 to 1,2,3")
    for time in sheet.times(START, END, 7):
        client = f"10.20.0.{sheet.rng.randint(4, 9)}"
        _add(sheet, time, "auth", "ERROR", "org.apache.kafka.common.network.Selector", f"[SocketServer listener=SASL broker=2] Failed authentication with "
             f"/{client} (Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512)", client=client)
    for time in sheet.times(START, END, 5):
        broker = sheet.pick((3, 1), (4, 1))
        _add(sheet, time, "fetch", "ERROR", "kafka.server.ReplicaFetcherThread", f"[ReplicaFetcher replicaId=2, leaderId={broker}, fetcherId=0] Error sending "
             f"fetch request to node {broker}", broker=broker, trace=f"\njava.io.IOException: Connection to {broker} was disconnected before the response was read"
             "\n\tat org.apache.kafka.clients.NetworkClientUtils.sendAndReceive(NetworkClientUtils.java:99)"
             "\n\tat kafka.server.BrokerBlockingSender.sendRequest(BrokerBlockingSender.scala:113)")


def build() -> Pile:
    """The records."""
    sheet = Sheet(9092, _form, "server.log", second=False)
    for part in (_logs, _groups, _trouble):
        part(sheet)
    return sheet.pile()


def _member(pile: Pile) -> str:
    return str(pile.kind("failed").ordered()[7].get("member"))


PLACES: dict[str, Callable[[Pile], str]] = {"member": _member}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "shrinks": lambda p: w.count(p.kind("shrink")),
    "failed": lambda p: w.count(p.kind("failed")),
    "billing": lambda p: w.count(p.kind("rebalance").at(group="billing")),
    "auth": lambda p: w.count(p.kind("auth")),
    "after_four": lambda p: w.count(p.kind("shrink").since(f"{DAY} 16:00")),
    "last_hour": lambda p: w.count(p.at(level="ERROR").final(hours=1)),
    "window": lambda p: w.count(p.kind("rolled").span(f"{DAY} 15:20", f"{DAY} 15:50")),
    "clients": lambda p: w.distinct(p.kind("auth"), "client"),
    "worst_group": lambda p: w.most(p.kind("failed"), "group"),
    "rolled_parts": lambda p: w.top(p.kind("rolled"), "partition", 3),
    "levels": w.levels,
    "share": lambda p: w.share(p.at(level="ERROR"), p),
    "roll_max": lambda p: w.span_of(p.kind("rolled"), "ms", "max"),
    "roll_p99": lambda p: w.span_of(p.kind("rolled"), "ms", "p99"),
    "deleted": lambda p: w.stat(p.kind("deleted"), "size", "sum"),
    "members": lambda p: w.grouped(p.kind("stable"), "members", "group", "mean"),
    "slowest": lambda p: w.extremes(p.kind("rolled"), "ms", 5),
    "first": lambda p: w.first(p.kind("shrink")),
    "last": lambda p: w.last(p.kind("fetch")),
    "trend": lambda p: w.trend(p.kind("rebalance"), 3600),
    "gap": w.gap,
    "compare": lambda p: w.patterns(Shrinking_ISR={"before": 0, "after": len(p.kind("shrink").span(f"{DAY} 15:15", f"{DAY} 16:15"))}),
    "member": lambda p: w.lines(p.at(member=_member(p))),
    "template": lambda p: w.patterns(Shrinking_ISR={"count": len(p.kind("shrink"))}),
    "slow_rolls": lambda p: w.count(p.kind("rolled").over("ms", 100)),
    "not_auth": lambda p: w.count(p.at(level="ERROR").where(lambda e: e.kind != "auth")),
    "expanded": lambda p: w.yes(p.kind("expand")),
    "disk": lambda _: w.no(),
    "then_group": lambda p: w.count(p.kind("failed").at(group="fraud")),
    "then_hour": lambda p: w.trend(p.kind("auth"), 3600),
    "nothing": lambda _: w.no(),
    "delete": lambda _: w.refused(),
}
