"""What may be read of a cluster, found by asking for one object of each kind: the only proof that changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from telemetry.sources.answers import Gathering, Trouble
from telemetry.sources.kubernetes.reading import Cluster
from telemetry.sources.kubernetes.resources import (
    NODE_METRICS,
    POD_METRICS,
    RESOURCES,
    Resource,
)
from tools.cluster.asking import side_by_side
from tools.cluster.logs import containers


@dataclass(frozen=True, slots=True)
class Readable:
    """What a service account may list. Names are as RBAC writes them; ``refused`` and ``absent`` give the reasons."""

    version: str
    may: tuple[str, ...]
    refused: dict[str, str]
    absent: dict[str, str]
    """Not served: the server is older, or an extension is not installed."""


def readable(cluster: Cluster) -> Readable:
    """Ask for one of each. Raises Trouble when the server cannot be reached or does not know us."""
    version = cluster.version(Gathering("cluster"))
    kinds = [*RESOURCES.values(), POD_METRICS, NODE_METRICS]
    found = dict(zip([one.full for one in kinds], side_by_side([partial(_tried, cluster, one) for one in kinds]), strict=True))
    found["pods/log"] = _log(cluster)
    refused = {full: trouble for full, trouble in found.items() if trouble is not None and (trouble.code or trouble.status == "failed")}
    absent = {full: trouble for full, trouble in found.items() if trouble is not None and full not in refused}
    return Readable(version, tuple(full for full, trouble in found.items() if trouble is None),
                    {full: str(trouble) for full, trouble in refused.items()}, {full: trouble.what for full, trouble in absent.items()})


def _tried(cluster: Cluster, one: Resource) -> Trouble | None:
    spaces = cluster.namespaces if one.namespaced and one.plural != "leases" else ("kube-node-lease" if one.plural == "leases" else "",)
    for space in spaces or ("",):
        try:
            cluster.objects(Gathering("cluster"), one, space, metadata=one.group != "metrics.k8s.io", most=1)
        except Trouble as trouble:
            return trouble
    return None


def _log(cluster: Cluster) -> Trouble | None:
    """Logs may be refused where pods are not; without a pod nothing can be said against them."""
    g: Gathering[Any] = Gathering("cluster")
    try:
        pod = next((each for each in cluster.objects(g, "pods", most=1) if containers(each)), None)
        if pod is not None:
            about = pod["metadata"]
            cluster.log(g, str(about.get("namespace")), str(about.get("name")), containers(pod)[-1], tail=1, size=1)
    except Trouble as trouble:
        return None if trouble.code in {400, 404} else trouble
    return None
