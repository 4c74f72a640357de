"""The alert that an investigation began with, as its document and an approval's evidence carry it: ``labels``, and ``incident`` where one is kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.incidents.alert import Alert, Source
from agent.verification.alerting import findable
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from agent.incidents.incident import Whole

LARGEST = 4 << 20
"""Bytes of a file with alerts, as of a webhook's body."""
_WHERE = "--alert"


def of_incident(whole: Whole) -> dict[str, Any]:
    """That of an incident: the labels that its alerts have in common whose end nobody told, or all of them when each has ended."""
    alive = [one["labels"] for one in whole.alerts if one["status"] != "resolved"] or [one["labels"] for one in whole.alerts]
    return {"labels": findable(_common(alive)), "incident": whole.incident.id}


def of_alert(alert: Alert) -> dict[str, Any]:
    """That of an alert which no incident keeps."""
    return {"labels": findable(alert.labels), "incident": ""}


def read_alert(path: Path, now: datetime) -> Alert:
    """The alert of a file (``-``: standard input) that fires since longest: a webhook's body of any sender that is known, or the
    list that an Alertmanager's API gives. Raises UsageError."""
    from agent.incidents.errors import AlertBodyError
    from agent.incidents.parsing import parse
    from agent.incidents.parsing.fields import decoded

    try:
        value = _listed(decoded(_bytes(path)))
        found = parse(_source(value), value, now).alerts
    except AlertBodyError as error:
        named = "; ".join(f"{one['field']} {one['reason']}" for one in error.errors[:3])
        raise UsageError(f"{error.what}: {named}" if named and named not in error.what else error.what, where=f"{_WHERE} {path}", remedy=error.remedy) from error
    if not found:
        raise UsageError("there is no alert in it", where=f"{_WHERE} {path}", remedy="give the body of a webhook (docs/alerts.md)")
    return min(found, key=lambda one: (one.status == "resolved", one.starts_at))


def _bytes(path: Path) -> bytes:
    try:
        if str(path) == "-":
            found = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with path.open("rb") as file:
                found = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror}", where=f"{_WHERE} {path}", remedy="name a file with an alert as JSON") from error
    if len(found) > LARGEST:
        raise UsageError(f"it is larger than {LARGEST >> 20} MiB", where=f"{_WHERE} {path}", remedy="give one alert")
    return found


def _listed(value: Any) -> Any:
    """The answer of an Alertmanager's ``/api/v2/alerts``, as its webhook says the same; anything else as it is."""
    if not (isinstance(value, list) and all(isinstance(one, Mapping) and isinstance(one.get("labels"), Mapping) and "startsAt" in one for one in value)):
        return value
    return {"alerts": [{**one, "status": "firing"} for one in value]}


def _source(value: Any) -> Source:
    """Whose form it is, told by the fields that only theirs has."""
    if not isinstance(value, dict):
        return "generic"
    if "event_action" in value or "event" in value:
        return "pagerduty"
    first = next(iter(value["alerts"]), None) if isinstance(value.get("alerts"), list) else None
    if isinstance(first, Mapping) and isinstance(first.get("labels"), Mapping) and "title" not in first:
        return "grafana" if "orgId" in value else "alertmanager"
    return "generic"


def _common(labels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = labels or [{}]
    return {name: value for name, value in first.items() if all(one.get(name) == value for one in others)}
