"""Alertmanager: which alerts fire now. It holds no logs, traces or metrics; verifications ask it (docs/verification.md)."""

from __future__ import annotations

from telemetry.sources.config import Alertmanager as AlertmanagerEntry
from telemetry.sources.remote import Remote
from telemetry.sources.web import Web


class AlertmanagerSource(Remote):
    """An Alertmanager, or a server with its API of version 2 (Mimir, Grafana)."""

    probe = "/api/v2/status"

    def __init__(self, entry: AlertmanagerEntry, web: Web) -> None:
        super().__init__(entry.name, entry.kind, web)
        self.entry = entry
