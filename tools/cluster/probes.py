"""``cluster.probes``: what the kubelet asks containers, and what they answered lately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from signals.kube.state import Object, at, items_at, mapping_at, name_of, namespace_of
from signals.kube.view import container_statuses
from tools.cluster import inputs
from tools.cluster.asking import Asking
from tools.result import Outcome

COLUMNS = ("namespace", "workload", "container", "probe", "asks", "delay s", "every s", "timeout s", "fails after", "restarts", "failures lately", "last failure", "wrong")
_KINDS = ("startupProbe", "livenessProbe", "readinessProbe")
_SORTS = ("deployments", "statefulsets", "daemonsets")


def probes(asking: Asking, given: inputs.ProbesInput) -> Outcome:
    """Every probe of every workload; those that fail or cannot succeed come first."""
    lists = asking.all(_SORTS, given.namespace or "")
    owners = [each for kind in _SORTS for each in lists.get(kind, ()) if given.name in {None, name_of(each)}]
    asking.searched = len(owners)
    pods = asking.want("pods", given.namespace or "")
    events = asking.want("events", given.namespace or "", fields="reason=Unhealthy")
    rows = [row for each in owners for row in _rows(each, pods, events)]
    rows.sort(key=lambda row: (not row[-1], -row[10], -row[9], row[0], row[1]))
    without = sorted({name_of(each) for each in owners for one in items_at(each, "spec", "template", "spec", "containers") if not one.get("readinessProbe")})
    if without:
        asking.notes.append(f"no readiness probe, so traffic comes as soon as the process runs: {', '.join(without[:20])}")
    return asking.table(COLUMNS, rows, given.model_dump(mode="json"), why=f"{len(owners)} workloads were looked at and none has a probe" if owners else "there is no such workload")


def _rows(owner: Object, pods: Sequence[Object], events: Sequence[Object]) -> Iterator[list[Any]]:
    own = [pod for pod in pods if namespace_of(pod) == namespace_of(owner) and _of(pod, owner)]
    said: dict[tuple[str, str], list[Object]] = defaultdict(list)
    for each in events:
        if at(each, "involvedObject", "name") in {name_of(pod) for pod in own} and namespace_of(each) == namespace_of(owner):
            said[_container(each), str(each.get("message") or "").split(" ", 1)[0].lower()].append(each)
    for container in items_at(owner, "spec", "template", "spec", "containers"):
        restarts = sum(int(at(one, "restartCount") or 0) for pod in own for one in container_statuses(pod) if one.get("name") == container.get("name"))
        for kind in _KINDS:
            probe = mapping_at(container, kind)
            if not probe:
                continue
            told = said[str(container.get("name")), kind.removesuffix("Probe")] + said["", kind.removesuffix("Probe")]
            last = max(told, key=lambda each: str(each.get("lastTimestamp") or ""), default={})
            yield [namespace_of(owner), name_of(owner), container.get("name"), kind.removesuffix("Probe"), _asks(probe), probe.get("initialDelaySeconds") or 0,
                   probe.get("periodSeconds") or 10, probe.get("timeoutSeconds") or 1, probe.get("failureThreshold") or 3, restarts,
                   sum(int(each.get("count") or 1) for each in told), str(last.get("message") or ""), "; ".join(_wrong(kind, probe, container))]


def _of(pod: Object, owner: Object) -> bool:
    """By the names of owners: a ReplicaSet is named after its Deployment."""
    names = [(str(one.get("kind")), str(one.get("name"))) for one in items_at(pod, "metadata", "ownerReferences")]
    return any(name == name_of(owner) if kind != "ReplicaSet" else name.rpartition("-")[0] == name_of(owner) for kind, name in names)


def _container(event: Object) -> str:
    """Of ``spec.containers{cart}``."""
    path = str(at(event, "involvedObject", "fieldPath") or "")
    return path.partition("{")[2].rstrip("}")


def _asks(probe: Object) -> str:
    http, tcp, grpc, command = (mapping_at(probe, key) for key in ("httpGet", "tcpSocket", "grpc", "exec"))
    if http:
        return f"{str(http.get('scheme') or 'HTTP').lower()} GET {http.get('path') or '/'} on port {http.get('port')}"
    if tcp:
        return f"TCP port {tcp.get('port')}"
    if grpc:
        return f"gRPC port {grpc.get('port')}"
    return "runs " + " ".join(map(str, items_at(command, "command")))


def _wrong(kind: str, probe: Object, container: Object) -> Iterator[str]:
    """What cannot succeed, or hurts under load."""
    target = next((at(probe, key, "port") for key in ("httpGet", "tcpSocket", "grpc") if at(probe, key)), None)
    ports = items_at(container, "ports")
    names, numbers = {str(one.get("name")) for one in ports if one.get("name")}, {one.get("containerPort") for one in ports}
    if isinstance(target, str) and not target.isdigit():
        if target not in names:
            yield f"the container has no port named {target}"
    elif target is not None and numbers and int(target) not in numbers:
        yield f"port {target} is none that the container declares ({', '.join(sorted(map(str, numbers)))})"
    timeout, every = probe.get("timeoutSeconds") or 1, probe.get("periodSeconds") or 10
    if timeout > every:
        yield f"it may take longer ({timeout} s) than the time to the next ({every} s)"
    if kind == "livenessProbe" and not container.get("startupProbe") and not probe.get("initialDelaySeconds") and every * (probe.get("failureThreshold") or 3) < 15:
        yield f"a start that takes {every * (probe.get('failureThreshold') or 3)} s ends in a restart: there is neither a delay nor a startup probe"
