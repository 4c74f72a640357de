"""Nodes and the services that make them nodes; the control plane.

The node lifecycle controller writes ``NodeStatusUnknown: Kubelet stopped posting node status`` when a node's lease is not
renewed for 40 s (kubernetes.io/docs/concepts/architecture/nodes#node-status); a kubelet that lives reports its runtime
itself (``container runtime is down``, ``PLEG is not healthy``: kubernetes/pkg/kubelet/runtime.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from signals.kube.clock import SECOND, micros
from signals.kube.finding import CONFIGURED, LIKELY, POSSIBLE, STATED, Finding, Rule, found
from signals.kube.rules.scheduling import pending
from signals.kube.state import NodeService, Object, at, items_at, mapping_at, name_of
from signals.kube.view import View, Workload
from signals.observed import Entity

SERVICES = {"kubelet": "kubelet_down", "containerd": "container_runtime_down", "docker": "container_runtime_down",
            "crio": "container_runtime_down", "cri-o": "container_runtime_down", "kube-proxy": "kube_proxy_down",
            "kube-scheduler": "scheduler_down"}
_RUNTIME = re.compile(r"container runtime (?:is down|status check|network not ready: NetworkReady=false reason:ContainerRuntime)|PLEG is not healthy|"
                      r"runtime (?:is )?not ready|containerd\.sock|crio\.sock|ContainerRuntimeNotReady", re.I)
_STOPPED = re.compile(r"Kubelet stopped posting node status|NodeStatusUnknown|node is unreachable", re.I)
_PROXY = re.compile(r"^kube-proxy")
_SCHEDULER = re.compile(r"^kube-scheduler")
_LEASE = 60 * SECOND


def stopped(view: View) -> Iterator[Finding]:
    """Services of nodes that do not run."""
    for each in view.state.node_services or ():
        cause = SERVICES.get(each.service)
        if cause and each.status in {"stopped", "failed"}:
            yield found(cause, Entity("node", each.node), f"{each.service} on {each.node} is {each.status}: “{each.statement}”{_seen(view, each)}",
                        STATED + 2, refs=(f"kube:nodes/{each.node}",))


def _seen(view: View, service: NodeService) -> str:
    node = view.state.find("nodes", service.node)
    status, message = ready(node) if node else ("", "")
    return f"; the node is Ready={status}: “{message}”" if status and status != "True" else ""


def ready(node: Object) -> tuple[str, str]:
    """(status, reason and message) of the Ready condition."""
    for each in items_at(node, "status", "conditions"):
        if at(each, "type") == "Ready":
            return str(at(each, "status")), f"{at(each, 'reason') or ''}: {at(each, 'message') or ''}"
    return "", ""


def unready(view: View) -> Iterator[Finding]:
    """Nodes that are not Ready, or whose lease is old, by what they said last."""
    for node in view.nodes():
        status, said = ready(node)
        renewed = _renewed(view, node)
        late = renewed is not None and view.now - renewed > _LEASE
        words = said + " " + " ".join(each.message for each in view.events_of("Node", name_of(node)) if view.recent(each))
        if status in {"", "True"} and not late:
            continue
        cause = "container_runtime_down" if _RUNTIME.search(words) and not _STOPPED.search(said) else (
            "kubelet_down" if late or _STOPPED.search(said) or status == "Unknown" else "node_not_ready")
        if cause == "node_not_ready" and re.search(r"network plugin|cni", words, re.I):
            said += " (the network plugin is not ready)"
        yield found(cause, Entity("node", name_of(node)),
                    f"node {name_of(node)} is Ready={status or 'unknown'}: “{said.strip()}”"
                    + (f"; its lease was last renewed {(view.now - renewed) // SECOND} s ago" if late and renewed else ""),
                    STATED + 1 if status not in {"", "True"} else LIKELY, refs=(f"kube:nodes/{name_of(node)}",))


def _renewed(view: View, node: Object) -> int | None:
    lease = view.state.find("leases", name_of(node), "kube-node-lease")
    return micros(at(lease, "spec", "renewTime")) if lease else None


def runtime(view: View) -> Iterator[Finding]:
    """A runtime that does not answer, by the events of pods on one node."""
    for node in view.nodes():
        told = [each for pod in _pods_on(view, name_of(node)) for each in view.events_of("Pod", name_of(pod))
                if each.warning and re.search(r"(?:containerd|crio|dockerd?)[\w.-]*\.sock.*(?:refused|no such file|deadline)|"
                                              r"connection error: desc = .*unix", each.message)]
        if told and view.recent(told[0]):
            yield found("container_runtime_down", Entity("node", name_of(node)),
                        f"the container runtime of {name_of(node)} does not answer: “{told[0].message}”", STATED + 1,
                        refs=(f"kube:nodes/{name_of(node)}", told[0].ref), at=told[0].last)


def _pods_on(view: View, node: str) -> tuple[Object, ...]:
    return tuple(each for each in view.state.of("pods") if at(each, "spec", "nodeName") == node)


def pressed(view: View) -> Iterator[Finding]:
    """Nodes that report pressure."""
    for node in view.nodes():
        for each in items_at(node, "status", "conditions"):
            if str(at(each, "type")).endswith("Pressure") and at(each, "status") == "True":
                yield found("node_pressure", Entity("node", name_of(node)),
                            f"node {name_of(node)} has {at(each, 'type')}: “{at(each, 'message') or at(each, 'reason')}”", STATED,
                            refs=(f"kube:nodes/{name_of(node)}",))


def unscheduled(view: View) -> Iterator[Finding]:
    """Pods that wait without the scheduler having said anything."""
    waiting = [(each, pod) for each in view.workloads for pod in each.pods if pending(pod)]
    mute = [(each, pod) for each, pod in waiting if not any(event.reason in {"FailedScheduling", "Scheduled", "NotTriggerScaleUp"}
            for event in view.events_of("Pod", name_of(pod), each.namespace)) and not items_at(pod, "spec", "schedulingGates")
            and at(pod, "spec", "schedulerName") in {None, "", "default-scheduler"} and not _young(view, pod)]
    if not mute or len(mute) < len(waiting) or not view.state.knows("events"):
        return
    known = [each for each in view.state.node_services or () if each.service == "kube-scheduler"]
    if any(each.status == "running" for each in known) and all(each.status == "running" for each in known):
        strength = POSSIBLE
    else:
        strength = STATED + 0.5
    names = ", ".join(sorted({each.name for each, _ in mute}))
    yield found("scheduler_down", Entity("node", _scheduler_node(view)),
                f"{len(mute)} pods ({names}) wait for a node and no scheduler has said anything about them", strength,
                refs=tuple(each.ref for each, _ in mute[:3]))


def _young(view: View, pod: Object) -> bool:
    made = micros(at(pod, "metadata", "creationTimestamp"))
    return made is not None and view.now - made < 10 * SECOND


def _scheduler_node(view: View) -> str:
    """Where the scheduler runs: its pod's node, its systemd unit's, else the control plane."""
    for pod in view.state.of("pods", "kube-system"):
        if _SCHEDULER.match(name_of(pod)) and at(pod, "spec", "nodeName"):
            return str(at(pod, "spec", "nodeName"))
    from signals.kube.matching import control_plane

    units = [each.node for each in view.state.node_services or () if each.service == "kube-scheduler"]
    planes = [name_of(each) for each in view.nodes() if control_plane(each)]
    return next(iter(units + planes), "control-plane")


def system(view: View) -> Iterator[Finding]:
    """Pods of kube-proxy and the scheduler that do not run."""
    for pattern, cause in ((_PROXY, "kube_proxy_down"), (_SCHEDULER, "scheduler_down")):
        for workload in view.everywhere:
            if workload.namespace != "kube-system" or not pattern.match(workload.name):
                continue
            for pod in workload.pods:
                if at(pod, "status", "phase") not in {"Running", "Succeeded"} or _crashes(workload, pod):
                    node = str(at(pod, "spec", "nodeName") or "control-plane")
                    yield found(cause, Entity("node", node), f"{name_of(pod)} on {node} does not run ({at(pod, 'status', 'phase')})",
                                STATED + 1, refs=(f"kube:pods/kube-system/{name_of(pod)}",))


def _crashes(workload: Workload, pod: Object) -> bool:
    return any(mapping_at(each, "state", "waiting") for each in items_at(pod, "status", "containerStatuses")) and bool(workload.pods)


def unproxied(view: View) -> Iterator[Finding]:
    """Services that answer from some nodes and not from one: its kube-proxy does not program them."""
    tried: dict[str, list[bool]] = {}
    for each in view.state.connectivity or ():
        if each.source and view.state.find("nodes", each.source):
            tried.setdefault(each.source, []).append(each.outcome == "connected")
    for node, outcomes in tried.items():
        others = [good for other, each in tried.items() if other != node for good in each]
        if not any(outcomes) and others and sum(others) > len(others) / 2:
            yield found("kube_proxy_down", Entity("node", node), f"no service answers from {node}, most answer from other nodes",
                        CONFIGURED, refs=(f"kube:nodes/{node}",))


RULES: tuple[Rule, ...] = (stopped, unready, runtime, pressed, unscheduled, system, unproxied)
