"""A cluster's state as the rules read it: every kind that may be read, logs of containers in trouble, and usage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from signals.kube.state import ClusterState, ContainerLog, Usage, items_at, name_of, namespace_of
from telemetry.masks import masked, masked_value
from telemetry.redact import redact
from tools.cluster.connection import Cluster, UnreadableError
from tools.cluster.resources import ELSEWHERE, KEYS_ONLY, NAMES_ONLY, RESOURCES, SYSTEM, USAGE

LINES = 200
"""Lines of a container's log that are read."""
CONTAINERS = 40
"""Containers whose logs are read: those in trouble first."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""An annotation that repeats a whole object, secrets of configuration maps and variables included."""
_NUMBER = re.compile(r"([0-9.]+)([a-zA-Z]*)")
_UNITS = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}


def collect(cluster: Cluster, namespace: str | None = None) -> ClusterState:
    """The state of a namespace (and what it rests on), or of all. Raises NotAssessed when there is no cluster to ask."""
    objects: dict[str, tuple[dict[str, Any], ...]] = {}
    missing: dict[str, str] = {}
    for kind in RESOURCES:
        try:
            objects[kind] = tuple(listed(cluster, kind, namespace))
        except UnreadableError as error:
            missing[kind] = str(error)
    logs = _logs(cluster, [pod for pod in objects.get("pods", ()) if namespace in {None, namespace_of(pod)}], missing)
    missing |= {"requests": "metrics of requests are not read from the cluster", "connectivity": "nothing is tried from inside the cluster",
                "node_services": "the services of nodes are not read", "calls": "nobody told who calls whom"}
    return ClusterState(objects=objects, logs=logs, usage=_usage(cluster, namespace, missing), not_assessed=missing)


def listed(cluster: Cluster, kind: str, namespace: str | None) -> list[dict[str, Any]]:
    """The objects of a kind; of pods those of the system, too. Raises UnreadableError, NotAssessed."""
    resource = RESOURCES[kind]
    found = [_kept(kind, one) for one in cluster.items(resource.path(kind, ELSEWHERE.get(kind, namespace)), names_only=kind in NAMES_ONLY)]
    if kind == "pods" and namespace not in {None, SYSTEM}:
        with suppress(UnreadableError):  # the application's own pods are worth having alone
            found += [_kept(kind, one) for one in cluster.items(resource.path(kind, SYSTEM))]
    return found


def _kept(kind: str, one: dict[str, Any]) -> dict[str, Any]:
    """An object without the bookkeeping of who wrote which field, and without values that may be secret."""
    about = {key: value for key, value in (one.get("metadata") or {}).items() if key != "managedFields"}
    if kind in NAMES_ONLY:
        return {"metadata": about}
    kept: dict[str, Any] = without_secrets({**one, "metadata": about})
    if kind in KEYS_ONLY:
        kept["data"] = dict.fromkeys(one.get("data") or {}, "")
        kept.pop("binaryData", None)
    return kept


def without_secrets(value: Any) -> Any:
    """Objects with the values of variables hidden whose names say that they are secrets, and with no secret in any text."""
    if isinstance(value, dict):
        if isinstance(value.get("name"), str) and isinstance(value.get("value"), str):
            value = {**value, "value": masked_value(value["name"], value["value"])}
        return {key: without_secrets(inner) for key, inner in value.items() if key != LAST_APPLIED}
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    return masked(value) if isinstance(value, str) else value


def _logs(cluster: Cluster, pods: Sequence[dict[str, Any]], missing: dict[str, str]) -> tuple[ContainerLog, ...] | None:
    """The last lines of containers, those in trouble first, and of the instances before."""
    wanted = []
    for pod in pods:
        for status in (*items_at(pod, "status", "initContainerStatuses"), *items_at(pod, "status", "containerStatuses")):
            restarts = int(status.get("restartCount") or 0)
            wanted.append((bool(status.get("ready")), -restarts, namespace_of(pod), name_of(pod), str(status.get("name")), restarts > 0))
    found = []
    for _, _, namespace, pod_name, container, restarted in sorted(wanted)[:CONTAINERS]:
        for previous in (False, True) if restarted else (False,):
            try:
                text = log_of(cluster, namespace, pod_name, container, previous=previous)
            except UnreadableError as error:
                missing.setdefault("logs", str(error))
                continue
            found.append(ContainerLog(namespace, pod_name, container, tuple(text.splitlines()), previous))
    if found:
        missing.pop("logs", None)
    return tuple(found) if found or not wanted else None


def log_of(cluster: Cluster, namespace: str, pod: str, container: str, *, previous: bool = False, lines: int = LINES) -> str:
    """The last lines of a container, secrets masked. Raises UnreadableError, NotAssessed."""
    query = {"container": container, "tailLines": lines, **({"previous": "true"} if previous else {})}
    text = cluster.get(f"/api/v1/namespaces/{namespace}/pods/{pod}/log", query, accept="text/plain, */*").decode("utf-8", "replace")
    return "\n".join(redact(line)[0] for line in text.splitlines())


def _usage(cluster: Cluster, namespace: str | None, missing: dict[str, str]) -> tuple[Usage, ...] | None:
    try:
        pods = cluster.items(USAGE.path("pods", namespace))
    except UnreadableError as error:
        missing["usage"] = str(error)
        return None
    return tuple(
        Usage("container", name_of(pod), amount(one["usage"].get("cpu")), amount(one["usage"].get("memory")), namespace_of(pod), str(one.get("name")))
        for pod in pods for one in items_at(pod, "containers") if isinstance(one.get("usage"), dict))


def amount(said: Any) -> float | None:
    """A quantity of Kubernetes (``250m``, ``64Mi``) as a number; None for what is none."""
    found = _NUMBER.fullmatch(str(said or ""))
    return float(found[1]) * _UNITS[found[2]] if found and found[2] in _UNITS else None
