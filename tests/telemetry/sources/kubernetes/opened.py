"""Clusters opened for tests, closed behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from telemetry.sources.answers import Gathering, Trouble
from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.kubernetes.connection import ApiServer
from telemetry.sources.kubernetes.reading import Cluster
from telemetry.sources.web import Limits
from tools.cluster.double import ApiDouble, kubeconfig

SHORT = Limits(connect=1.0, read=0.4, total=1.0, size=1 << 20)


def pod(name: str, namespace: str = "shop", **labels: str) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": {"containers": [{"name": "main"}]}}


class Opened:
    """Makes clusters over the double; ``g`` is the gathering of the last question."""

    def __init__(self, server: ApiDouble, folder: Path) -> None:
        self.server, self.folder = server, folder
        self._held: list[Cluster] = []
        self.g: Gathering[Any] = Gathering("cluster")

    def cluster(self, page: int = 500, limits: Limits = SHORT, *, namespaces: tuple[str, ...] = (), **config: Any) -> Cluster:
        path = kubeconfig(self.folder, self.server, **config)
        return self.open(Access(str(path), namespaces=namespaces, limits=limits), page)

    def open(self, access: Access, page: int = 500) -> Cluster:
        self._held.append(Cluster(ApiServer(access), page))
        self.g = Gathering("cluster")
        return self._held[-1]

    def trouble(self, cluster: Cluster, kind: str = "pods", namespace: str = "shop") -> Trouble:
        """What goes wrong with a list."""
        with pytest.raises(Trouble) as caught:
            cluster.objects(self.g, kind, namespace)
        return caught.value

    def names(self, cluster: Cluster, kind: str = "pods", namespace: str = "shop", **more: Any) -> list[str]:
        return [each["metadata"]["name"] for each in cluster.objects(self.g, kind, namespace, **more)]

    def close(self) -> None:
        for cluster in self._held:
            cluster.close()
