"""Whether the alert that asked for an action fires now: by a Prometheus's ``ALERTS``, or by an Alertmanager.

Each reader answers None where an absence tells nothing: a server that never knew the alert cannot say that it is over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agent.verification.looking import Fires
from telemetry.errors import UsageError
from telemetry.sources.answers import Gathering, Trouble
from telemetry.sources.promql import selector
from telemetry.sources.remote import quoted
from telemetry.sources.web import Web

WITHIN = "1d"
"""A server that has no sample of an alert in so long does not evaluate its rule."""
SETTLED = 300.0
"""An Alertmanager that was started less than so many seconds ago may not have been told yet what fires: Prometheus sends
again after a minute or so (``--rules.alert.resend-delay``), and its groups are evaluated each minute by default."""
_NAME = re.compile(r"[a-zA-Z_]\w*", re.ASCII)
_OURS = frozenset({"alertstate", "__name__"})


def prometheus_alert(web: Web, labels: Mapping[str, str]) -> Fires:
    """By the series ``ALERTS`` (prometheus.io/docs/prometheus/latest/configuration/alerting_rules), which holds every pending and firing alert.

    ``labels`` name the alert: ``alertname`` and, as far as they are known, its others. Raises UsageError without a name.
    """
    wanted = _known(labels)

    def fires() -> bool | None:
        firing = selector("ALERTS", {**wanted, "alertstate": "firing"})
        if _vector(web, f"count({firing})"):
            return True
        known = _vector(web, f"count(last_over_time({selector('ALERTS', {'alertname': wanted['alertname']})}[{WITHIN}]))")
        return False if known else None

    return fires


def alertmanager_alert(web: Web, labels: Mapping[str, str], *, clock: Any = lambda: datetime.now(UTC)) -> Fires:
    """By ``GET /api/v2/alerts`` (github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml). One that is silenced or inhibited still fires.

    ``clock`` gives an aware time. Raises UsageError without the alert's name.
    """
    wanted = _known(labels)

    def fires() -> bool | None:
        g: Gathering[Any] = Gathering("alertmanager")
        filters = [f"{name}={quoted(value)}" for name, value in wanted.items()]
        found = web.json(g, "/api/v2/alerts", {"filter": filters, "active": "true", "silenced": "true", "inhibited": "true"})
        if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
            raise Trouble("the answer is no list of alerts, as an Alertmanager's is")
        if any((end := _moment(one.get("endsAt"))) is None or end > clock() for one in found):
            return True
        started = _moment(_mapping(web.json(g, "/api/v2/status")).get("uptime"))
        return None if started is not None and (clock() - started).total_seconds() < SETTLED else False

    return fires


def first_that_knows(*readers: Fires) -> Fires:
    """The first answer that is one. Raises what the last reader raised when none could tell and one failed."""
    def fires() -> bool | None:
        failed: Trouble | None = None
        for read in readers:
            try:
                if (said := read()) is not None:
                    return said
            except Trouble as trouble:
                failed = trouble
        if failed is not None:
            raise failed
        return None

    return fires


def _known(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels by which an alert is found; ``alertname`` is needed, empty ones say nothing."""
    found = {name: value for name, value in labels.items() if _NAME.fullmatch(name) and value and name not in _OURS}
    if not found.get("alertname"):
        raise UsageError("an alert is known by its alertname", where="alert", remedy="give the label alertname")
    return found


def _vector(web: Web, expression: str) -> list[Any]:
    """The samples of an instant query of now. Raises Trouble."""
    g: Gathering[Any] = Gathering("prometheus")
    answer = _mapping(web.json(g, "/api/v1/query", {"query": expression}))
    if answer.get("status") != "success":
        raise Trouble(f"the server says: {str(answer.get('error') or 'nothing')[:300]}")
    if answer.get("warnings"):  # a part of the data is missing: what is not there may be there
        raise Trouble(f"the answer is partial: {str(answer['warnings'])[:300]}")
    data = _mapping(answer.get("data"))
    result = data.get("result")
    if data.get("resultType") != "vector" or not isinstance(result, list):
        raise Trouble("the answer is no instant vector, as a Prometheus's is")
    return result


def _mapping(found: object) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise Trouble("the answer is no JSON object")
    return found


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
