"""The small shop of the signals' tests behind a double, and its tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from signals.kube.clock import SECOND, written
from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.kubernetes.connection import ApiServer
from telemetry.sources.kubernetes.reading import Cluster
from telemetry.sources.kubernetes.resources import RESOURCES
from telemetry.sources.web import Limits
from tests.signals.kube.shop import NAMESPACE, NOW, Shop
from tools.cluster.double import ApiDouble, kubeconfig
from tools.cluster.tools import cluster_tools
from tools.registry import Registry
from tools.result import ToolResult

Json = dict[str, Any]


class Held:
    """A shop in a double. Change ``shop`` or ``double`` before the first call."""

    def __init__(self, double: ApiDouble, folder: Path) -> None:
        self.double, self.shop = double, Shop()
        self.cluster = Cluster(ApiServer(Access(str(kubeconfig(folder, double)), limits=Limits(2, 5, 10))))
        self.tools: Registry = cluster_tools(self.cluster, lambda: NOW)
        self._loaded = False

    def load(self) -> None:
        """Put the shop into the double."""
        self._loaded = True
        for kind, held in self.shop.objects.items():
            for each in held:
                self.double.objects.put(each, RESOURCES[kind].kind)
        self.double.objects.put({"kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for name in ("web", "cart", "db"):
            for pod in self.shop.pods(name):
                self.double.logs.setdefault((NAMESPACE, pod["metadata"]["name"], name, False), f"{ago(60)} INFO {name} started\n")

    def call(self, name: str, /, **arguments: Any) -> ToolResult:
        """A tool's result."""
        if not self._loaded:
            self.load()
        return self.tools.call(f"cluster.{name}", arguments)

    def rows(self, name: str, /, **arguments: Any) -> list[Json]:
        """The rows of a tool's table, by column."""
        result = self.call(name, **arguments)
        assert result.status == "found", result.error or result.reason
        return rows(result)


def rows(result: ToolResult) -> list[Json]:
    assert result.found is not None
    table = result.found.result
    return [dict(zip(table.columns or [], row, strict=True)) for row in table.rows or []]


def ago(seconds: int) -> str:
    """A time before the shop's now."""
    return written(NOW - seconds * SECOND)


def event(reason: str, message: str, kind: str = "Pod", name: str = "cart-6c-x", *, seconds: int = 60, type_: str = "Warning", **more: Any) -> Json:
    return {"metadata": {"name": f"{name}.{reason}.{seconds}", "namespace": NAMESPACE}, "involvedObject": {"kind": kind, "name": name, "namespace": NAMESPACE},
            "reason": reason, "message": message, "type": type_, "count": 3, "firstTimestamp": ago(seconds + 60), "lastTimestamp": ago(seconds), **more}


def object_(kind: str, name: str, namespace: str | None = NAMESPACE, about: Mapping[str, Any] | None = None, **more: Any) -> Json:
    return {"kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {}), **(about or {})}, **more}
