"""Checks on requests, metrics and logs: after the action against before it, and against what is normal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from agent.verification.intervals import quantile_interval, wilson
from agent.verification.results import Check, Result
from agent.verification.subject import Subject
from signals.evidence import poisson_fall
from signals.figures import Requests, service_requests
from signals.logs.events import ERRORS
from signals.logs.templates import changes
from signals.metrics import prepare
from signals.observed import Entity, Observed, Series, Window, Windows
from signals.shifts import DRIFT, SHARE_FLOOR, Shift, measure, strength, within

LEAST_REQUESTS = 20
"""Of fewer requests no rate is judged: none failing of 20 may still be 16 % (Wilson)."""
LEAST_POINTS = 3
COLLAPSED = 3.0
"""ln likelihood ratio from which requests have stopped coming: e³ ≈ 20 to 1."""
LEAST_SIGN = 1.0
"""As in :mod:`signals.logs`: weaker changes of templates are not told."""
_JUDGED = frozenset({"errors", "latency", "restart", "saturation"})


def requests(subject: Subject, observed: Observed, after: Window) -> Iterator[Check]:
    """Error ratio, latency and arrivals of every service in question."""
    spans = observed.spans
    arrived = int(spans.start.max()) + 1 if spans is not None and len(spans) else 0
    after = Window(after.start, min(after.end, arrived))
    if after.start >= after.end:
        yield from (Check(f"requests:{name}", "not_assessed", f"no spans have come since the action that tell of {name}", "traces") for name in subject.services)
        return
    against = service_requests(observed, Windows((subject.before,), after))
    normal = service_requests(observed, Windows(subject.healthy, subject.before)) if subject.healthy else {}
    for name in subject.services:
        if name not in against:
            yield Check(f"requests:{name}", "not_assessed", f"{name} is in no span", "traces")
            continue
        before, now = against[name]
        usual = normal[name][0] if name in normal else None
        yield _errors(name, usual, before, now)
        yield _latency(name, usual, before, now)
        yield from _arrivals(subject, name, len(before[0]), len(now[0]), after)


def _errors(name: str, usual: Requests | None, before: Requests, now: Requests) -> Check:
    sizes = [len(side[0]) for side in (before, now)]
    if min(sizes) < LEAST_REQUESTS:
        return Check(f"errors:{name}", "not_assessed", f"{sizes[0]} requests of {name} before and {sizes[1]} after are too few to judge its errors (least: {LEAST_REQUESTS})", "traces")
    hits = [int(side[1].sum()) for side in (before, now)]
    was, is_ = (wilson(hit, of) for hit, of in zip(hits, sizes, strict=True))
    normal = wilson(int(usual[1].sum()), len(usual[0])) if usual is not None and len(usual[0]) >= LEAST_REQUESTS else None
    limit = max(normal[1] if normal else SHARE_FLOOR, SHARE_FLOOR)
    wrong = was[0] > limit
    result: Result = "worse" if is_[0] > was[1] and is_[0] > limit else "unchanged"
    if wrong and is_[1] < was[0] and is_[0] <= limit:
        result = "confirmed"
    said = f"{hits[0]} of {sizes[0]} requests of {name} failed before ({hits[0] / sizes[0]:.1%}), {hits[1]} of {sizes[1]} after ({hits[1] / sizes[1]:.1%}, 95 % interval {is_[0]:.1%} to {is_[1]:.1%})"
    return Check(f"errors:{name}", result, said, "traces", wrong, figures={"before": hits[0] / sizes[0], "after": hits[1] / sizes[1], "requests": sizes[1]})


def _latency(name: str, usual: Requests | None, before: Requests, now: Requests) -> Check:
    """By the 95th percentile, or by the median where there are too few for that."""
    for share, label in ((0.95, "p95"), (0.5, "median")):  # noqa: B007 - told below
        was, is_ = (quantile_interval(side[0], share) for side in (before, now))
        if was is not None and is_ is not None and min(len(before[0]), len(now[0])) >= LEAST_REQUESTS:
            break
    else:
        return Check(f"latency:{name}", "not_assessed", f"{len(before[0])} requests of {name} before and {len(now[0])} after are too few to judge its latency", "traces")
    normal = quantile_interval(usual[0], share) if usual is not None else None
    limit = normal[2] * (1 + DRIFT) if normal else None
    wrong = limit is not None and was[1] > limit
    result: Result = "worse" if is_[1] > was[2] * (1 + DRIFT) and (limit is None or is_[1] > limit) else "unchanged"
    if wrong and limit is not None and is_[2] < was[1] and is_[1] <= limit:
        result = "confirmed"
    said = f"the {label} of {name} was {was[0] / 1000:.1f} ms before and is {is_[0] / 1000:.1f} ms after (95 % interval {is_[1] / 1000:.1f} to {is_[2] / 1000:.1f} ms, {len(now[0])} requests)"
    return Check(f"latency:{name}", result, said, "traces", wrong, figures={"before_us": was[0], "after_us": is_[0], "requests": len(now[0])})


def _arrivals(subject: Subject, name: str, before: int, now: int, after: Window) -> Iterator[Check]:
    """Told only when requests stopped coming: no errors among none is no repair."""
    expected = before * (after.end - after.start) / max(subject.before.end - subject.before.start, 1)
    if poisson_fall(expected, now) >= COLLAPSED and not subject.less_traffic:
        yield Check(f"arrivals:{name}", "worse", f"{now} requests of {name} came since, {expected:.0f} were due by the rate before", "traces", figures={"expected": expected, "after": now})


def metrics(subject: Subject, observed: Observed, after: Window) -> Iterator[Check]:
    """Series of errors, latency, restarts and saturation of those in question, by :mod:`signals.shifts`."""
    mine = {Entity("service", name) for name in subject.services} | {Entity("pod", name) for name in subject.pods}
    for series in observed.series:
        if series.entity in mine and (check := _metric(subject, series, after)) is not None:
            yield check


def _metric(subject: Subject, series: Series, after: Window) -> Check | None:
    ready = prepare(series, Windows(subject.healthy or (subject.before,), after))
    if ready.means.aspect not in _JUDGED or ready.means.bad != "up":
        return None
    name = f"metric:{series.entity.name}/{series.metric}"
    values = ready.values[within(ready.times, after)]
    if len(values) < LEAST_POINTS:
        return Check(name, "not_assessed", f"{series.metric} of {series.entity.name} has {len(values)} points since the action, {LEAST_POINTS} are needed", "metrics")

    def shift(base: tuple[Window, ...], window: Window) -> Shift | None:
        found = measure(ready.times, ready.values, base, window, share=ready.means.share)
        return found if found is not None and strength(found.score) > 0 else None

    was = shift(subject.healthy, subject.before) if subject.healthy else None
    against = shift((subject.before,), after)
    normal = shift(subject.healthy, after) if subject.healthy else None
    wrong = was is not None and was.up
    high = normal is not None and normal.up
    result: Result = "worse" if against is not None and against.up and (high or not subject.healthy) else "unchanged"
    if wrong and not high and against is not None and not against.up:
        result = "confirmed"
    if not wrong and result != "worse":
        return None
    before = ready.values[within(ready.times, subject.before)]
    level = f"{np.median(before):.4g}" if len(before) else "unknown"
    return Check(name, result, f"{series.metric} of {series.entity.name} was {level} before and is {np.median(values):.4g} after (medians, {len(values)} points)", "metrics", wrong)


def templates(subject: Subject, observed: Observed, after: Window) -> Iterator[Check]:
    """Bursts of error templates of those in question, by :mod:`signals.logs.templates`."""
    logs = observed.logs
    mine = {Entity("service", name) for name in subject.services} | {Entity("pod", name) for name in subject.pods}
    if logs is None or not len(logs) or int(logs.time.max()) < after.start:
        yield Check("logs", "not_assessed", "no log records have come since the action", "logs")
        return
    every = np.ones(len(logs), dtype=bool)
    now = changes(logs, Windows((subject.before,), after), every)
    was = changes(logs, Windows(subject.healthy, subject.before), every) if subject.healthy else []
    rose = {(one.entity, one.template) for one in was if one.rose and one.strength >= LEAST_SIGN}
    for one in now:
        key, bad = (one.entity, one.template), one.template < 0 or logs.levels[one.template].upper() in ERRORS
        if logs.entities[one.entity] not in mine or not bad or one.strength < LEAST_SIGN:
            continue
        result: Result = "worse" if one.rose else "confirmed"
        what = "errors" if one.template < 0 else f"'{logs.templates[one.template][:120]}'"
        owner = logs.entities[one.entity].name
        ident = "errors" if one.template < 0 else logs.ids[one.template]
        yield Check(f"logs:{owner}/{ident}", result, f"{what} of {owner} in {one.hits} of {one.of} requests or ten seconds before, in {one.hits_during} of {one.of_during} after", "logs", key in rose or not one.rose)
    told = {(one.entity, one.template) for one in now if one.strength >= LEAST_SIGN}
    for one in was:
        if (one.entity, one.template) in rose - told and one.template < 0 and logs.entities[one.entity] in mine:
            owner = logs.entities[one.entity].name
            yield Check(f"logs:{owner}/errors", "not_assessed", f"the records of {owner} since the action do not tell yet whether its errors became fewer", "logs", symptom=True)
