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

from signals.kube.finding import LIKELY, STATED, Finding, Rule, found
from signals.kube.shifts import Rise, mean_from, rises
from signals.kube.state import at, name_of
from signals.kube.view import View, Workload
from signals.observed import Entity

SLOW_RATIO, SLOW_SECONDS = 3.0, 0.03
"""A latency counts as risen from three times the baseline and 30 ms more: above the jitter of local networks."""
CPU_RATIO, CPU_CORES, THROTTLED = 1.5, 0.02, 0.1
LOST = 0.03
"""Share of packets sent again from which a network loses rather than delays; a delay alone causes a few by timers that fire."""
SHARE = 0.2
"""From this share of slow calls on, the upper percentiles that are measured (90th to 99th) are slow."""
ANSWERING = 0.7
"""A service that answers over a slow line is measured slow by a mesh, which waits until the answer is out, and not by
its own spans."""
OFTEN = 4.0
"""A caller may call a slow service a few times for one request of its own."""
_LEAST, _MOST = 0.05, 0.95


def cpu(view: View) -> Iterator[Finding]:
    """Workloads that use far more CPU than before, or are throttled."""
    used, throttled = rises(view.state.requests or (), "cpu"), rises(view.state.requests or (), "throttled")
    for workload in view.workloads:
        more, held = _of(used, workload), _of(throttled, workload)
        if more is None or more.amount < CPU_CORES or more.ratio < CPU_RATIO or more.amount < 4 * more.spread:
            continue
        share = held.amount if held else 0.0
        limit = ", ".join(str(at(each, "resources", "limits", "cpu")) for each in workload.containers if at(each, "resources", "limits", "cpu"))
        if share >= THROTTLED and more.ratio >= 2 or more.ratio >= 4 and more.amount >= 0.05:
            yield found("pod_cpu", workload.entity,
                        f"{workload.name} uses {more.during:.3f} cores instead of {more.before:.3f} (limit {limit or 'none'})"
                        + (f", throttled {held.during:.2f} instead of {held.before:.2f}" if held else ""),
                        LIKELY + min(math.log(max(more.ratio, 1.0)), 3.0) * 0.5 + (1.0 if share >= THROTTLED else 0.0),
                        namespace=workload.namespace, refs=(f"series:service/{workload.name}/cpu",), at=more.at)


def _of(rises_: Mapping[Entity, Rise], workload: Workload) -> Rise | None:
    return next((rises_[each] for each in (Entity("service", workload.name), Entity("pod", workload.name), workload.entity)
                 if each in rises_), None)


def network(view: View) -> Iterator[Finding]:
    """The pod or node whose delay explains which services are slow."""
    latency = {workload.name: own for workload in view.workloads if (own := _of(rises(view.state.requests or (), "latency"), workload))}
    slow = {name: _weight(each) for name, each in latency.items() if each.ratio >= SLOW_RATIO and each.amount >= SLOW_SECONDS}
    if not slow:
        return
    busy = frozenset(name for name, each in latency.items() if each.before > 0 or each.during > 0)
    traffic = Traffic.of(view, busy)
    scored = sorted(((fit(expected, slow, busy) + _own(view, entity, {each: latency[each].amount for each in slow}), entity.kind == "node",
                      entity.name, entity) for entity, expected in traffic.culprits(view)), key=lambda each: (-each[0], each[1], each[2]))
    told = ", ".join(f"{name} {latency[name].before * 1000:.0f} → {latency[name].during * 1000:.0f} ms"
                     for name in sorted(slow, key=lambda each: -slow[each])[:6])
    best, begin = scored[0][0], min((latency[each].at for each in slow), default=None)
    for likelihood, _, _, entity in scored[:3]:
        lost = lost_share(view, entity.name) if entity.kind == "node" else 0.0
        cause = "pod_network_delay" if entity.kind != "node" else "node_packet_loss" if lost >= LOST else "node_network_delay"
        yield found(cause, entity, f"a disturbed network at {entity.name} would explain best what is slow and what is not ({told})"
                    + (f"; {lost:.1%} of its packets are sent again" if lost >= LOST else ""),
                    LIKELY + 0.5 + max(likelihood - best, -3.0) * 0.5, at=begin,
                    namespace=view.namespace or "", refs=tuple(f"series:service/{each}/latency" for each in sorted(slow)[:6]))


def _weight(each: Rise) -> float:
    """Slower services count more, by order of magnitude."""
    return min(1.0, max(0.3, math.log10(max(each.amount, SLOW_SECONDS) / SLOW_SECONDS) / 2))


def fit(expected: Mapping[str, float], slow: Mapping[str, float], busy: frozenset[str]) -> float:
    """Log-likelihood of what is slow and what is not, given how likely each is to be slow."""
    chance = {name: min(max(expected.get(name, 0.0), _LEAST), _MOST) for name in busy | slow.keys()}
    return sum(slow[name] * math.log(each) if name in slow else math.log(1 - each) for name, each in chance.items())


