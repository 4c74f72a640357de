"""The form for everything else, and a mapping onto it for bodies that have a form of their own (docs/alerts.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field

from agent.incidents.alert import Alert, Status, link_of, masked, masked_pairs, service_of, severity_of
from agent.incidents.parsing.fields import FieldError, Fields, kind
from agent.incidents.parsing.prometheus import fingerprint_of

_STATUS = {
    "firing": "firing", "open": "firing", "triggered": "firing", "trigger": "firing", "alert": "firing", "alerting": "firing", "problem": "firing",
    "resolved": "resolved", "resolve": "resolved", "closed": "resolved", "ok": "resolved", "recovered": "resolved", "recovery": "resolved",
    "acknowledged": "acknowledged", "acknowledge": "acknowledged",
}
_FIELDS = ("title", "status", "severity", "service", "fingerprint", "starts_at", "ends_at", "labels", "annotations", "url", "description")


class Place(BaseModel):
    """Where a field stands, and what its words mean here."""

    model_config = ConfigDict(extra="forbid")
    path: str
    values: dict[str, str] = Field(default_factory=dict)


class Mapped(BaseModel):
    """Paths, with dots between names and numbers, of our fields in another form: ``event.tags.0``."""

    model_config = ConfigDict(extra="forbid")
    alerts: str = ""
    """Where a list of alerts stands; the other paths then begin in each."""
    title: Place | str
    status: Place | str = ""
    severity: Place | str = ""
    service: Place | str = ""
    fingerprint: Place | str = ""
    starts_at: Place | str = ""
    ends_at: Place | str = ""
    labels: Place | str = ""
    annotations: Place | str = ""
    url: Place | str = ""
    description: Place | str = ""


def alerts_of(body: Any, now: datetime, mapping: Mapped | None = None) -> Iterator[Alert | FieldError]:
    """Each alert, or why it is refused. Raises FieldError for a body that holds none."""
    for path, value in _each(body, mapping):
        try:
            one = Fields.of(value, path)
            yield _alert(_mapped(one, mapping) if mapping else one, now)
        except FieldError as error:
            yield error


def _each(body: Any, mapping: Mapped | None) -> Iterator[tuple[str, Any]]:
    where = (mapping.alerts if mapping else "alerts" if isinstance(body, dict) and "alerts" in body else "")
    found = _reached(body, where) if where else body
    if not isinstance(found, list):
        if where:
            raise FieldError(where, f"must be a list, and is {kind(found)}")
        return iter([("", found)])
    if not found:
        raise FieldError(where or "body", "holds no alert")
    return ((f"{where}[{place}]", one) for place, one in enumerate(found))


def _alert(one: Fields, now: datetime) -> Alert:
    said = one.text("status", default="firing").strip().casefold()
    if said not in _STATUS:
        raise FieldError(one.at("status"), f"must be one of {', '.join(_STATUS)}")
    status = cast("Status", _STATUS[said])
    raw = one.pairs("labels")
    labels, annotations = masked_pairs(raw), masked_pairs(one.pairs("annotations"))
    title, service, description = masked([one.text("title", needed=status == "firing"), one.text("service"), one.text("description")])
    starts = one.time("starts_at")
    key = one.text("fingerprint") or fingerprint_of({"\0title": title, "\0service": service, **raw})
    if description:
        annotations.setdefault("description", description)
    return Alert("generic", key, status, title, service or service_of(labels), severity_of(one.text("severity") or labels.get("severity", "")),
                 starts or now, one.time("ends_at") if status == "resolved" else None, labels, annotations, link_of(one.text("url")),
                 exact=starts is not None)


def _mapped(one: Fields, mapping: Mapped) -> Fields:
    """The fields of our form, found where the mapping says."""
    found: dict[str, Any] = {}
    for name in _FIELDS:
        given = getattr(mapping, name)
        place = Place(path=given) if isinstance(given, str) else given
        value = _reached(one.values, place.path) if place.path else None
        if isinstance(value, str | int | float) and place.values:
            value = place.values.get(str(value), value)
        if name in {"labels", "annotations"} and isinstance(value, list):
            value = dict(str(tag).partition(":")[::2] for tag in value)  # tags as "name:value"
        found[name] = value
    return Fields(found, one.path)


def _reached(value: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit():
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value
