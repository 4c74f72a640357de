"""What an investigation is asked, composed from an alert. Its words are data: one bounded line, without times and secrets.

Times are cut out, for the investigation is told its moment: "no success for 2 days" would else be read as a window.
"""

from __future__ import annotations

from datetime import UTC, datetime

from agent.incidents.alert import Alert
from agent.offline.times import find_window
from telemetry.unseen import spelled

_LONGEST = 300
_CUTS = 5
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def symptom_of(alert: Alert) -> str:
    """The service, what the alert is called, and what it says."""
    said = " ".join(dict.fromkeys(part for part in (alert.labels.get("alertname", ""), alert.title, alert.annotations.get("description", "")) if part))
    words = _without_times(" ".join(spelled(said[: 4 * _LONGEST]).split()))
    return " ".join(f"{alert.service}: {words}".removeprefix(": ").split())[:_LONGEST] or "alert"


def _without_times(text: str) -> str:
    for _ in range(_CUTS):
        try:
            spans = find_window(text, _ANY_TIME, None, None).spans
        except (ValueError, OverflowError):  # a time that no calendar has
            return text
        if not spans:
            return text
        text = "".join(" " if any(low <= at < high for low, high in spans) else char for at, char in enumerate(text))
    return text