def _own(view: View, entity: Entity, amounts: Mapping[str, float]) -> float:
    """What speaks for the culprit itself: a caller waits as often as it calls, not ten times longer than the culprit is
    slow; packets to and from a slow node are sent again by timers."""
    if entity.kind == "node":
        again = _retransmitted(view, entity.name)
        return 0.3 * math.log1p(max(again.amount, 0.0)) if again else 0.0
    own = amounts.get(entity.name)
    if not own:
        return 0.0
    below = max((amounts[each] for each in view.calls.get(entity.name, frozenset()) if each in amounts), default=0.0)
    waits = 1.5 if own < 1.5 * below else 0.0  # it is hardly slower than what it waits for
    return -max(0.0, math.log(max(amounts.values()) / own / OFTEN)) - waits


def _retransmitted(view: View, node: str) -> Rise | None:
    about = Entity("node", node)
    return rises((each for each in view.state.requests or () if each.entity == about), "retransmi").get(about)


def lost_share(view: View, node: str) -> float:
    """Retransmitted segments of a node as a share of the packets that its pods send."""
    again = _retransmitted(view, node)
    homes = {workload.name for workload in view.workloads for pod in workload.pods if at(pod, "spec", "nodeName") == node}
    if again is None:
        return 0.0
    packets = sum(mean_from(each, again.at) for each in view.state.requests or ()
                  if each.metric == "network_transmit" and each.entity.name in homes)
    return max(again.amount, 0.0) / packets if packets else 0.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Who calls whom, and how much each is asked a second (1 when nobody counted)."""

    calls: Mapping[str, frozenset[str]]
    callers: Mapping[str, frozenset[str]]
    rate: Mapping[str, float]
    busy: frozenset[str]

    @classmethod
    def of(cls, view: View, busy: frozenset[str]) -> Traffic:
        """From the state's calls and its request rates; callers without traffic do not count."""
        rates = rises(view.state.requests or (), "requests")
        calls = {each.name: view.calls.get(each.name, frozenset()) for each in view.workloads}
        callers = {each.name: frozenset(other for other, callees in calls.items() if each.name in callees and other in busy) for each in view.workloads}
        rate = {each.name: own.before for each in view.workloads if (own := _of(rates, each)) and own.before > 0}
        return cls(calls, callers, rate, busy)

    def culprits(self, view: View) -> Iterator[tuple[Entity, Mapping[str, float]]]:
        """Each pod and node with how likely its delay makes each service slow."""
        for workload in view.workloads:
            if workload.name in self.busy or self.callers.get(workload.name):
                name = workload.name
                edges = {(caller, name) for caller in self.callers.get(name, ())} | {(name, each) for each in self.calls.get(name, ())}
                yield workload.entity, self._expected(edges, {name} if name in self.busy else set())
        homes = {each.name: {str(at(pod, "spec", "nodeName")) for pod in each.pods} for each in view.workloads}
        for node in view.nodes():
            inside = {name for name, on in homes.items() if on == {name_of(node)}}
            crossing = {(a, b) for a, callees in self.calls.items() for b in callees if (a in inside) != (b in inside)}
            if inside:
                yield Entity("node", name_of(node)), self._expected(crossing, set())

    def _expected(self, edges: set[tuple[str, str]], own: set[str]) -> Mapping[str, float]:
        """Slow for sure: whose calls mostly come over a slow edge, and who waits on one; those above them less so."""
        chance = dict.fromkeys(own, 1.0)
        for callee in {b for _, b in edges}:
            share = self._share(callee, {a for a, b in edges if b == callee})
            chance[callee] = max(chance.get(callee, 0.0), ANSWERING * min(1.0, share / SHARE))
        todo = [(a, b) for a, b in edges if a in self.busy]
        seen: set[tuple[str, str]] = set()
        while todo:
            caller, callee = todo.pop()
            if (caller, callee) in seen:
                continue
            seen.add((caller, callee))
            reached = chance.get(callee, 0.0) if (caller, callee) not in edges else 1.0
            often = min(1.0, max(0.5, self.rate.get(callee, 1.0) / self.rate.get(caller, 1.0)))
            if reached * often > chance.get(caller, 0.0):
                chance[caller] = reached * often
            todo += [(above, caller) for above in self.callers.get(caller, ())]
        return chance

    def _share(self, callee: str, through: set[str]) -> float:
        """The share of its calls that come from these callers, by how busy they are."""
        weight = {each: self.rate.get(each, 1.0) for each in self.callers.get(callee, frozenset())}
        total = sum(weight.values())
        return sum(value for each, value in weight.items() if each in through) / total if total else 0.0


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
