"""What ``oncalm doctor`` says of the channels for notifications."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.actions.notifications import Teller


def notice_checks(teller: Callable[[], Teller | None]) -> list[dict[str, Any]]:
    """What ``oncalm doctor`` says of the channels."""
    from telemetry.errors import OnCalmError

    try:
        made = teller()
        rows = made.outbox.rows() if made is not None and made.outbox.path.exists() else []
    except OnCalmError as error:
        return [{"check": "notifications", "ok": False, "seen": error.what, "remedy": error.remedy}]
    if made is None:
        return []
    lost, waits = ([one for one in rows if one.state == state] for state in ("gave_up", "waiting"))
    seen = f"{len(made.notifier.channels)} channels, {len(waits)} notices wait, {len(lost)} were given up"
    return [{"check": "notifications", "ok": not lost, "seen": seen + (f" ({lost[0].channel}: {lost[0].why})" if lost else ""),
             "remedy": "see why, then: oncalm notices send --again" if lost else ""}]
