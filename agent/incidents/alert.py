"""One alert, whoever sent it: typed, bounded, and without secrets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from telemetry.redact import redact, rules_for_each

Source = Literal["alertmanager", "grafana", "pagerduty", "generic"]
SOURCES: tuple[Source, ...] = get_args(Source)
Status = Literal["firing", "acknowledged", "resolved"]
Severity = Literal["critical", "error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The gravest first."""

LONGEST = 4_000
"""Characters of one value; more is cut."""
MOST = 100
"""Labels, and annotations, of one alert; more are left out."""
_SPELLED: dict[Severity, str] = {
    "critical": "critical crit page fatal emergency disaster alert blocker p0 p1 sev0 sev1 s1 1",
    "error": "error err high major urgent severe p2 sev2 s2 2",
    "warning": "warning warn medium moderate minor average p3 sev3 s3 3",
    "info": "info informational information low notice none debug ok p4 p5 sev4 sev5 s4 4 5",
}
_WORDS = {word: severity for severity, words in _SPELLED.items() for word in words.split()}
SERVICE_LABELS = (
    "service", "service_name", "service.name", "app", "app_kubernetes_io_name", "app.kubernetes.io/name", "application",
    "deployment", "statefulset", "daemonset", "workload", "component", "container", "job",
)
"""Where the name of a service stands, the surest first."""
_UNUSABLE = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Alert:
    """What fires, since when, and where it comes from. Times are UTC."""

    source: Source
    fingerprint: str
    """The sender's name of the alert: the same for every delivery of it."""
    status: Status
    title: str
    service: str
    severity: Severity
    starts_at: datetime
    ends_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    """Where the sender shows it (http or https); never fetched."""
    exact: bool = True
    """Whether fingerprint and ``starts_at`` name one occurrence; else it is the same one until it is resolved."""
    changed_at: datetime | None = None
    """When the sender says that it changed: what is older than the last change changes nothing."""
    by: str = ""
    """Who acknowledged or resolved it there."""

    @property
    def name(self) -> str:
        """What kind of alert it is: ``alertname``, ``class``, or its title without numbers."""
        return self.labels.get("alertname") or self.labels.get("class") or re.sub(r"\d+", "0", self.title)

    @property
    def key(self) -> str:
        """SHA-256 of sender and fingerprint: one that holds a secret is not kept."""
        return hashlib.sha256(f"{self.source}\0{self.fingerprint}".encode("utf-8", "replace")).hexdigest()

    def document(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "source": self.source, "fingerprint": self.fingerprint, "status": self.status, "title": self.title, "service": self.service,
            "severity": self.severity, "starts_at": self.starts_at.isoformat(), "ends_at": self.ends_at.isoformat() if self.ends_at else None,
            "labels": dict(self.labels), "annotations": dict(self.annotations), "url": self.url,
        }


def severity_of(word: str) -> Severity:
    """What a sender's word means; one that is not known is a warning: nobody may be woken, nor left asleep, by a typing error."""
    return _WORDS.get(word.strip().casefold(), "warning")


def service_of(labels: Mapping[str, str]) -> str:
    """The service that labels name; empty when none do."""
    return next((labels[name] for name in SERVICE_LABELS if labels.get(name)), "")


def usable(text: str, longest: int = LONGEST) -> str:
    """Bounded, and of characters that every database takes."""
    return _UNUSABLE.sub("\N{REPLACEMENT CHARACTER}", text[:longest])


def masked(texts: Iterable[str], *, longest: int = LONGEST) -> list[str]:
    """Texts without secrets."""
    given = [usable(text, longest) for text in texts]
    return [redact(text, rules)[0] if rules else text for text, rules in zip(given, rules_for_each(given), strict=True)]


def masked_pairs(pairs: Mapping[str, str]) -> dict[str, str]:
    """Labels without secrets: ``password: hunter2`` is one by its name."""
    some = dict(list(pairs.items())[:MOST])
    said = masked(f"{name[:200]}={value}" for name, value in some.items())
    return {name: value for name, _, value in (one.partition("=") for one in said)}


def masked_document(value: Any) -> Any:
    """A JSON document without secrets, its texts bounded; what JSON lacks becomes a text."""
    texts: list[str] = []
    _texts(value, texts)
    told = dict(zip(texts, masked(texts, longest=50_000), strict=True))
    return _replaced(value, told)


def _texts(value: Any, into: list[str]) -> None:
    if isinstance(value, Mapping):
        for name, one in value.items():
            into.append(str(name))
            into.append(f"{name}={one}") if isinstance(one, str) else _texts(one, into)
    elif isinstance(value, list | tuple):
        for one in value:
            _texts(one, into)
    elif not isinstance(value, int | float | None):
        into.append(str(value))


def _replaced(value: Any, told: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {told[str(name)]: told[f"{name}={one}"].removeprefix(f"{name}=") if isinstance(one, str) else _replaced(one, told)
                for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(one, told) for one in value]
    return value if isinstance(value, int | float | None) else told[str(value)]


def link_of(text: str) -> str:
    """A URL of http or https that may be shown, its secrets masked; empty for anything else."""
    if not text or len(text) > 2_000 or any(char.isspace() or not char.isprintable() for char in text):
        return ""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises for one that is none
    except ValueError:
        return ""
    return redact(usable(text))[0] if parts.scheme.lower() in {"http", "https"} and parts.hostname else ""
