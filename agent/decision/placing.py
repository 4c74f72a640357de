"""Where a suggested probe would be attached: node and container of a suspect's pods, from a cluster's state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent.decision.facts import workload_of
from ebpf.catalog import CATALOG
from signals.kube.state import ClusterState, Object, at, items_at, name_of, namespace_of
from signals.kube.view import View
from signals.observed import Entity

_MOST = 3
"""Pods of a suspect that are named."""


def placed(probes: Iterable[Mapping[str, Any]], state: ClusterState | None, now: int) -> list[dict[str, Any]]:
    """The suggestions with ``places``: ``node``, ``pod``, ``container`` (its id), and the ``command`` that proposes it; none where that is not known."""
    view = View(state, now=now) if state is not None else None
    return [{**one, "places": _places(view, one) if view is not None else []} for one in probes]


def _places(view: View, one: Mapping[str, Any]) -> list[dict[str, str]]:
    entity = Entity(one["entity"]["kind"], one["entity"]["name"], one["entity"].get("namespace", ""))
    workload = workload_of(view, entity)
    pods = [pod for pod in workload.pods if entity.kind != "pod" or name_of(pod) == entity.name] if workload is not None else []
    return [place for pod in pods[:_MOST] if (place := _place(pod, one)) is not None]


def _place(pod: Object, one: Mapping[str, Any]) -> dict[str, str] | None:
    """The pod's first running container: ``containerd://ID`` without its scheme."""
    node = str(at(pod, "spec", "nodeName") or "")
    running = [status for status in items_at(pod, "status", "containerStatuses") if at(status, "state", "running") is not None]
    ident = str(at(running[0], "containerID") or "").rpartition("//")[2] if running else ""
    if not node or not ident:
        return None
    entry = CATALOG[one["probe"]]
    port = f" --port {entry.port}" if entry.needs_port else ""
    side = f" --side {one['side']}" if one["side"] != "either" else ""
    service = f" --service {one['entity']['name']}" if one["entity"]["kind"] == "service" else ""
    return {"node": node, "pod": f"{namespace_of(pod)}/{name_of(pod)}", "container": ident,
            "command": f"oncalm probe run {one['probe']} --node {node} --container {ident}{port}{side}{service}"}
