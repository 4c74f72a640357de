"""The cluster beside an incident's telemetry: its state, its changes, and why it could not be looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from telemetry.errors import OnCalmError
from telemetry.models import Window
from telemetry.records import Change
from telemetry.sources.answers import Trouble
from tools.cluster.asking import Asking, clock
from tools.deadline import LateToolError, within

if TYPE_CHECKING:
    from signals.kube.state import ClusterState
    from telemetry.sources.kubernetes.reading import Cluster

SECONDS = 30.0
"""How long an investigation waits for the cluster."""
PAST = timedelta(hours=24)
"""Of an incident that ended longer ago than this a cluster shows next to nothing: events are kept for an hour."""
SOON = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen, at which time (µs since 1970, UTC); no state when it was not looked at, and ``not_assessed`` says why."""

    state: ClusterState | None = None
    at: int = 0
    changes: tuple[Change, ...] = ()
    not_assessed: tuple[str, ...] = ()


def see(cluster: Cluster, window: Window, *, now: Callable[[], int] = clock, seconds: float = SECONDS) -> Seen:
    """The cluster now, and what was changed in it within ``window``. Never raises: what fails is not assessed."""
    moment = datetime.fromtimestamp(now() / 1_000_000, UTC)
    if window.end is not None and moment - window.end > PAST:
        return Seen(not_assessed=(f"cluster: not looked at, it shows the present and the incident ended {_ago(moment - window.end)} ago",))
    asking = Asking(cluster, now)
    try:
        return within(seconds, lambda: _seen(asking, window, moment), name="cluster")
    except (Trouble, OnCalmError) as error:
        return Seen(not_assessed=(f"cluster: {error}",))
    except LateToolError:
        return Seen(not_assessed=(f"cluster: no whole answer within {seconds:g} s",))


def _seen(asking: Asking, window: Window, moment: datetime) -> Seen:
    from telemetry.sources.kubernetes.changes import changes
    from tools.cluster.state import NOT_SEEN, read_state

    state = read_state(asking)
    if not state.objects:
        why = next(iter(asking.missing.values()), None)
        return Seen(not_assessed=(f"cluster: {why.what if why else 'nothing could be read'}",))
    lacking = [f"cluster: {part}: {why}" for part, why in state.not_assessed.items() if part not in NOT_SEEN]
    late = window.end is not None and moment - window.end > SOON
    told = [f"cluster: seen {_ago(moment - window.end)} after the incident; only what it dates itself counts"] if late and window.end else []
    made = [one for one in changes(state.objects) if _inside(one, window)]
    return Seen(state, asking.now, tuple(made), (*told, *lacking))


def _inside(change: Change, window: Window) -> bool:
    when = datetime.fromtimestamp(change.time / 1_000_000, UTC)
    return (window.start is None or when >= window.start) and (window.end is None or when < window.end)


def _ago(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
