"""Which alerts are one incident, and which incident comes first. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from agent.incidents.alert import SEVERITIES, Alert, Severity

_RANK = {severity: place for place, severity in enumerate(reversed(SEVERITIES))}


def group_of(alert: Alert, group_by: Sequence[str]) -> dict[str, str]:
    """The labels that an incident's alerts share; what an alert does not have is empty."""
    own = {"service": alert.service, "alertname": alert.name, "source": alert.source, "severity": alert.severity}
    return {name: (own.get(name) or alert.labels.get(name, ""))[:500] for name in group_by}


def key_of(group: Mapping[str, str]) -> str:
    """SHA-256 of a group, as 64 hex digits."""
    return hashlib.sha256(json.dumps(dict(group), sort_keys=True).encode("utf-8", "replace")).hexdigest()


def graver(one: Severity, other: Severity) -> Severity:
    """The graver of two."""
    return max(one, other, key=_RANK.__getitem__)


def priority(severity: Severity, service: str, criticality: Mapping[str, int]) -> int:
    """What is investigated first: by severity, and within one by how much the service matters; 10 to 390."""
    return _RANK[severity] * 100 + 50 + 4 * max(-10, min(10, criticality.get(service, 0)))
