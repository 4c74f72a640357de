"""Alertmanager's webhook, version 4, and Grafana's, which is the same with more fields.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config;
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, cast

from agent.incidents.alert import Alert, Status, link_of, masked_pairs, service_of, severity_of
from agent.incidents.parsing.fields import FieldError, Fields

_LINKS = ("generatorURL", "panelURL", "dashboardURL")
_SEVERITY = ("severity", "priority", "level")


def alerts_of(body: Fields, source: Literal["alertmanager", "grafana"], now: datetime) -> Iterator[Alert | FieldError]:
    """Each alert, or why it is refused. Raises FieldError when there is no list of alerts."""
    status = body.text("status", default="firing")
    for path, value in body.items("alerts"):
        try:
            yield _alert(Fields.of(value, path), source, status, now)
        except FieldError as error:
            yield error


def _alert(one: Fields, source: Literal["alertmanager", "grafana"], status: str, now: datetime) -> Alert:
    said = one.one_of("status", ("firing", "resolved"), default=status)
    raw = one.pairs("labels", needed=True)
    if not raw:
        raise FieldError(one.at("labels"), "must name at least one label")
    labels, annotations = masked_pairs(raw), masked_pairs(one.pairs("annotations"))
    starts = one.time("startsAt")
    title = annotations.get("summary") or annotations.get("title") or labels.get("alertname") or service_of(labels) or "alert"
    return Alert(
        source, one.text("fingerprint") or fingerprint_of(raw), cast("Status", said), title, service_of(labels),
        severity_of(next((labels[name] for name in _SEVERITY if labels.get(name)), "")), starts or now,
        one.time("endsAt") if said == "resolved" else None, labels, annotations,
        next((link for name in _LINKS if (link := link_of(_text(one.values, name)))), ""), exact=starts is not None)


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """A name for a set of labels whose sender gave it none."""
    return hashlib.sha256("\0".join(f"{name}\1{labels[name]}" for name in sorted(labels)).encode("utf-8", "replace")).hexdigest()[:16]


def _text(values: Mapping[str, Any], name: str) -> str:
    """A link, which is left out when it is none."""
    value = values.get(name)
    return value if isinstance(value, str) else ""


