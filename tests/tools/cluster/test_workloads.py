"""Rollouts, usage, quotas and probes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.cluster.shops import Held, ago, event, object_

Json = dict[str, Any]


def _revision(held: Held, number: int, seconds: int, **container: Any) -> None:
    template = {"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"name": "cart", **container}]}}
    held.shop.objects["replicasets"].append({
        "metadata": {"name": f"cart-r{number}", "namespace": "shop", "creationTimestamp": ago(seconds), "annotations": {"deployment.kubernetes.io/revision": str(number)},
                     "ownerReferences": [{"kind": "Deployment", "name": "cart"}]}, "spec": {"template": template}, "status": {"replicas": number - 1}})


def test_revisions_come_newest_first_with_what_changed(held: Held) -> None:
    _revision(held, 1, 900, image="cart:1", env=[{"name": "DB_HOST", "value": "db"}])
    _revision(held, 2, 300, image="cart:2", env=[{"name": "DB_HOST", "value": "dbb"}])
    first, second = held.rows("rollout_history", name="cart", namespace="shop")

    assert (first["revision"], first["rolled out"], first["pods"], second["pods"]) == (2, ago(300), 1, 0)
    assert first["changed from the revision before"] == "spec.containers.cart.image: cart:1 → cart:2; spec.containers.cart.env.DB_HOST: db → dbb"


def test_a_changed_secret_value_is_not_shown_and_said_so(held: Held) -> None:
    _revision(held, 1, 900, image="cart:1", env=[{"name": "API_KEY", "value": "first-s3cret"}])
    _revision(held, 2, 300, image="cart:1", env=[{"name": "API_KEY", "value": "second-s3cret"}])
    row = held.rows("rollout_history", name="cart", namespace="shop")[0]

    assert row["changed from the revision before"] == "nothing that is shown: values of secrets are not compared"


def test_what_stands_in_the_way_of_a_rollout_is_noted(held: Held) -> None:
    _revision(held, 1, 900, image="cart:1")
    held.shop.deployment("cart")["status"] = {"conditions": [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "has timed out"}, {"type": "Available", "status": "True"}]}
    result = held.call("rollout_history", name="cart", namespace="shop")

    assert "ProgressDeadlineExceeded: has timed out" in result.notes[0]


def test_a_workload_that_is_not_there_failed_with_what_to_do(held: Held) -> None:
    result = held.call("rollout_history", name="karts", namespace="shop")

    assert (result.status, "there is no Deployment karts in shop" in str(result.error)) == ("failed", True)


def test_without_a_metrics_server_usage_is_not_assessed(held: Held) -> None:
    result = held.call("top")

    assert result.status == "not_assessed"
    assert "metrics-server is not installed" in str(result.reason)


def test_a_metrics_server_that_is_down_is_not_assessed(held: Held) -> None:
    from tools.cluster.double import Fault

    held.double.faults.append(Fault("metrics.k8s.io", "status", code=503, text="service unavailable"))

    assert held.call("top").status == "not_assessed"


def test_pods_by_memory_beside_their_limits(held: Held) -> None:
    held.double.usage["pods"] = [
        {"metadata": {"name": "cart-6c-x", "namespace": "shop"}, "containers": [{"name": "cart", "usage": {"cpu": "150m", "memory": "120Mi"}}]},
        {"metadata": {"name": "web-6c-x", "namespace": "shop"}, "containers": [{"name": "web", "usage": {"cpu": "1500000n", "memory": "12Mi"}}]}]
    first, second = held.rows("top", by="memory", namespace="shop")

    assert (first["pod"], first["cpu cores"], first["memory MiB"], first["of memory limit"]) == ("cart-6c-x", 0.15, 120.0, "94%")
    assert (second["cpu cores"], second["memory limit MiB"]) == (0.002, 128.0)


def test_nodes_beside_what_they_have(held: Held) -> None:
    held.double.usage["nodes"] = [{"metadata": {"name": "n1"}, "usage": {"cpu": "2", "memory": "1Gi"}}]
    held.shop.objects["nodes"][1]["status"]["allocatable"] = {"cpu": "4", "memory": "4Gi"}

    assert [(row["cpu used"], row["memory used"]) for row in held.rows("top", kind="nodes")] == [("50%", "25%")]


def test_the_fullest_quota_comes_first(held: Held) -> None:
    for name, used in (("small", "1"), ("tight", "10")):
        held.double.objects.put(object_("ResourceQuota", name, status={"hard": {"pods": "10", "requests.memory": "1Gi"}, "used": {"pods": used, "requests.memory": "512Mi"}}))
    held.double.objects.put(object_("LimitRange", "defaults", spec={"limits": [{"type": "Container", "default": {"cpu": "1"}}]}))
    found = held.rows("quotas", namespace="shop")

    assert [(row["quota"], row["resource"], row["share"], row["full"]) for row in found][:2] == [("tight", "pods", 1.0, "full"), ("small", "requests.memory", 0.5, "")]
    assert any("limit range shop/defaults" in note for note in held.call("quotas").notes)


def test_no_quota_is_nothing_found(held: Held) -> None:
    assert held.call("quotas").status == "nothing_found"


def _probe(held: Held, **probes: Json) -> None:
    held.shop.container("cart").update({f"{kind}Probe": probe for kind, probe in probes.items()})


def test_a_probe_is_told_with_its_failures(held: Held) -> None:
    _probe(held, readiness={"httpGet": {"path": "/ready", "port": 7070}, "periodSeconds": 5})
    held.shop.objects["events"].append(event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", involvedObject={
        "kind": "Pod", "name": "cart-6c-x", "namespace": "shop", "fieldPath": "spec.containers{cart}"}))
    row = held.rows("probes", name="cart")[0]

    assert (row["probe"], row["asks"], row["every s"], row["failures lately"]) == ("readiness", "http GET /ready on port 7070", 5, 3)
    assert "statuscode: 503" in row["last failure"]
    assert row["wrong"] == ""


@pytest.mark.parametrize(("probe", "wrong"), [
    ({"httpGet": {"port": 9999}}, "port 9999 is none that the container declares (7070)"),
    ({"tcpSocket": {"port": "grpc"}}, "the container has no port named grpc"),
    ({"grpc": {"port": 7070}, "timeoutSeconds": 30}, "it may take longer (30 s) than the time to the next (10 s)"),
    ({"exec": {"command": ["true"]}, "periodSeconds": 2}, "a start that takes 6 s ends in a restart"),
])
def test_what_cannot_succeed_is_told(held: Held, probe: Json, wrong: str) -> None:
    _probe(held, liveness=probe)

    assert wrong in held.rows("probes", name="cart")[0]["wrong"]


def test_workloads_without_a_readiness_probe_are_noted(held: Held) -> None:
    _probe(held, liveness={"tcpSocket": {"port": 7070}})

    assert any("no readiness probe" in note and "cart, db, web" in note for note in held.call("probes").notes)
