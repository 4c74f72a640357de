"""Slow, though everything runs: CPU used up, or a network that delays.

CPU: a container at its limit is throttled by the kernel's CFS quota, which shows as throttled periods
(kubernetes.io/docs/concepts/configuration/manage-resources-containers#how-pods-with-resource-limits-are-run).
Network: a delay on a pod's interface slows each call over it, so the pod's own answers, those who wait for them, and the
answers of those it calls; a delay on a node's interface slows each call that crosses the node's border. Every pod and node
is tried as the culprit, and the one whose pattern of slow and unaffected services fits best is named. Loss on a node shows
in addition as TCP retransmissions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from signals.kube.finding import LIKELY, POSSIBLE, STATED, Finding, Rule, found
from signals.kube.shifts import Rise, rises
from signals.kube.state import at, name_of
from signals.kube.view import View, Workload
from signals.observed import Entity

SLOW_RATIO, SLOW_SECONDS = 3.0, 0.03
"""A latency counts as risen from three times the baseline and 30 ms more: above the jitter of local networks."""
CPU_RATIO, CPU_CORES, THROTTLED = 1.5, 0.02, 0.1
RETRANSMITTED = 1.0
"""Segments per second more than before."""
_SURE, _MAYBE = 1.0, 0.5


def cpu(view: View) -> Iterator[Finding]:
    """Workloads that use far more CPU than before, or are throttled."""
    used, throttled = rises(view.state.requests or (), "cpu"), rises(view.state.requests or (), "throttled")
    for workload in view.workloads:
        more, held = _of(used, workload), _of(throttled, workload)
        if more is None or more.amount < CPU_CORES or more.ratio < CPU_RATIO or more.amount < 4 * more.spread:
            continue
        share = held.amount if held else 0.0
        limit = ", ".join(str(at(each, "resources", "limits", "cpu")) for each in workload.containers if at(each, "resources", "limits", "cpu"))
        if share >= THROTTLED or more.ratio >= 4 and more.amount >= 0.05:
            yield found("pod_cpu", workload.entity,
                        f"{workload.name} uses {more.during:.3f} cores instead of {more.before:.3f} (limit {limit or 'none'})"
                        + (f", throttled {held.during:.2f} instead of {held.before:.2f}" if held else ""),
                        LIKELY + min(math.log(max(more.ratio, 1.0)), 3.0) * 0.5 + (1.0 if share >= THROTTLED else 0.0),
                        namespace=workload.namespace, refs=(f"series:service/{workload.name}/cpu",), at=more.at)


def _of(rises_: Mapping[Entity, Rise], workload: Workload) -> Rise | None:
    return next((rises_[each] for each in (Entity("service", workload.name), Entity("pod", workload.name), workload.entity)
                 if each in rises_), None)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What a culprit would slow: surely and maybe."""

    surely: frozenset[str]
    maybe: frozenset[str]


def network(view: View) -> Iterator[Finding]:
    """The pod or node whose delay explains which services are slow."""
    latency = {workload.name: own for workload in view.workloads if (own := _of(rises(view.state.requests or (), "latency"), workload))}
    slow = {name: _weight(each) for name, each in latency.items() if each.ratio >= SLOW_RATIO and each.amount >= SLOW_SECONDS}
    if not slow:
        return
    busy = frozenset(name for name, each in latency.items() if each.before > 0 or each.during > 0)
    scored = sorted(((score(pattern, slow, busy), entity.kind == "node", entity.name, entity) for entity, pattern in _patterns(view, busy)),
                    key=lambda each: (-each[0], each[1], each[2]))
    lost = {entity.name: own for entity, own in rises(view.state.requests or (), "retransmi").items() if own.amount >= RETRANSMITTED}
    told = ", ".join(f"{name} {latency[name].before * 1000:.0f} → {latency[name].during * 1000:.0f} ms"
                     for name in sorted(slow, key=lambda each: -slow[each])[:6])
    for place, (fit, _, _, entity) in enumerate(scored[:3]):
        losing = entity.kind == "node" and entity.name in lost
        cause = "pod_network_delay" if entity.kind != "node" else "node_packet_loss" if losing else "node_network_delay"
        yield found(cause, entity, f"a delay at {entity.name} would explain {fit:.0%} of what is slow ({told})",
                    (LIKELY if place == 0 else POSSIBLE) + max(min(fit, 1.0), 0.0), at=min((latency[each].at for each in slow), default=None),
                    namespace=view.namespace or "", refs=tuple(f"series:service/{each}/latency" for each in sorted(slow)[:6]))
    for name, own in lost.items():
        yield found("node_packet_loss", Entity("node", name),
                    f"TCP retransmissions of {name} rose from {own.before:.2f} to {own.during:.2f} a second while services are slow ({told})",
                    LIKELY + 0.5, refs=(f"series:node/{name}/retransmissions",), at=own.at)


