"""Why the scheduler places a pod nowhere.

The message is that of ``framework.FitError`` (kubernetes/pkg/scheduler/framework/types.go): ``0/N nodes are available:
COUNT REASON, COUNT REASON.`` One pod may fail for several reasons on several nodes, so the nodes the pod *may* use by its
selector and affinity are asked first what keeps it off them; nodes of the control plane are left out, they are meant to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from signals.kube.finding import CONFIGURED, LIKELY, STATED, Finding, Rule, found
from signals.kube.matching import (
    attracted_to,
    control_plane,
    cordoned,
    required_terms,
    selected_by,
    untolerated,
)
from signals.kube.quantities import quantity
from signals.kube.state import Object, at, mapping_at, name_of
from signals.kube.view import Event, View, Workload

_AVAILABLE = re.compile(r"^\d+/\d+ nodes are available: (?P<reasons>.*?)(?:\.? preemption:|\.?$)", re.S)
_REASON = re.compile(r"(?P<count>\d+) (?P<text>(?:[^,{}]|\{[^}]*\}|,(?! \d+ ))+)")
REASONS = (
    ("insufficient_cpu", r"Insufficient cpu"), ("insufficient_memory", r"Insufficient memory"),
    ("insufficient_other", r"Insufficient |Too many pods"), ("host_port", r"free ports for the requested pod ports"),
    ("pod_anti_affinity", r"anti-affinity rules"), ("pod_affinity", r"pod affinity rules"),
    ("topology_spread", r"topology spread constraints"), ("taint", r"untolerated taint|had taint"),
    ("node_cordoned", r"were unschedulable"), ("node_match", r"node affinity/selector|didn't match node selector|node affinity"),
    ("volume", r"unbound immediate PersistentVolumeClaims|find available persistent volumes to bind|volume node affinity conflict"),
    ("pvc_missing", r"persistentvolumeclaim .* (?:not found|being deleted)"),
)
"""Cause → its words in the plugins' ``ErrReason…`` constants (kubernetes/pkg/scheduler/framework/plugins)."""


def unplaced(view: View) -> Iterator[Finding]:
    """A finding for each workload whose pods have no node."""
    for workload in view.workloads:
        pods = [pod for pod in workload.pods if pending(pod)]
        event = next((each for pod in pods for each in view.events_of("Pod", name_of(pod), workload.namespace)
                      if each.reason == "FailedScheduling"), None)
        if not pods:
            continue
        cause = blocked(view, workload, pods[0], reasons(event.message) if event else {})
        if event is not None or cause:
            yield from _told(view, workload, event, cause)


def _told(view: View, workload: Workload, event: Event | None, cause: str) -> Iterator[Finding]:
    if cause in {"", "volume"}:
        return  # of volumes, the rules of storage say more
    words = f"“{event.message}”" if event else "none of its nodes takes it; no event says so"
    refs = (workload.ref, *((event.ref,) if event else ()))
    statement = f"{workload.name} cannot be placed: {_why(view, workload, cause)}; the scheduler says: {words}"
    yield found(cause, workload.entity, statement, STATED if event else CONFIGURED - 1, namespace=workload.namespace,
                refs=refs, at=event.last if event else None)


def pending(pod: Object) -> bool:
    """Has it no node yet?"""
    return at(pod, "status", "phase") in {"Pending", None} and not at(pod, "spec", "nodeName")


def reasons(message: str) -> dict[str, int]:
    """Cause → on how many nodes, from the scheduler's message."""
    match = _AVAILABLE.match(message)
    counted: dict[str, int] = {}
    for each in _REASON.finditer(match["reasons"]) if match else ():
        for cause, words in REASONS:
            if re.search(words, each["text"]):
                counted[cause] = counted.get(cause, 0) + int(each["count"])
                break
    for cause, words in REASONS:  # before any node is tried: claims that are not there
        if cause in {"volume", "pvc_missing"} and cause not in counted and re.search(words, message):
            counted[cause] = 0
    return counted


