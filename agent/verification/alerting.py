"""Whether the alert that asked for an action fires now: by a Prometheus's ``ALERTS``, by an Alertmanager, or by what senders told.

Each reader answers None where an absence tells nothing: a server that never knew the alert cannot say that it is over, and a
sender that told of no end may never tell of any.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from agent.verification.looking import Fires
from telemetry.errors import OnCalmError, UsageError
from telemetry.sources.answers import Gathering, Trouble
from telemetry.sources.promql import selector
from telemetry.sources.remote import literal, quoted
from telemetry.sources.web import Web

WITHIN = "1d"
"""A server that has no sample of an alert in so long does not evaluate its rule."""
SETTLED = 300.0
"""An Alertmanager that was started less than so many seconds ago may not have been told yet what fires: Prometheus sends
again after a minute or so (``--rules.alert.resend-delay``), and its groups are evaluated each minute by default."""
LABELS, LONGEST = 30, 500
"""Labels by which an alert is found, and characters of one's value. One more or less only finds more alerts: those of the same name."""
_NAME = re.compile(r"[a-zA-Z_]\w*", re.ASCII)
_OURS = frozenset({"alertstate", "__name__"})
_HIDDEN = "[REDACTED:"


def findable(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels by which servers find an alert, ``alertname`` first: bounded, and none whose value was masked or says nothing."""
    fit = {name: value for name, value in labels.items()
           if _NAME.fullmatch(name) and name not in _OURS and 0 < len(value) <= LONGEST and _HIDDEN not in value}
    names = sorted(fit, key=lambda name: (name != "alertname", name))[:LABELS]
    return {name: fit[name] for name in names}


def prometheus_alert(web: Web, labels: Mapping[str, str]) -> Fires:
    """By the series ``ALERTS`` (prometheus.io/docs/prometheus/latest/configuration/alerting_rules), which holds every pending and firing alert.

    ``labels`` name the alert: ``alertname`` and, as far as they are known, its others. A series fits that has each of them as it
    is, or not at all: on its way through an Alertmanager an alert gets labels (``external_labels``) that its series has not.
    Raises UsageError without a name.
    """
    wanted = _known(labels)
    rest = "".join(f",{name}=~{quoted(f'|{literal(value)}')}" for name, value in wanted.items() if name != "alertname")
    named = selector("ALERTS", {"alertname": wanted["alertname"]})[:-1] + rest

    def fires() -> bool | None:
        if _vector(web, f'count({named},alertstate="firing"}})'):
            return True
        return False if _vector(web, f"count(last_over_time({named}}}[{WITHIN}]))") else None

    return fires


def alertmanager_alert(web: Web, labels: Mapping[str, str], *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Fires:
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
        if any(not _fits(one, wanted) for one in found):
            raise Trouble("the answer is about other alerts than were asked for")
        if any((end := _moment(one.get("endsAt"))) is None or end > clock() for one in found):
            return True
        started = _moment(_mapping(web.json(g, "/api/v2/status")).get("uptime"))
        return None if started is not None and (clock() - started).total_seconds() < SETTLED else False

    return fires


def any_of(*readers: Fires) -> Fires:
    """What servers that are asked at once say together: it fires when one says so, and does not when one says that and none failed.

    Raises what a reader raised when none says that it fires: the one that cannot be asked might.
    """
    def fires() -> bool | None:
        if not readers:
            return None
        with ThreadPoolExecutor(len(readers), thread_name_prefix="alert") as pool:
            told = list(pool.map(_tried, readers))
        if any(one is True for one in told):
            return True
        if (failed := next((one for one in told if isinstance(one, OnCalmError)), None)) is not None:
            raise failed
        return False if False in told else None

    return fires


def servers_first(servers: Fires, told: Fires) -> Fires:
    """What servers say, and where they know nothing what senders ``told``.

    A server that cannot be asked is believed neither way: an Alertmanager takes an alert for resolved, too, when the Prometheus
    behind it is gone. Then only that it fires is taken from what was told.
    """
    def fires() -> bool | None:
        try:
            said = servers()
        except OnCalmError:
            if told() is True:
                return True
            raise
        return said if said is not None else told()

    return fires


def told_alert(standing: Callable[[], tuple[int, datetime | None]], since: datetime | None) -> Fires:
    """By what senders told. ``standing`` gives how many alerts of the incident have not ended, and when one of them was told of last.

    ``since``: when the action was done, None before it. An alert whose end nobody told fires for certain only if it was told again
    since: some senders never tell of an end.
    """
    def fires() -> bool | None:
        firing, last = standing()
        if not firing:
            return False
        return True if since is None or (last is not None and last > since) else None

    return fires


def _tried(read: Fires) -> bool | OnCalmError | None:
    try:
        return read()
    except OnCalmError as error:
        return error


def _known(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels by which an alert is found; ``alertname`` is needed."""
    found = findable(labels)
    if not found.get("alertname"):
        raise UsageError("an alert is known by its alertname", where="alert", remedy="give the label alertname")
    return found


def _fits(alert: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    labels = alert.get("labels")
    return isinstance(labels, Mapping) and all(labels.get(name) == value for name, value in wanted.items())


def _vector(web: Web, expression: str) -> list[Any]:
    """The samples of an instant query of now. Raises Trouble."""
    g: Gathering[Any] = Gathering("prometheus")
    answer = _mapping(web.document(web.ask(g, "/api/v1/query", {"query": expression}, form=True)))
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
