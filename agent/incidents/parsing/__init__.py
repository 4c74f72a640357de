"""Bodies of webhooks → alerts. Pure: unknown fields are passed over, malformed ones are told by name and reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.incidents.alert import Alert, Source
from agent.incidents.errors import AlertBodyError, Flaw
from agent.incidents.parsing import generic, pagerduty, prometheus
from agent.incidents.parsing.fields import FieldError, Fields
from agent.incidents.parsing.generic import Mapped

AT_ONCE = 5_000
"""Alerts of one body."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a body holds. ``event`` names a delivery that may come again; ``flaws`` are alerts that were refused."""

    alerts: tuple[Alert, ...]
    flaws: tuple[Flaw, ...] = ()
    event: str = ""
    dedup_key: str = ""
    """PagerDuty's clients expect it back."""


def parse(source: Source, value: Any, now: datetime, mapping: Mapped | None = None) -> Parsed:
    """The alerts of a decoded body. Raises AlertBodyError when none of it can be used."""
    try:
        if source == "generic":
            return _split(generic.alerts_of(value, now, mapping))
        body = Fields.of(value, "")
        if source == "pagerduty":
            return _pagerduty(body, now)
        return _split(prometheus.alerts_of(body, source, now))
    except FieldError as error:
        raise AlertBodyError(f"{error.flaw.field} {error.flaw.reason}", [error.flaw]) from error


def _pagerduty(body: Fields, now: datetime) -> Parsed:
    if "event_action" in body.values:
        alert = pagerduty.event_of(body, now)
        return Parsed((alert,), dedup_key=alert.fingerprint)
    return Parsed(tuple(pagerduty.webhooks_of(body)), event=pagerduty.event_id(body))


def _split(found: Iterable[Alert | FieldError]) -> Parsed:
    alerts: list[Alert] = []
    flaws: list[Flaw] = []
    for place, one in enumerate(found):
        if place >= AT_ONCE:
            raise AlertBodyError(f"a body may hold {AT_ONCE:,} alerts", [Flaw("alerts", "are too many")], status=413, remedy="send fewer at once")
        if isinstance(one, FieldError):
            flaws.append(one.flaw)
        else:
            alerts.append(one)
    if flaws and not alerts:
        raise AlertBodyError("none of the alerts can be used", flaws[:100])
    return Parsed(tuple(alerts), tuple(flaws))
