"""Nodes, the control plane, CPU and the network."""

from __future__ import annotations

import numpy as np
import pytest

from signals.kube.clock import SECOND
from signals.kube.diagnose import signs
from signals.kube.shifts import rise
from signals.kube.state import Connectivity, NodeService, Usage
from signals.observed import Entity, Series
from tests.signals.kube.shop import NAMESPACE, NOW, Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize(("service", "node", "cause"), [
    ("kubelet", "n1", "kubelet_down"), ("containerd", "n1", "container_runtime_down"), ("kube-proxy", "n2", "kube_proxy_down"),
    ("kube-scheduler", "plane", "scheduler_down")])
def test_a_service_of_a_node_that_is_stopped(shop: Shop, service: str, node: str, cause: str) -> None:
    shop.node_services = [NodeService(each, service, "stopped" if each == node else "running", "Active: inactive (dead)") for each in ("plane", "n1", "n2")]

    assert shop.first() == (cause, "node", node)


@pytest.mark.parametrize(("status", "reason", "message", "cause"), [
    ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", "kubelet_down"),
    ("False", "KubeletNotReady", "[container runtime is down, PLEG is not healthy: pleg was last seen active 3m0s ago]", "container_runtime_down"),
    ("False", "KubeletNotReady", "container runtime network not ready: cni plugin not initialized", "node_not_ready")])
def test_what_a_node_said_last(shop: Shop, status: str, reason: str, message: str, cause: str) -> None:
    shop.objects["nodes"][1]["status"]["conditions"] = [{"type": "Ready", "status": status, "reason": reason, "message": message}]

    assert shop.first() == (cause, "node", "n1")


def test_a_lease_nobody_renews(shop: Shop) -> None:
    shop.objects["leases"] = [{"metadata": {"name": "n1", "namespace": "kube-node-lease"}, "spec": {"renewTime": "2025-12-31T23:50:00.000000Z"}}]

    assert shop.first() == ("kubelet_down", "node", "n1")


def test_a_node_under_pressure(shop: Shop) -> None:
    shop.objects["nodes"][1]["status"]["conditions"].append({"type": "DiskPressure", "status": "True", "message": "kubelet has disk pressure"})

    assert shop.first() == ("node_pressure", "node", "n1")


def test_a_runtime_that_does_not_answer_the_kubelet(shop: Shop) -> None:
    shop.event("Pod", "cart-6c-x", "FailedCreatePodSandBox",
               'rpc error: connection error: desc = "transport: dial unix /run/containerd/containerd.sock: connect: connection refused"')

    assert shop.first() == ("container_runtime_down", "node", "n1")


def test_pods_that_no_scheduler_looked_at(shop: Shop) -> None:
    shop.pend("cart")

    assert shop.first() == ("scheduler_down", "node", "plane")


def test_a_pod_that_the_scheduler_refused_has_a_scheduler(shop: Shop) -> None:
    shop.pend("cart", "0/3 nodes are available: 3 Insufficient cpu.")

    assert "scheduler_down" not in {each.cause for each in shop.findings()}


