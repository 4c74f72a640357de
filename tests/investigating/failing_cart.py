"""A web service whose cart is killed for memory: its records, and its cluster in a double."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from api.actions.desk import Desk
from api.wiring.product import Product
from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.web import Limits
from tests.signals.kube.shop import NAMESPACE
from tests.tools.cluster.shops import Held
from tools.actions.world import kind_of
from tools.cluster.double import ApiDouble


def ago(minutes: float) -> datetime:
    """So long before this moment: of a test, for the module may have been read long before."""
    return datetime.now(UTC) - timedelta(minutes=minutes)


@contextmanager
def cluster(folder: Path) -> Iterator[Held]:
    """The shop in a double; its kubeconfig is ``folder``/kube/kubeconfig."""
    (folder / "kube").mkdir()
    with ApiDouble(token="t0ken-of-oncalm") as double:
        one = Held(double, folder / "kube")
        yield one
        one.cluster.close()


def access(folder: Path) -> Access:
    return Access(str(folder / "kube" / "kubeconfig"), limits=Limits(2, 5, 10))


def product(folder: Path, **more: Any) -> Product:
    """Two hours of a web service whose cart fails for the last twenty minutes; ``more`` is for its desk."""
    begin = ago(120)
    with (folder / "web.jsonl").open("w") as out:
        for second in range(0, 7200, 4):
            at, bad = begin + timedelta(seconds=second), second >= 6000
            said = "cannot reach cart: connection refused" if bad else f"served /cart in {second % 7 + 3} ms"
            out.write(json.dumps({"timestamp": at.isoformat(), "level": "error" if bad else "info", "service": "web", "message": said}) + "\n")
    made = Product(folder / "home", cluster=access(folder), desk=Desk(folder / "home", access(folder), **more))
    made.ingest([str(folder / "web.jsonl")])
    made.index()
    return made


def killed(shop: Held, name: str) -> None:
    """Its pod is killed for memory, again and again, since a quarter of an hour."""
    since = ago(15).strftime("%Y-%m-%dT%H:%M:%SZ")
    pod = shop.shop.pods(name)[0]
    pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    pod["status"]["containerStatuses"][0] |= {"restartCount": 6, "ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                                              "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": since}}}


def limit(shop: Held, name: str) -> Any:
    found = shop.double.objects.get(kind_of("Deployment"), NAMESPACE, name)
    assert found is not None
    return found["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
