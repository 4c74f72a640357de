"""Requests of the target and of its victims, before and after: failed ones, slow ones, and whether any come at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.verification import shares
from agent.verification.checks import Check, Kind
from agent.verification.shares import Share
from signals.evidence import poisson_fall
from signals.figures import Load, service_figures
from signals.observed import Flags, Floats, Observed, Window, Windows

SLOW = 1.5
"""Half as slow again as the usual request is slow: less is drift."""
SURELY = 6.0
"""ln Bayes factor of a collapse of traffic, e^6 = 400 to 1."""
FEW = 20
"""Requests below which no quantile is a threshold."""


@dataclass(frozen=True, slots=True)
class Times:
    """Which times are compared, µs since 1970 (UTC): a healthy time (None when nobody knows one), the time before the
    action, and the time after it."""

    before: Window
    after: Window
    healthy: Window | None = None

    def windows(self) -> Windows:
        """Before the action against after it, as signals take them."""
        return Windows((self.before,), self.after, "before and after an action")


def requests(observed: Observed, times: Times, services: Sequence[str]) -> list[Check]:
    """Errors, latency and traffic of each service, from its spans."""
    found = {one.service: one for one in service_figures(observed, times.windows())}
    others = sum(one.during.count for name, one in found.items() if one.during and name not in services)
    checks: list[Check] = []
    for service in dict.fromkeys(services):
        one = found.get(service)
        if one is None or one.before is None:
            checks.append(Check("errors", service, "not_assessed", f"{service}: no spans before the action"))
            continue
        checks.append(_traffic(service, one.before, one.during, times, others))
        if one.during is not None:
            checks += [_errors(observed, times, service), _latency(observed, times, service)]
    return checks


def _traffic(service: str, before: Load, during: Load | None, times: Times, others: int) -> Check:
    count = during.count if during else 0
    seconds = (times.after.end - times.after.start) / 1e6
    expected = before.rate * seconds
    told = f"{service}: {count} requests in {seconds:.0f} s after the action, {expected:.0f} would be as many as before"
    rates = before.rate, count / max(seconds, 1e-6)
    if not others and not count:
        return Check("traffic", service, "not_assessed", f"{told}; no spans of anybody have come", *rates)
    if poisson_fall(expected, count) > SURELY:
        return Check("traffic", service, "worse", told, *rates)
    return Check("traffic", service, "unchanged" if count >= FEW else "not_assessed", told, *rates)


def _outer(observed: Observed, service: str, window: Window | None) -> tuple[Floats, Flags]:
    """Durations (µs) and failures of a service's spans that others asked for."""
    spans = observed.spans
    if spans is None or window is None or service not in spans.services:
        return np.zeros(0), np.zeros(0, dtype=bool)
    number = spans.services.index(service)
    parent = np.maximum(spans.parent, 0)
    keep = (spans.service == number) & ((spans.parent < 0) | (spans.service[parent] != number))
    keep &= (spans.start >= window.start) & (spans.start < window.end)
    return spans.duration[keep].astype(np.float64), spans.error[keep]


def _errors(observed: Observed, times: Times, service: str) -> Check:
    def failed(window: Window | None) -> Share:
        bad = _outer(observed, service, window)[1]
        return Share(int(bad.sum()), len(bad))

    return judged("errors", service, "failed requests", failed(times.before), failed(times.after), failed(times.healthy) if times.healthy else None)


def _latency(observed: Observed, times: Times, service: str) -> Check:
    """Slow ones among those that did not fail: failing fast is no cure for being slow."""
    def good(window: Window | None) -> Floats:
        duration, bad = _outer(observed, service, window)
        return duration[~bad]

    before, after, healthy = good(times.before), good(times.after), good(times.healthy)
    if len(before) < FEW or len(after) < FEW:
        return Check("latency", service, "not_assessed", f"{service}: {len(before)} good requests before and {len(after)} after are too few for latency")
    p95 = f"95 % took up to {_ms(np.percentile(after, 95))}, before {_ms(np.percentile(before, 95))}"
    if len(healthy) >= FEW:
        limit = max(float(np.percentile(healthy, 95)), SLOW * float(np.median(healthy)))
        found = judged("latency", service, f"requests slower than {_ms(limit)}", _above(before, limit), _above(after, limit), _above(healthy, limit))
    else:
        found = _without_healthy(service, before, after)
    return Check(found.kind, service, found.result, f"{found.statement}; {p95}", found.before, found.after, found.ill, found.partly)


def _without_healthy(service: str, before: Floats, after: Floats) -> Check:
    """Where nobody knows how fast it should be: much slower than before is worse, much faster is better."""
    usual = float(np.median(before))
    up, down = usual * SLOW, usual / SLOW
    if shares.change(_above(before, up), _above(after, up)) == "rose":
        return judged("latency", service, f"requests slower than {_ms(up)}", _above(before, up), _above(after, up), None, ill=False)
    fell = shares.change(_above(before, down), _above(after, down)) == "fell" and float(np.median(after)) <= down
    told = f"{service}: half took up to {_ms(float(np.median(after)))}, before {_ms(usual)}"
    return Check("latency", service, "confirmed" if fell else "unchanged", told, usual, float(np.median(after)), ill=fell)


def _ms(micros: float | np.floating[Any]) -> str:
    """Microseconds for people."""
    millis = float(micros) / 1e3
    return f"{millis:.0f} ms" if millis >= 100 else f"{millis:.3g} ms"


def _above(durations: Floats, limit: float) -> Share:
    return Share(int((durations > limit).sum()), len(durations))


def judged(kind: Kind, subject: str, what: str, before: Share, after: Share, healthy: Share | None, *, ill: bool | None = None) -> Check:
    """The check of a share of bad outcomes."""
    sick = shares.ill(before, healthy) if ill is None else ill
    usual = f", healthy {healthy}" if healthy is not None and healthy.of else ""
    told = f"{subject}: {what} {after}, before {before}{usual}"
    moved = shares.change(before, after)
    ratios = before.ratio, after.ratio
    if moved == "rose" and shares.ill(after, healthy):
        return Check(kind, subject, "worse", told, *ratios, ill=sick)
    if moved == "fell" and sick:
        cured = shares.well(after, before, healthy)
        return Check(kind, subject, "confirmed" if cured else "unchanged", told, *ratios, ill=True, partly=not cured)
    if sick and moved != "fell" and shares.ill(after, healthy):
        return Check(kind, subject, "unchanged", told, *ratios, ill=True)
    if moved == "unclear" or (sick and not after.of):
        low, high = shares.difference(before, after)
        return Check(kind, subject, "not_assessed", f"{told}: too few to tell (a change of {low:+.0%} to {high:+.0%})", *ratios, ill=sick)
    return Check(kind, subject, "unchanged", told, *ratios, ill=sick)
