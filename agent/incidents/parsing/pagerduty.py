"""PagerDuty: what is sent to it (Events API v2) and what it sends (webhooks, version 3).

https://developer.pagerduty.com/docs/send-alert-event; https://developer.pagerduty.com/docs/webhooks-overview
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from agent.incidents.alert import Alert, Status, link_of, masked, masked_pairs, service_of, severity_of
from agent.incidents.parsing.fields import FieldError, Fields
from agent.incidents.parsing.prometheus import fingerprint_of

_ACTIONS: dict[str, Status] = {"trigger": "firing", "acknowledge": "acknowledged", "resolve": "resolved"}
_CHANGES: dict[str, Status] = {
    "triggered": "firing", "reopened": "firing", "unacknowledged": "firing", "escalated": "firing", "reassigned": "firing",
    "delegated": "firing", "priority_updated": "firing", "acknowledged": "acknowledged", "resolved": "resolved",
}
"""Of ``incident.…`` events; others (notes, pings) change no alert."""
_STANDING: dict[str, Status] = {"triggered": "firing", "acknowledged": "acknowledged", "resolved": "resolved"}


def event_of(body: Fields, now: datetime) -> Alert:
    """An event of the Events API v2. Raises FieldError."""
    status = _ACTIONS[body.one_of("event_action", tuple(_ACTIONS))]
    payload = body.inner("payload", needed=status == "firing")
    summary = payload.text("summary", needed=status == "firing")
    severity = payload.text("severity", default="" if status != "firing" else "warning")
    labels = {name: text for name in ("source", "component", "group", "class") if (text := payload.text(name))}
    details = payload.values.get("custom_details")
    annotations = payload.pairs("custom_details") if isinstance(details, dict) else {"custom_details": str(details)} if details else {}
    key = body.text("dedup_key", needed=status != "firing") or fingerprint_of({"summary": summary, **labels})
    named = service_of({name: annotations[name] for name in ("service", "service_name", "app") if annotations.get(name)})
    service = named or labels.get("component") or labels.get("group") or labels.get("source", "")
    title, service = masked([summary, service])
    return Alert("pagerduty", key, status, title, service, severity_of(severity), payload.time("timestamp") or now, None,
                 masked_pairs(labels), masked_pairs(annotations), _linked(body), exact=False)


def webhooks_of(body: Fields) -> Iterator[Alert]:
    """What a webhook of version 3 says of an incident; nothing for events that change none. Raises FieldError."""
    event = body.inner("event", needed=True)
    family, _, change = event.text("event_type", needed=True).partition(".")
    if family != "incident" or change not in _CHANGES:
        return
    told = event.inner("data", needed=True)
    at = event.time("occurred_at")
    created = told.time("created_at") or at
    if at is None or created is None:
        raise FieldError(event.at("occurred_at"), "is needed")
    service = told.inner("service").text("summary")
    priority = _summary(told.values.get("priority")) or ("error" if told.text("urgency") == "high" else "warning")
    # A change of hands says nothing of whether it is over; how it stands does.
    standing = _STANDING.get(told.text("status"), "firing")
    status = standing if change in {"escalated", "reassigned", "delegated", "priority_updated"} else _CHANGES[change]
    title, service, who = masked([told.text("title", default="PagerDuty incident"), service, _summary(event.values.get("agent"))])
    yield Alert(
        "pagerduty", told.text("id", needed=True), status, title, service, severity_of(priority), created, at if status == "resolved" else None,
        masked_pairs({name: text for name in ("incident_key", "number", "urgency") if (text := told.text(name))}), {},
        link_of(told.text("html_url")), changed_at=at, by=who)


def event_id(body: Fields) -> str:
    """What names one event of a webhook, however often it is delivered."""
    return body.inner("event").text("id")


def _linked(body: Fields) -> str:
    links = body.values.get("links")
    first = links[0].get("href") if isinstance(links, list) and links and isinstance(links[0], dict) else None
    return link_of(first if isinstance(first, str) else "") or link_of(body.text("client_url"))


def _summary(value: Any) -> str:
    return str(value.get("summary") or "") if isinstance(value, dict) else ""
