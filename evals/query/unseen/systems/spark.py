"""A nightly Spark job (log4j): an executor's node dies, tasks are lost and run again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

EVE, DAY = "2026-08-14", "2026-08-15"
NODES = ("node1", "node2", "node3", "node4", "node5", "node6")
STEPS = ("parquet at Load.scala:41", "groupBy at Clean.scala:88", "join at Enrich.scala:130", "save at Write.scala:57")


def _form(draft: Draft) -> str:
    return f"{draft.time:%y/%m/%d %H:%M:%S} {draft.level} {draft.service}: {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, level: str, logger: str, message: str, **values: Any) -> None:
    sheet.add(time, kind, message, level=level, service=logger, **values)


def _stage(sheet: Sheet, stage: int, begin: datetime) -> datetime:
    tasks, now, tid = 220, begin, stage * 300
    _add(sheet, begin, "submit", "INFO", "DAGScheduler", f"Submitting {tasks} missing tasks from ResultStage {stage} ({STEPS[stage]})", stage=stage)
    for task in range(tasks):
        now, tid = later(now, sheet.rng.expovariate(1 / 14)), tid + 1
        node = sheet.pick(NODES)
        ms, executor = int(sheet.skewed(1900 if node != "node5" else 5200, 0.6)), NODES.index(node) + 1
        where = f"task {task}.0 in stage {stage}.0 (TID {tid})"
        _add(sheet, now, "start", "INFO", "TaskSetManager", f"Starting {where} ({node}, executor {executor}, partition {task}, PROCESS_LOCAL, 7891 bytes)",
             tid=tid, node=node, stage=stage)
        if stage == 2 and node == "node4" and 60 <= task < 150:
            _add(sheet, later(now, ms / 1000), "lost", "WARN", "TaskSetManager", f"Lost {where} ({node} executor {executor}): ExecutorLostFailure "
                 f"(executor {executor} exited caused by one of the running tasks) Reason: Container killed by YARN for exceeding memory limits",
                 tid=tid, node=node, stage=stage)
            continue
        _add(sheet, later(now, ms / 1000), "finished", "INFO", "TaskSetManager", f"Finished {where} in {ms} ms on {node} (executor {executor}) "
             f"({task + 1}/{tasks})", tid=tid, node=node, ms=ms, stage=stage, stage_try=f"{stage}.0")
    seconds = round((now - begin).total_seconds() + 3, 3)
    _add(sheet, later(begin, seconds), "done", "INFO", "DAGScheduler", f"ResultStage {stage} ({STEPS[stage]}) finished in {seconds} s", seconds=seconds)
    return later(begin, seconds + 20)


def _around(sheet: Sheet, start: str, end: str) -> None:
    for time in sheet.times(start, end, 50):
        node, kib = sheet.pick(NODES), round(sheet.skewed(30, 0.6), 1)
        _add(sheet, time, "block", "INFO", "BlockManagerInfo", f"Added broadcast_{sheet.rng.randint(1, 40)}_piece0 in memory on {node}:4{sheet.rng.randint(1000, 1999)} "
             f"(size: {kib} KiB, free: {sheet.rng.randint(100, 366)}.2 MiB)", node=node, kib=kib)
    for time in sheet.times(start, end, 26):
        mb = int(sheet.skewed(120, 0.5))
        _add(sheet, time, "spill", "INFO", "ExternalSorter", f"Task spilled in-memory map of {mb} MB to disk ({sheet.rng.randint(1, 9)} times so far)", mb=mb)
    for time in sheet.times(start, end, 5):
        ms = sheet.rng.randint(10_000, 45_000)
        _add(sheet, time, "heartbeat", "WARN", "HeartbeatReceiver", f"Removing executor {sheet.rng.randint(1, 6)} with no recent heartbeats: {ms} ms exceeds timeout 10000 ms", ms=ms)
    for time in sheet.times(start, end, 3.5):
        node = sheet.pick(NODES[2:])
        _add(sheet, time, "fetch", "ERROR", "ShuffleBlockFetcherIterator", f"Failed to get block(s) from {node}:7337", node=node,
             address=f"{node}:7337")


def build() -> Pile:
    """The records."""
    sheet = Sheet(815, _form, "spark-driver.log")
    begin = datetime.fromisoformat(f"{EVE} 22:10:00+00:00")
    for stage in range(4):
        begin = _stage(sheet, stage, begin)
    _around(sheet, f"{EVE} 22:10", f"{begin:%Y-%m-%d %H:%M}")
    lost = [draft for draft in sheet.drafts if draft.kind == "lost"]
    _add(sheet, later(lost[0].time, 1), "gone", "ERROR", "YarnScheduler", "Lost executor 4 on node4: Container killed by YARN for exceeding memory limits. "
         "8.1 GB of 8 GB physical memory used.")
    return sheet.pile()


def _ended(pile: Pile) -> Pile:
    return pile.kind("finished")


def _count_lost(pile: Pile) -> dict[str, int]:
    return {"count": len(pile.kind("lost"))}


PLACES: dict[str, Callable[[Pile], str]] = {}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "lost": lambda p: w.count(p.kind("lost")),
    "finished": lambda p: w.count(_ended(p)),
    "node5": lambda p: w.count(_ended(p).at(node="node5")),
    "fetch": lambda p: w.count(p.kind("fetch")),
    "spills": lambda p: w.count(p.kind("spill")),
    "midnight": lambda p: w.count(_ended(p).since(f"{DAY} 00:00")),
    "eleven": lambda p: w.count(_ended(p).span(f"{EVE} 23:00", f"{EVE} 23:30")),
    "before_midnight": lambda p: w.count(p.at(level="WARN").before(f"{DAY} 00:00")),
    "last_hour": lambda p: w.count(p.kind("spill").final(hours=1)),
    "yesterday": lambda p: w.count(p.kind("fetch").before(f"{DAY} 00:00")),
    "nodes": lambda p: w.distinct(_ended(p), "node"),
    "per_node": lambda p: w.groups(_ended(p), "node"),
    "loggers": lambda p: w.top(p, "service", 3),
    "most_fetch": lambda p: w.either(w.top(p.kind("fetch"), "node"), w.top(p.kind("fetch"), "address")),
    "warn_share": lambda p: w.share(p.at(level="WARN"), p),
    "mean": lambda p: w.span_of(_ended(p), "ms", "mean"),
    "p99": lambda p: w.span_of(_ended(p), "ms", "p99"),
    "spill_sum": lambda p: w.stat(p.kind("spill"), "mb", "sum"),
    "stage_max": lambda p: w.span_of(p.kind("done"), "seconds", "max"),
    "mean_node": lambda p: w.grouped(_ended(p), "ms", "node", "mean"),
    "slow_node": lambda p: w.leader(w.grouped(_ended(p), "ms", "node", "mean")),
    "max_stage": lambda p: w.either(w.grouped(_ended(p), "ms", "stage", "max"), w.grouped(_ended(p), "ms", "stage_try", "max")),
    "slowest": lambda p: w.extremes(_ended(p), "ms", 5),
    "spilled": lambda p: w.extremes(p.kind("spill"), "mb", 3),
    "first": lambda p: w.first(p.kind("lost")),
    "last": lambda p: w.last(p.kind("fetch")),
    "killed": lambda p: w.first(p.kind("lost", "gone")),
    "trend": lambda p: w.trend(p.kind("spill"), 3600),
    "peak": lambda p: w.peak(p.kind("lost"), 60),
    "gap": w.gap,
    "errors": lambda p: w.lines(p.kind("gone")),
    "template": lambda p: w.patterns(no_recent_heartbeats={"count": len(p.kind("heartbeat"))}),
    "together": lambda _: w.patterns(Lost_task={}),
    "slow": lambda p: w.count(_ended(p).over("ms", 10_000)),
    "big_spill": lambda p: w.count(p.kind("spill").least("mb", 200)),
    "except_lost": lambda p: w.count(p.at(level="WARN").where(lambda e: e.kind != "lost")),
    "yes_yarn": lambda p: w.either(w.yes(p.kind("lost", "gone")), w.yes(p.kind("gone")), w.yes(p.kind("lost"))),
    "no_oom": lambda _: w.no(),
    "then_node4": lambda p: w.count(_ended(p).at(node="node4")),
    "then_p95": lambda p: w.span_of(_ended(p), "ms", "p95"),
    "summary": lambda p: w.patterns(Lost_task=_count_lost(p), never=("Starting task",)),
    "nothing": lambda _: w.no(),
    "kill": lambda _: w.refused(),
}
