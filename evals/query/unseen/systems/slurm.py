"""The controller of a compute cluster (slurmctld): a node stops answering and jobs run out of time and memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

EVE, DAY = "2026-10-07", "2026-10-08"
START, END = f"{EVE} 20:00", f"{DAY} 12:00"
PARTITIONS, USERS = ("batch", "gpu", "debug"), ("alvarez", "chen", "kowalski", "okafor", "lind")
NODES = tuple(f"node{number:03d}" for number in range(1, 13))


def _form(draft: Draft) -> str:
    prefix = f"{draft.level}: " if draft.level else ""
    return f"[{draft.time:%Y-%m-%dT%H:%M:%S}.{draft.time.microsecond // 1000:03d}] {prefix}{draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, message: str, level: str = "", **values: Any) -> None:
    sheet.add(time, kind, message, level=level, **values)


def _jobs(sheet: Sheet) -> None:
    for number, time in enumerate(sheet.times(START, END, 34)):
        job, user, node, partition = 71000 + number, sheet.pick(USERS), sheet.pick(NODES), sheet.pick(PARTITIONS)
        known: dict[str, Any] = {"job": job, "user": user, "node": node, "partition": partition}
        cpus, seconds = sheet.rng.choice((1, 4, 16, 32)), sheet.skewed(900)
        _add(sheet, time, "submit", f"_slurm_rpc_submit_batch_job: JobId={job} user={user} InitPrio={sheet.rng.randint(1000, 9000)} usec={sheet.rng.randint(200, 3000)}",
             job=job, user=user)
        _add(sheet, later(time, 3), "allocate", f"sched: Allocate JobId={job} NodeList={node} #CPUs={cpus} Partition={partition}", cpus=cpus, **known)
        end = sheet.pick(("done", "limit", "oom", "fail"), (80, 9, 5, 6))
        text = {"done": f"_job_complete: JobId={job} WEXITSTATUS 0", "limit": f"Time limit exhausted for JobId={job}",
                "oom": f"_job_complete: JobId={job} OOM failure", "fail": f"_job_complete: JobId={job} WEXITSTATUS {sheet.rng.choice((1, 2, 137))}"}[end]
        _add(sheet, later(time, seconds), end, text, **known)
        if end != "limit":
            _add(sheet, later(time, seconds + 0.1), "complete", f"_job_complete: JobId={job} done", job=job, user=user)


def build() -> Pile:
    """The records."""
    sheet = Sheet(1008, _form, "slurmctld.log", second=False)
    _jobs(sheet)
    for time in sheet.times(f"{DAY} 03:05", f"{DAY} 04:40", 22):
        _add(sheet, time, "down", f"Nodes {sheet.pick(('node007', 'node011'), (5, 1))} not responding", "error")
    for time in sheet.times(START, END, 3):
        node, free = sheet.pick(NODES), sheet.rng.randint(2000, 120_000)
        _add(sheet, time, "memory", f"Node {node} has low real_memory size ({free} < 128000)", "error", node=node, free=free)
    for time in sheet.times(START, END, 9):
        ms = int(sheet.skewed(900, 0.9))
        _add(sheet, time, "backfill", f"backfill: completed testing {sheet.rng.randint(20, 500)} jobs, took {ms} ms", "debug", ms=ms)
    for time in sheet.times(START, END, 4):
        user = sheet.pick(USERS)
        _add(sheet, time, "limit_user", f"Job submit rejected for user {user}: AssocMaxSubmitJobLimit", "warning", user=user)
    return sheet.pile()


def _job(pile: Pile) -> int:
    return int(pile.kind("oom").ordered()[3].get("job"))


PLACES: dict[str, Callable[[Pile], str]] = {"job": lambda p: str(_job(p))}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "submitted": lambda p: w.count(p.kind("submit")),
    "limit": lambda p: w.count(p.kind("limit")),
    "oom": lambda p: w.count(p.kind("oom")),
    "chen": lambda p: w.count(p.kind("submit").at(user="chen")),
    "not_responding": lambda p: w.count(p.kind("down")),
    "yesterday": lambda p: w.count(p.kind("limit").before(f"{DAY} 00:00")),
    "morning": lambda p: w.count(p.kind("submit").span(f"{DAY} 06:00", f"{DAY} 09:00")),
    "last": lambda p: w.count(p.at(level="error").final(hours=4)),
    "users": lambda p: w.distinct(p.kind("submit"), "user"),
    "per_user": lambda p: w.top(p.kind("submit"), "user"),
    "partitions": lambda p: w.groups(p.kind("allocate"), "partition"),
    "node": lambda p: w.most(p.kind("memory"), "node"),
    "top_nodes": lambda p: w.top(p.kind("allocate"), "node", 3),
    "share": lambda p: w.share(p.kind("limit"), p.kind("submit")),
    "cpus": lambda p: w.stat(p.kind("allocate"), "cpus", "sum"),
    "backfill": lambda p: w.span_of(p.kind("backfill"), "ms", "max"),
    "median": lambda p: w.span_of(p.kind("backfill"), "ms", "p50"),
    "cpus_by": lambda p: w.grouped(p.kind("allocate"), "cpus", "partition", "sum"),
    "slowest": lambda p: w.extremes(p.kind("backfill"), "ms", 3),
    "first": lambda p: w.first(p.kind("down")),
    "last_oom": lambda p: w.last(p.kind("oom")),
    "trend": lambda p: w.trend(p.kind("submit"), 3600),
    "gap": w.gap,
    "new": lambda p: w.patterns(not_responding={"before": 0, "after": len(p.kind("down"))}),
    "job": lambda p: w.lines(p.at(job=_job(p))),
    "template": lambda p: w.patterns(Time_limit_exhausted={"count": len(p.kind("limit"))}),
    "long": lambda p: w.count(p.kind("backfill").over("ms", 2000)),
    "not_batch": lambda p: w.count(p.kind("allocate").lacks(partition="batch")),
    "responded": lambda p: w.yes(p.kind("down")),
    "gres": lambda _: w.no(),
    "then_user": lambda p: w.count(p.kind("limit_user").at(user="okafor")),
    "then_since": lambda p: w.count(p.kind("allocate").at(partition="gpu").since(f"{DAY} 06:00")),
    "nothing": lambda _: w.no(),
    "cancel": lambda _: w.refused(),
}
