"""The bodies that alert routes take, as OpenAPI tells them. They are read more leniently (:mod:`agent.incidents.parsing`)."""

from __future__ import annotations

from typing import Any

from agent.incidents.alert import Source

_TEXT: dict[str, Any] = {"type": "string"}
_PAIRS: dict[str, Any] = {"type": "object", "additionalProperties": _TEXT}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_ALERT: dict[str, Any] = {
    "type": "object", "required": ["status", "labels"],
    "properties": {
        "status": {"enum": ["firing", "resolved"]}, "labels": {**_PAIRS, "minProperties": 1}, "annotations": _PAIRS, "startsAt": _TIME, "endsAt": _TIME,
        "generatorURL": _TEXT, "fingerprint": _TEXT},
}
_ALERTS: dict[str, Any] = {
    "type": "object", "required": ["alerts"],
    "properties": {"version": _TEXT, "groupKey": _TEXT, "status": {"enum": ["firing", "resolved"]}, "alerts": {"type": "array", "items": _ALERT}},
}
_EVENT: dict[str, Any] = {
    "title": "Events API v2", "type": "object", "required": ["event_action", "dedup_key", "payload"],
    "properties": {
        "routing_key": _TEXT, "event_action": {"enum": ["trigger", "acknowledge", "resolve"]}, "dedup_key": {**_TEXT, "minLength": 1},
        "payload": {
            "type": "object", "required": ["summary", "source", "severity"],
            "properties": {
                "summary": {**_TEXT, "minLength": 1}, "source": _TEXT, "severity": {"enum": ["critical", "error", "warning", "info"]},
                "timestamp": _TIME, "component": _TEXT, "group": _TEXT, "class": _TEXT, "custom_details": {"type": "object"}}}},
}
_WEBHOOK: dict[str, Any] = {
    "title": "Webhook v3", "type": "object", "required": ["event"],
    "properties": {"event": {
        "type": "object", "required": ["id", "event_type", "occurred_at", "data"],
        "properties": {
            "id": _TEXT, "event_type": {**_TEXT, "minLength": 1}, "occurred_at": _TIME,
            "data": {"type": "object", "required": ["id", "title"],
                     "properties": {"id": {**_TEXT, "minLength": 1}, "title": _TEXT, "status": _TEXT, "html_url": _TEXT, "created_at": _TIME}}}}},
}
_GENERIC: dict[str, Any] = {
    "type": "object", "required": ["title"],
    "properties": {
        "title": {**_TEXT, "minLength": 1}, "status": {"enum": ["firing", "acknowledged", "resolved"]}, "severity": _TEXT, "service": _TEXT,
        "fingerprint": _TEXT, "starts_at": _TIME, "ends_at": _TIME, "labels": _PAIRS, "annotations": _PAIRS, "url": _TEXT, "description": _TEXT},
}

BODIES: dict[Source, dict[str, Any]] = {
    "alertmanager": _ALERTS, "grafana": _ALERTS, "pagerduty": {"oneOf": [_EVENT, _WEBHOOK]},
    "generic": {"anyOf": [_GENERIC, {"type": "array", "items": _GENERIC, "minItems": 1}]},
}
"""By sender."""