def blocked(view: View, workload: Workload, pod: Object, said: Mapping[str, int]) -> str:
    """The cause that keeps the pod from the nodes it may use."""
    for cause in ("pvc_missing", "volume"):
        if cause in said:
            return cause
    spec = {**at(pod, "spec"), **{key: value for key, value in workload.spec.items() if key == "affinity"}}
    nodes = view.nodes()
    if not nodes:
        return _commonest(said)
    selected = [each for each in nodes if selected_by(spec, each) or _named(spec, each)]
    allowed = [each for each in selected if attracted_to(spec, each)]
    if not selected and mapping_at(spec, "nodeSelector"):
        return "node_selector"
    if not allowed and required_terms(spec):
        return "node_affinity"
    pinned = bool(mapping_at(spec, "nodeSelector") or required_terms(spec))
    usable = [each for each in allowed if pinned or not control_plane(each)] or allowed
    return _on(spec, usable, said)


def _named(spec: Object, node: Object) -> bool:
    """A selector for a host name means the node of that name, also when the node lost the label since."""
    wanted = dict(mapping_at(spec, "nodeSelector"))
    host = wanted.pop("kubernetes.io/hostname", None)
    unlabelled = "kubernetes.io/hostname" not in mapping_at(node, "metadata", "labels")
    return host == name_of(node) and unlabelled and selected_by({"nodeSelector": wanted}, node)


def _on(spec: Object, usable: list[Object], said: Mapping[str, int]) -> str:
    """What keeps a pod off the nodes its selector and affinity allow: cordons and taints come before room."""
    off = [each for each in usable if cordoned(each)]
    tainted = [each for each in usable if not cordoned(each) and untolerated(spec, each)]
    if len(off) == len(usable) and off:
        return "node_cordoned"
    if tainted and len(tainted) + len(off) == len(usable):
        return "taint"
    rest = {cause: count for cause, count in said.items() if cause not in {"node_cordoned", "taint", "node_match"}}
    if rest:
        return _commonest(rest)
    if "node_match" in said:
        return "node_selector" if mapping_at(spec, "nodeSelector") else "node_affinity"
    return _commonest(said)


def _commonest(said: Mapping[str, int]) -> str:
    """The reason given for most nodes; what is never a reason alone comes last."""
    if not said:
        return ""
    cause = max(said, key=lambda each: (said[each], each not in {"node_cordoned", "taint"}))
    return "node_affinity" if cause == "node_match" else cause


def _why(view: View, workload: Workload, cause: str) -> str:
    """What the pod asks for, in its own words."""
    spec = workload.spec
    if cause == "node_selector":
        return f"no node carries {_pairs(mapping_at(spec, 'nodeSelector'))}"
    if cause in {"insufficient_cpu", "insufficient_memory"}:
        resource = cause.removeprefix("insufficient_")
        return f"it requests {_requested(workload, resource)} {resource}"
    if cause == "node_cordoned":
        return f"cordoned: {', '.join(name_of(each) for each in view.nodes() if cordoned(each))}"
    if cause == "taint":
        taints = {f"{at(each, 'key')}={at(each, 'value') or ''}:{at(each, 'effect')}"
                  for node in view.nodes() for each in untolerated(spec, node)}
        return f"it tolerates none of {', '.join(sorted(taints)) or 'the taints'}"
    return cause.replace("_", " ")


def _pairs(labels: Mapping[str, object]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items()) or "its nodeSelector"


def _requested(workload: Workload, resource: str) -> str:
    asked = [str(at(each, "resources", "requests", resource) or at(each, "resources", "limits", resource) or 0)
             for each in workload.containers]
    return " + ".join(each for each in asked if quantity(each)) or "more"


def unfitting(view: View) -> Iterator[Finding]:
    """A request no node could ever meet, also where no event tells of it."""
    for workload in view.workloads:
        if not any(pending(pod) for pod in workload.pods):
            continue
        for resource in ("cpu", "memory"):
            asked = sum(quantity(at(each, "resources", "requests", resource)) or 0.0 for each in workload.containers)
            room = [quantity(at(each, "status", "allocatable", resource)) or 0.0 for each in view.nodes()]
            if room and asked > max(room):
                yield found(f"insufficient_{resource}", workload.entity,
                            f"{workload.name} requests {_requested(workload, resource)} {resource}; no node has that much at all",
                            LIKELY, namespace=workload.namespace, refs=(workload.ref,))


RULES: tuple[Rule, ...] = (unplaced, unfitting)