def _weight(each: Rise) -> float:
    """Slower services count more, by order of magnitude."""
    return min(1.0, max(0.3, math.log10(max(each.amount, SLOW_SECONDS) / SLOW_SECONDS) / 2))


def score(pattern: _Pattern, slow: Mapping[str, float], busy: frozenset[str]) -> float:
    """Share of the slowness explained, less what should be slow and is not; 1 is a perfect fit."""
    total = sum(slow.values())
    explained = sum(weight * (1.0 if name in pattern.surely else 0.8) for name, weight in slow.items()
                    if name in pattern.surely | pattern.maybe)
    unexplained = sum(weight for name, weight in slow.items() if name not in pattern.surely | pattern.maybe)
    absent = 0.6 * len((pattern.surely & busy) - slow.keys()) + 0.15 * len((pattern.maybe & busy) - slow.keys())
    return (explained - unexplained) / total - absent / max(len(slow), 2)


def _patterns(view: View, busy: frozenset[str]) -> Iterator[tuple[Entity, _Pattern]]:
    calls = {each.name: view.calls.get(each.name, frozenset()) for each in view.workloads}
    callers: dict[str, set[str]] = {}
    for caller, callees in calls.items():
        for callee in callees:
            callers.setdefault(callee, set()).add(caller)
    for workload in view.workloads:
        if workload.name in busy or calls.get(workload.name) or callers.get(workload.name):
            yield workload.entity, _of_pod(workload.name, calls, callers, busy)
    homes = {each.name: {str(at(pod, "spec", "nodeName")) for pod in each.pods} for each in view.workloads}
    for node in view.nodes():
        inside = frozenset(name for name, on in homes.items() if on == {name_of(node)})
        if inside:
            yield Entity("node", name_of(node)), _of_node(inside, calls, callers)


def _of_pod(name: str, calls: Mapping[str, frozenset[str]], callers: Mapping[str, set[str]], busy: frozenset[str]) -> _Pattern:
    above = _above({name}, callers)
    below = calls.get(name, frozenset())
    only = frozenset(each for each in below if callers.get(each, set()) & busy <= {name})
    surely = frozenset({name}) | frozenset(callers.get(name, set())) if name in busy else frozenset(callers.get(name, set()))
    return _Pattern(surely | (only if below else frozenset()), frozenset(above) | below)


def _of_node(inside: frozenset[str], calls: Mapping[str, frozenset[str]], callers: Mapping[str, set[str]]) -> _Pattern:
    """A call crosses the border when one end is inside."""
    crossing = {(a, b) for a, callees in calls.items() for b in callees if (a in inside) != (b in inside)}
    touched = {each for edge in crossing for each in edge}
    all_in = frozenset(b for _, b in crossing if all((a, b) in crossing for a in callers.get(b, set())))
    from_in = frozenset(a for a, b in crossing if a in inside)
    return _Pattern(all_in | from_in, frozenset(touched) | frozenset(_above(touched, callers)))


def _above(names: set[str], callers: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(names)
    while todo:
        for each in callers.get(todo.pop(), set()) - seen:
            seen.add(each)
            todo.append(each)
    return seen


def usage(view: View) -> Iterator[Finding]:
    """Containers at their CPU limit by ``kubectl top``."""
    for each in view.state.usage or ():
        workload = next((w for w in view.workloads for pod in w.pods if name_of(pod) == each.name and w.namespace == each.namespace), None)
        if workload is None or each.kind == "node" or each.cpu is None:
            continue
        from signals.kube.quantities import quantity

        limit = sum(quantity(at(own, "resources", "limits", "cpu")) or 0.0 for own in workload.containers)
        if limit and each.cpu >= 0.95 * limit:
            yield found("pod_cpu", workload.entity, f"{workload.name} uses {each.cpu:.3f} of {limit:.3f} cores it may use",
                        STATED - 1.5, namespace=workload.namespace, refs=(f"kube:pods/{each.namespace}/{each.name}",))


RULES: tuple[Rule, ...] = (cpu, network, usage)
