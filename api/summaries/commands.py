"""What the commands about summaries do: make, write, plan, list, run."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, cast, get_args

from api import times
from api.summaries.service import Summarising, rendered
from api.terminal.escaping import json_line, visible
from telemetry.errors import SourceError, UsageError

if TYPE_CHECKING:
    from agent.summaries.document import Kind, Summary
    from agent.summaries.facts import Period
    from api.scheduling.store import Delivery

DONE, FAILED = 0, 1
_ENDINGS = {"md": "md", "html": "html", "slack": "slack.json", "json": "json"}


def summary(
    made: Summarising, *, since: str | None, start: str | None, end: str | None, services: list[str], team: str, kind: str, incident: str, form: str,
    out: Path | None, charts: str, keep: bool,
) -> int:
    """Make one and print it, or write it with its charts."""
    from agent.summaries.document import Kind as Kinds

    if kind not in get_args(Kinds):
        raise UsageError(f"there is no kind {kind[:20]!r}", where="--kind", remedy=f"use {', '.join(get_args(Kinds))}")
    if charts not in {"svg", "png", "pdf"} or form not in _ENDINGS:
        raise UsageError("there is no such format", where="--format/--charts", remedy="use md, html, slack or json, and svg, png or pdf")
    found = made.make(period(since, start, end), services=services, team=team, kind=cast("Kind", kind), incident=incident)
    if keep:
        found = made.kept.keep(found)
    if out is None:
        text = rendered(found, form)
        print(text if form in {"json", "slack"} and not sys.stdout.isatty() else visible(text), end="")
    else:
        for path in _write(found, out, form, charts):
            print(path)
    return DONE


def kept(made: Summarising, *, as_json: bool) -> int:
    """The summaries that are kept, the newest first."""
    items, following = made.kept.list(200)
    if as_json:
        print(json_line({"items": items, "next": following}))
        return DONE
    for one in items:
        print(visible(f"{one['id']} {one['made'][:16]} {one['title']}"))
    if not items:
        print("no summary is kept")
    return DONE


def period(since: str | None, start: str | None, end: str | None) -> Period:
    """The period that the options name; the last 24 hours without any. Raises UsageError."""
    from agent.summaries.facts import Period
    from agent.summaries.sources import moment

    low, high = times.moments(since or ("24h" if not start and not end else None), start, end)
    return Period(start=moment(low), end=moment(high))


def _write(found: Summary, out: Path, form: str, charts: str) -> list[Path]:
    from api.pictures.summary import pictures

    files = {f"summary.{_ENDINGS[form]}": rendered(found, form).encode()}
    files |= {f"{name}.{charts}": data for name, data in pictures(found, charts).items()}  # type: ignore[arg-type] # looked at before
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (out / name).write_bytes(data)
    except OSError as error:
        raise SourceError(f"the summary cannot be written: {error.strerror}", where=str(out), remedy="name a folder that may be written") from error
    return [out / name for name in files]


def add(made: Summarising, told: dict[str, Any], places: list[str], *, as_json: bool) -> int:
    """Keep a schedule."""
    from api.scheduling.schedule import place_from, schedule_from

    planned = made.plans.add(schedule_from({**told, "deliver": [place_from(one) for one in places]}), made.clock())
    document = planned.document()
    print(json_line(document) if as_json else f"{planned.id} {visible(planned.schedule.name)}: next {document['next'] or 'never'}")
    return DONE


def listed(made: Summarising, *, as_json: bool) -> int:
    """Schedules with their last runs and deliveries."""
    plans, told = made.plans, []
    for planned in plans.list():
        runs = plans.runs(planned.id)
        sent = [one for one in plans.deliveries(planned.id) if one.due in {run.due for run in runs}]
        told.append({**planned.document(), "runs": [{"due": run.due.isoformat(), "state": run.state, "missed": run.missed, "why": run.why, "summary": run.summary,
                                                     "deliveries": [_delivery(one) for one in sent if one.due == run.due]} for run in runs]})
    if as_json:
        print(json_line({"items": told}))
        return DONE
    for one in told:
        print(visible(f"{one['id']} {one['name']}: {one['cron']} {one['zone']}, {one['kind']} of {one['since']}, next {one['next'] or 'never'}"))
        for run in one["runs"]:
            missed = f" (also for {run['missed']} missed)" if run["missed"] else ""
            print(visible(f"  {run['due']} {run['state']}{missed} {run['why']}".rstrip()))
            for place in run["deliveries"]:
                print(visible(f"    {place['to']}: {place['state'].replace('_', ' ')} {place['why']}".rstrip()))
    if not told:
        print("no schedules")
    return DONE


def _delivery(one: Delivery) -> dict[str, Any]:
    return {"to": one.told, "state": one.state, "attempts": one.attempts, "why": one.why}


def remove(made: Summarising, ident: str, *, as_json: bool) -> int:
    """Forget a schedule."""
    made.plans.remove(ident, made.clock())
    print(json_line({"removed": ident}) if as_json else f"removed {visible(ident)}")
    return DONE


def run(made: Summarising, *, once: bool) -> int:
    """Look after schedules, once or until a signal."""
    if once:
        if not made.runner().tick():
            print("oncalm: another process looks after the schedules", file=sys.stderr)
        return DONE
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    scheduler = made.scheduler()
    scheduler.start()
    try:
        stop.wait()
    finally:
        scheduler.stop()
    return DONE
