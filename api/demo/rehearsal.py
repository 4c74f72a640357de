"""The recorded shop as Deployments of a simulated cluster, and the recording's own clock.

The change feed of the recording says what was rolled out when; the cluster holds these revisions. What is done in it has no
effect on the recording: its telemetry goes on as it was recorded, in which the right change was made by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from samples import incident_changes, incident_truth
from telemetry.sources.kubernetes.configuration import Access
from tools.cluster.double import ApiDouble, kubeconfig
from tools.cluster.double.controllers import Deployments
from tools.cluster.double.objects import Object

SPACE = "shop"
_SERVICES = {"edge": 2, "storefront": 4, "inventory": 2, "payments": 2, "stockaudit": 1}
_IMAGE, _SETTING = "registry.example/shop/", "MODE"
GONE = "4.1.8"
"""This version of the storefront does not start any more: it is the one that an action makes things worse with."""


class RecordedClock:
    """Time as in the recording, UTC: it goes on only when somebody waits."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)  # no two moments are the same
        return self.now

    def wait(self, seconds: float) -> bool:
        """Pass so many seconds; never asks to stop (as ``threading.Event.wait`` would)."""
        self.now += timedelta(seconds=seconds)
        return False

    def until(self, moment: datetime) -> None:
        """Go on to a later moment."""
        self.now = max(self.now, moment)


def fault_ends() -> datetime:
    """When the recorded fault was taken back by hand."""
    return datetime.fromisoformat(incident_truth()["fault_end"])


@contextmanager
def cluster(folder: Path, clock: RecordedClock) -> Iterator[Access]:
    """The simulated cluster as it was at the clock's time, over real HTTP on loopback."""
    now, controller = clock(), Deployments(clock=clock, starts=_starts)
    with ApiDouble() as double:
        double.objects.put({"kind": "Namespace", "metadata": {"name": SPACE}})
        changes = [one for one in incident_changes() if _time(one) < now]
        first = datetime.fromisoformat(incident_truth()["start"]) - timedelta(days=1)
        for name, replicas in _SERVICES.items():
            own = [one for one in changes if one["service"] == name]
            _roll(double, controller, clock, first, _deployment(name, replicas, {one["kind"]: one["before"] for one in reversed(own)}))
            held: dict[str, str] = {one["kind"]: one["before"] for one in reversed(own)}
            for one in own:
                held[one["kind"]] = one["version"]
                _roll(double, controller, clock, _time(one), _deployment(name, replicas, held))
            double.objects.put({"kind": "Service", "metadata": {"name": name, "namespace": SPACE}, "spec": {"selector": {"app": name}}})
        double.reactions.append(controller)
        clock.now = now
        yield Access(str(kubeconfig(folder, double)))


def _starts(template: Mapping[str, Any]) -> str:
    gone = any(one["image"] == f"{_IMAGE}storefront:{GONE}" for one in template["spec"]["containers"])
    return "CrashLoopBackOff" if gone else ""


def _roll(double: ApiDouble, controller: Deployments, clock: RecordedClock, moment: datetime, deployment: Object) -> None:
    clock.now = moment
    controller(double.objects, double.objects.put(deployment))


def _deployment(name: str, replicas: int, held: Mapping[str, str]) -> Object:
    """``held``: version by kind of change; a deploy names the image, a setting or flag a variable."""
    variables = [{"name": f"{name.upper()}_{_SETTING}", "value": value} for kind, value in held.items() if kind != "deploy"]
    container = {"name": name, "image": f"{_IMAGE}{name}:{held.get('deploy', '1.0.0')}", "env": variables}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": SPACE, "generation": 1},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}}}


def _time(change: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(change["time"]).astimezone(UTC)

