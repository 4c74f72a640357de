"""Whether the alert that asked for an action still fires: by the home's alert servers (``sources.yaml``), else by what senders told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agent.verification.alerting import (
    alertmanager_alert,
    any_of,
    findable,
    prometheus_alert,
    servers_first,
    told_alert,
)

if TYPE_CHECKING:
    from agent.verification.looking import Fires
    from telemetry.sources.opening import AlertServer

Standing = Callable[[str], tuple[int, datetime | None]]
"""How many alerts of an incident have not ended, and when one of them was told of last. Raises OnCalmError."""


class AlertEyes:
    """Reads alerts. Servers are opened by the first question, and closed by :meth:`close`."""

    def __init__(self, servers: Callable[[], Sequence[AlertServer]], standing: Standing) -> None:
        """``servers`` raises UsageError for a file that cannot be read: then nobody knows whether an alert fires."""
        self._servers, self._standing = servers, standing
        self._opened: Sequence[AlertServer] | None = None

    def of(self, told: Mapping[str, Any], since: datetime | None) -> Fires:
        """Whether the alert of an approval's evidence (``labels``, ``incident``) fires; ``since``: when the action was done."""
        labels = told.get("labels")
        known = findable({str(name): str(value) for name, value in labels.items()}) if isinstance(labels, Mapping) else {}
        incident = str(told.get("incident") or "")
        kept: Fires = told_alert(lambda: self._standing(incident), since) if incident else lambda: None
        return servers_first(lambda: self._asked(known), kept) if known.get("alertname") else kept

    def close(self) -> None:
        """Let connections go."""
        opened, self._opened = self._opened, None
        for server in opened or ():
            server.close()

    def _asked(self, labels: Mapping[str, str]) -> bool | None:
        if self._opened is None:
            self._opened = self._servers()
        return any_of(*(alertmanager_alert(one.web, labels) if one.kind == "alertmanager" else prometheus_alert(one.web, labels) for one in self._opened))()