def test_the_pod_of_kube_proxy_that_crashes(shop: Shop) -> None:
    shop.objects["pods"].append({"metadata": {"name": "kube-proxy-abcde", "namespace": "kube-system", "labels": {"app": "kube-proxy"}},
                                 "spec": {"nodeName": "n2"}, "status": {"phase": "Running", "containerStatuses": [
                                     {"name": "kube-proxy", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}})

    assert shop.first() == ("kube_proxy_down", "node", "n2")


def test_services_that_answer_from_every_node_but_one(shop: Shop) -> None:
    shop.connectivity = [Connectivity(target, 80, "failed" if node == "n2" else "connected", "", NAMESPACE, node)
                         for target in ("web", "cart", "db") for node in ("plane", "n1", "n2")]

    assert ("kube_proxy_down", "n2") in {(each.cause, each.entity.name) for each in shop.findings()}


def series(name: str, metric: str, before: float, during: float, kind: str = "service") -> Series:
    """Sixty points, five seconds apart; the last third differs."""
    times = np.arange(60, dtype=np.int64) * 5 * SECOND + NOW - 300 * SECOND
    return Series(Entity(kind, name), metric, times, np.where(np.arange(60) < 40, before, during).astype(np.float64))  # type: ignore[arg-type]


def busy(shop: Shop, **latency: tuple[float, float]) -> None:
    """Traffic for everyone, and latencies before and during."""
    for name in ("web", "cart", "db"):
        shop.requests += [series(name, "requests", 20, 20), series(name, "cpu", 0.05, 0.04), series(name, "network_transmit", 50, 40),
                          series(name, "latency_p90", *latency.get(name, (0.01, 0.011)))]


def test_a_rise_is_measured_against_what_came_before() -> None:
    found = rise(series("web", "cpu", 0.1, 0.4))

    assert found is not None
    assert (found.before, found.during, found.ratio) == (0.1, 0.4, 4.0)
    assert found.at == NOW - 300 * SECOND + 40 * 5 * SECOND


def test_one_outlier_is_no_rise() -> None:
    spike = series("web", "cpu", 0.1, 0.1)
    spike.values[50] = 9.0
    found = rise(spike)

    assert found is not None
    assert found.ratio == 1.0


def test_cpu_used_up_and_throttled(shop: Shop) -> None:
    busy(shop, cart=(0.01, 0.3), web=(0.02, 0.32))
    shop.requests = [each for each in shop.requests if not (each.entity.name == "cart" and each.metric == "cpu")]
    shop.requests += [series("cart", "cpu", 0.03, 0.19), series("cart", "throttled", 0.0, 0.6)]

    assert shop.first() == ("pod_cpu", "deployment", "cart")


def test_a_pod_at_its_limit_by_kubectl_top(shop: Shop) -> None:
    from dataclasses import replace

    from signals.kube.diagnose import diagnose

    state = replace(shop.state(), usage=(Usage("pod", "cart-6c-x", cpu=0.2, namespace=NAMESPACE),))

    assert diagnose(state, now=NOW, namespace=NAMESPACE)[0].cause == "pod_cpu"


def test_a_slow_network_of_one_pod_is_told_from_its_victims(shop: Shop) -> None:
    busy(shop, cart=(0.01, 1.2), web=(0.02, 1.3))

    assert shop.first() == ("pod_network_delay", "deployment", "cart")


def on_nodes(shop: Shop) -> None:
    """Eight services: a, b, c, h on n1 call d, e, f on n2, and one another; d calls g beside it."""
    shop.objects["pods"], shop.objects["deployments"], shop.objects["services"] = [], [], []
    for name, callees in {"a": "bdh", "b": "ce", "c": "f", "d": "g", "e": "f", "f": "", "g": "", "h": ""}.items():
        shop.add(name, 80, {f"{each.upper()}_ADDR": f"{each}:80" for each in callees})
        for each in shop.pods(name):
            each["spec"]["nodeName"] = "n1" if name in "abch" else "n2"


def test_a_slow_network_of_a_node_slows_what_crosses_its_border(shop: Shop) -> None:
    on_nodes(shop)
    slow = {"a": 2.0, "b": 2.0, "c": 2.0, "d": 1.0, "e": 0.9, "f": 0.9, "g": 0.01, "h": 0.01}
    for name in "abcdefgh":
        shop.requests += [series(name, "requests", 20, 20), series(name, "latency_p90", 0.01, slow[name]), series(name, "network_transmit", 50, 20)]
    shop.requests += [series("n2", "retransmissions", 0.0, 0.4, "node")]

    assert shop.first() == ("node_network_delay", "node", "n2")


def test_packets_sent_again_tell_loss_from_delay(shop: Shop) -> None:
    on_nodes(shop)
    slow = {"a": 2.0, "b": 2.0, "c": 2.0, "d": 1.0, "e": 0.9, "f": 0.9, "g": 0.01, "h": 0.01}
    for name in "abcdefgh":
        shop.requests += [series(name, "requests", 20, 20), series(name, "latency_p90", 0.01, slow[name]), series(name, "network_transmit", 50, 20)]
    shop.requests += [series("n2", "retransmissions", 0.0, 9.0, "node")]

    assert shop.first() == ("node_packet_loss", "node", "n2")


def test_steady_services_have_no_finding(shop: Shop) -> None:
    busy(shop)

    assert shop.findings() == []


def test_findings_become_signs(shop: Shop) -> None:
    shop.node_services = [NodeService("n1", "kubelet", "failed", "Active: failed")]
    sign = signs(shop.findings())[0]

    assert (sign.kind, sign.entity, sign.aspect) == ("kube", Entity("node", "n1"), "kubelet_down")
    assert sign.refs == ("kube:nodes/n1",)
