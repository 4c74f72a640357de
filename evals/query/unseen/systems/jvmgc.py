"""A JVM's unified GC log: the heap fills up over the afternoon until full collections follow each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.rows import moment
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

DAY = "2026-09-30"
START, END = f"{DAY} 12:00", f"{DAY} 16:30"
CAUSES = ("G1 Evacuation Pause", "G1 Humongous Allocation", "GCLocker Initiated GC")


def _form(draft: Draft) -> str:
    stamp, uptime = f"{draft.time:%Y-%m-%dT%H:%M:%S}.{draft.time.microsecond // 1000:03d}+0000", (draft.time - moment(START)).total_seconds()
    return f"[{stamp}][{uptime:.3f}s][{draft.level:<7}][{draft.values['tags']:<10}] {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, message: str, tags: str = "gc", level: str = "info", gc: int | None = None, **values: Any) -> None:
    sheet.add(time, kind, f"GC({gc}) {message}" if gc is not None else message, level=level, tags=tags, gc=gc, **values)


def _pauses(sheet: Sheet) -> None:
    for number, time in enumerate(sheet.times(START, END, 130)):
        tight = f"{time:%H:%M}" >= "15:10"
        cause, before = sheet.pick(CAUSES), sheet.rng.randint(2600, 3100) + (900 if tight else 0)
        after = before - sheet.rng.randint(60, 300) if tight else before - sheet.rng.randint(1500, 2300)
        ms = round(sheet.skewed(18 if not tight else 60, 0.6), 3)
        _add(sheet, time, "start", f"Pause Young (Normal) ({cause})", "gc,start", gc=number)
        _add(sheet, later(time, ms / 1000), "young", f"Pause Young (Normal) ({cause}) {before}M->{after}M(4096M) {ms:.3f}ms", gc=number, cause=cause, ms=ms,
             before=before, after=after)
        if sheet.rng.random() < 0.5:
            user = round(ms / 1000 * 6, 2)
            _add(sheet, later(time, ms / 1000), "cpu", f"User={user:.2f}s Sys=0.01s Real={ms / 1000:.2f}s", "gc,cpu", gc=number, user=user)
        if tight and sheet.rng.random() < 0.18:
            full = round(sheet.skewed(2100, 0.4), 3)
            _add(sheet, later(time, 0.5), "failure", f"To-space exhausted after {ms:.3f}ms", level="warning", gc=number)
            _add(sheet, later(time, 1 + full / 1000), "full", f"Pause Full (G1 Compaction Pause) {before}M->{after - 40}M(4096M) {full:.3f}ms", gc=number, ms=full,
                 before=before, after=after - 40)


def build() -> Pile:
    """The records."""
    sheet = Sheet(930, _form, "gc.log", second=False)
    _pauses(sheet)
    for time in sheet.times(START, END, 12):
        ms = round(sheet.skewed(140), 3)
        _add(sheet, time, "concurrent", f"Concurrent Mark Cycle {ms:.3f}ms", ms=ms)
    for time in sheet.times(START, END, 25):
        ms, threads = round(sheet.skewed(0.4), 3), sheet.rng.randint(40, 90)
        _add(sheet, time, "safepoint", f"Safepoint \"{sheet.pick(('RevokeBias', 'ThreadDump', 'Cleanup'))}\", Time since last: {sheet.rng.randint(10**6, 10**9)} ns, "
             f"stopped {threads} threads for {ms:.3f}ms", "safepoint", ms=ms, threads=threads)
    for time in sheet.times(f"{DAY} 15:40", END, 14):
        thread = sheet.pick(("http-nio-exec-7", "http-nio-exec-12", "scheduler-1"))
        _add(sheet, time, "oom", f"Thread {thread} failed allocation: Java heap space", "gc,alloc", level="error", thread=thread)
    sheet.drafts = [each for each in sheet.drafts if not f"{DAY} 13:20" <= f"{each.time:%Y-%m-%d %H:%M}" < f"{DAY} 13:34"]
    return sheet.pile()


def _gc(pile: Pile) -> int:
    return int(pile.kind("full").ordered()[3].get("gc"))


PLACES: dict[str, Callable[[Pile], str]] = {"gc": lambda p: f"GC({_gc(p)})"}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "full": lambda p: w.count(p.kind("full")),
    "exhausted": lambda p: w.count(p.kind("failure")),
    "humongous": lambda p: w.count(p.having("Pause Young (Normal) (G1 Humongous Allocation)")),
    "marks": lambda p: w.count(p.kind("concurrent")),
    "errors": lambda p: w.count(p.at(level="error")),
    "full_late": lambda p: w.count(p.kind("full").since(f"{DAY} 16:00")),
    "window": lambda p: w.count(p.kind("concurrent").span(f"{DAY} 14:00", f"{DAY} 15:00")),
    "half": lambda p: w.count(p.at(level="warning").final(minutes=30)),
    "threads": lambda p: w.distinct(p.kind("oom"), "thread"),
    "thread_top": lambda p: w.most(p.kind("oom"), "thread"),
    "levels": w.levels,
    "share": lambda p: w.share(p.at(level="warning"), p),
    "full_max": lambda p: w.either(w.span_of(p.kind("full"), "ms", "max"), w.extremes(p.kind("full"), "ms", 1)),
    "full_sum": lambda p: w.span_of(p.kind("full"), "ms", "sum"),
    "mark_avg": lambda p: w.span_of(p.kind("concurrent"), "ms", "mean"),
    "mark_p95": lambda p: w.span_of(p.kind("concurrent"), "ms", "p95"),
    "stopped": lambda p: w.stat(p.kind("safepoint"), "threads", "max"),
    "slowest": lambda p: w.extremes(p.kind("full"), "ms", 3),
    "first": lambda p: w.first(p.kind("full")),
    "last": lambda p: w.last(p.kind("oom")),
    "trend": lambda p: w.trend(p.kind("full"), 600),
    "gap": w.gap,
    "new": lambda p: w.patterns(To_space_exhausted={"before": 0, "after": len(p.kind("failure"))}),
    "cycle": lambda p: w.lines(p.at(gc=_gc(p))),
    "template": lambda p: w.patterns(failed_allocation={"count": len(p.kind("oom"))}),
    "long": lambda p: w.count(p.kind("full").over("ms", 2000)),
    "not_g1": lambda p: w.count(p.kind("oom").lacks(thread="scheduler-1")),
    "heap": lambda p: w.yes(p.kind("oom")),
    "meta": lambda _: w.no(),
    "then_after": lambda p: w.count(p.kind("oom").since(f"{DAY} 16:00")),
    "then_thread": lambda p: w.count(p.kind("oom").at(thread="http-nio-exec-7")),
    "nothing": lambda _: w.no(),
    "tune": lambda _: w.refused(),
}
