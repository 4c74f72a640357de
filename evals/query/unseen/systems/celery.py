"""A task worker (Celery, tracebacks): the report store is out of space for half an hour before dawn."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Cells, Expect, Patterns
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

EVE, DAY = "2026-05-10", "2026-05-11"
START, END = f"{EVE} 22:30", f"{DAY} 06:45"
TASKS = ("mail.tasks.send_newsletter", "images.tasks.make_thumbnail", "reports.tasks.build_report", "sync.tasks.pull_crm")
TRACE = """Traceback (most recent call last):
  File "/srv/venv/lib/python3.12/site-packages/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/srv/app/{path}.py", line {line}, in {name}
    {code}
{error}"""


def _form(draft: Draft) -> str:
    stamp = f"{draft.time:%Y-%m-%d %H:%M:%S},{draft.time.microsecond // 1000:03d}"
    return f"[{stamp}: {draft.level}/{draft.values['worker']}] {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, level: str, worker: str, message: str, **values: Any) -> None:
    sheet.add(time, kind, message, level=level, worker=worker, **values)


def _failure(name: str, error: str) -> str:
    path, _, function = name.rpartition(".")
    code = "store.write(blob)" if "OSError" in error else "self.client.fetch(page)"
    return TRACE.format(path=path.replace(".", "/"), line=71, name=function, code=code, error=error)


def _task(sheet: Sheet, time: datetime) -> None:
    name, number = sheet.pick(TASKS), str(uuid.UUID(int=sheet.rng.getrandbits(128), version=4))
    worker, seconds = f"ForkPoolWorker-{sheet.rng.randint(1, 6)}", round(sheet.skewed(9 if "report" in name else 0.8, 0.8), 6)
    _add(sheet, time, "received", "INFO", "MainProcess", f"Task {name}[{number}] received", task=name, id=number)
    full = name == TASKS[2] and f"{DAY} 03:25" <= f"{time:%Y-%m-%d %H:%M}" < f"{DAY} 03:58"
    done = later(time, seconds)
    if full:
        error = "OSError: [Errno 28] No space left on device: '/data/reports'"
        _add(sheet, done, "raised", "ERROR", worker, f"Task {name}[{number}] raised unexpected: OSError(28, 'No space left on device')\n"
             f"{_failure(name, error)}", task=name, id=number, error="OSError")
    elif name == TASKS[3] and sheet.rng.random() < 0.2:
        wait = sheet.pick((30, 60, 120))
        _add(sheet, done, "retry", "WARNING", worker, f"Task {name}[{number}] retry: Retry in {wait}s: ReadTimeout('crm.example timed out')",
             task=name, id=number, wait=wait)
    elif sheet.rng.random() < 0.015:
        error = "ValueError: cannot identify image file"
        _add(sheet, done, "raised", "ERROR", worker, f"Task {name}[{number}] raised unexpected: ValueError('cannot identify image file')\n"
             f"{_failure(name, error)}", task=name, id=number, error="ValueError")
    else:
        _add(sheet, done, "succeeded", "INFO", worker, f"Task {name}[{number}] succeeded in {seconds}s: None", task=name, id=number,
             seconds=seconds)


def build() -> Pile:
    """The records."""
    sheet = Sheet(511, _form, "worker.log", second=False)
    for time in sheet.times(START, END, 150):
        _task(sheet, time)
    for time in sheet.times(START, END, 9):
        beat = round(sheet.skewed(14, 0.6), 2)
        _add(sheet, time, "beat", "WARNING", "MainProcess", f"Substantial drift from celery@worker-b may mean clocks are out of sync. "
             f"Current drift is {beat} seconds.", drift=beat)
    for time in sheet.times(START, END, 12):
        _add(sheet, time, "scheduled", "INFO", "Beat", f"Scheduler: Sending due task {sheet.pick(('purge-sessions', 'rotate-keys'))}")
    for time in sheet.times(f"{DAY} 03:20", f"{DAY} 04:00", 30):
        percent = sheet.rng.randint(95, 100)
        _add(sheet, time, "disk", "WARNING", "MainProcess", f"Volume /data is {percent}% full", percent=percent)
    return sheet.pile()


def _raised(pile: Pile) -> Pile:
    return pile.kind("raised")


def _full(pile: Pile) -> Pile:
    return _raised(pile).at(error="OSError")


def _id(pile: Pile) -> str:
    return str(_full(pile).ordered()[2].get("id"))


PLACES: dict[str, Callable[[Pile], str]] = {"id": _id}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "raised": lambda p: w.count(_raised(p)),
    "space": lambda p: w.count(_full(p)),
    "retries": lambda p: w.count(p.kind("retry")),
    "thumbs": lambda p: w.count(p.kind("succeeded").at(task=TASKS[1])),
    "window": lambda p: w.count(_full(p).span(f"{DAY} 03:30", f"{DAY} 03:45")),
    "midnight": lambda p: w.count(p.kind("received").since(f"{DAY} 00:00")),
    "yesterday": lambda p: w.count(p.kind("retry").before(f"{DAY} 00:00")),
    "last_ninety": lambda p: w.count(p.at(level="ERROR").final(minutes=90)),
    "morning": lambda p: w.either(*(w.count(p.kind("retry").since(f"{DAY} {a}")) for a in ("00:00", "04:00", "05:00", "06:00"))),
    "received": lambda p: w.top(p.kind("received"), "task"),
    "failing": lambda p: w.most(_raised(p), "task"),
    "workers": lambda p: w.top(p.kind("succeeded"), "worker", 3),
    "tasks": lambda p: w.distinct(p.kind("received"), "task"),
    "waits": lambda p: w.either(*(Cells({f"{wait}{unit}": float(n) for wait, n in p.kind("retry").counter("wait").items()}, column=1)
                                  for unit in ("", "s"))),
    "fail_share": lambda p: w.either(w.share(_raised(p), p.kind("received")), w.share(_raised(p), p.kind("raised", "succeeded", "retry"))),
    "report_p90": lambda p: w.span_of(p.kind("succeeded").at(task=TASKS[2]), "seconds", "p90"),
    "max": lambda p: w.span_of(p.kind("succeeded"), "seconds", "max"),
    "drift": lambda p: w.stat(p.kind("beat"), "drift", "max"),
    "mean_task": lambda p: w.grouped(p.kind("succeeded"), "seconds", "task", "mean"),
    "slowest_task": lambda p: w.leader(w.grouped(p.kind("succeeded"), "seconds", "task", "mean")),
    "slowest": lambda p: w.extremes(p.kind("succeeded"), "seconds", 10),
    "first": lambda p: w.first(_full(p)),
    "last": lambda p: w.last(p.kind("retry")),
    "hourly": lambda p: w.trend(p.kind("retry"), 3600),
    "peak": lambda p: w.peak(_raised(p), 3600),
    "gap": w.gap,
    "compare": lambda p: w.either(*(
        Patterns({pattern: {"after": len(pile.span(f"{DAY} 03:00", f"{DAY} 04:00"))}})
        for pattern, pile in (("OSError|No space left", _full(p)), ("raised unexpected", _raised(p)), ("raised unexpected", _full(p))))),
    "id_lines": lambda p: w.lines(p.at(id=_id(p))),
    "template": lambda p: w.patterns(Substantial_drift={"count": len(p.kind("beat"))}),
    "long": lambda p: w.count(p.kind("succeeded").over("seconds", 30)),
    "drift_over": lambda p: w.count(p.kind("beat").over("drift", 30)),
    "not_space": lambda p: w.count(_raised(p).lacks(error="OSError")),
    "disk_full": lambda p: w.yes(_full(p)),
    "killed": lambda _: w.no(),
    "then_reports": lambda p: w.count(p.kind("succeeded").at(task=TASKS[2])),
    "then_since": lambda p: w.count(p.kind("retry").since(f"{DAY} 05:00")),
    "nothing": lambda _: w.no(),
    "purge": lambda _: w.refused(),
    "joke": lambda _: w.refused(),
}
