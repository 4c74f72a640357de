"""Filling a cluster's state and weighing it, over real HTTP."""

from __future__ import annotations

import pytest

from signals.kube.state import KINDS
from tests.signals.kube.shop import NOW
from tests.tools.cluster.shops import Held, ago, event, object_
from tools.cluster.asking import Asking
from tools.cluster.double import Fault
from tools.cluster.state import read_state


def _state(held: Held, namespace: str = "shop"):  # type: ignore[no-untyped-def] # a ClusterState
    held.load()
    asking = Asking(held.cluster, lambda: NOW)
    return read_state(asking, namespace), asking


def test_a_healthy_shop_is_nothing_found_and_says_what_it_looked_at(held: Held) -> None:
    result = held.call("diagnose", namespace="shop")

    assert (result.status, result.reason) == ("nothing_found", "no rule finds anything wrong in what could be read")
    assert any("looked at: 3 pods, 3 deployments" in note for note in result.notes)
    assert any(note.startswith("not looked at: requests") for note in result.notes)


def test_a_broken_selector_is_found_with_what_would_refute_it(held: Held) -> None:
    held.shop.service("cart")["spec"]["selector"] = {"app": "kart"}
    row = held.rows("diagnose", namespace="shop")[0]

    assert (row["cause"], row["entity"], row["namespace"]) == ("service_selector", "deployment cart", "shop")
    assert row["would be refuted by"].endswith("?")
    assert "kube:services/shop/cart" in row["rests on"]


def test_the_log_of_the_run_before_a_crash_is_read(held: Held) -> None:
    status = held.shop.pods("cart")[0]["status"]
    status["conditions"] = [{"type": "Ready", "status": "False"}]
    status["containerStatuses"][0] |= {"restartCount": 4, "ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                                       "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(30)}}}
    held.double.logs["shop", "cart-6c-x", "cart", True] = f"{ago(31)} allocating\n"
    state, _ = _state(held)

    assert {(log.pod, log.previous, log.lines) for log in state.logs if log.pod == "cart-6c-x"} >= {("cart-6c-x", True, (f"{ago(31)} allocating",))}
    assert held.rows("diagnose", namespace="shop")[0]["cause"] == "oom_killed"


def test_all_kinds_are_known_or_say_why_not(held: Held) -> None:
    state, _ = _state(held)

    assert {kind for kind in KINDS if not state.knows(kind)} == set()
    assert {part for part, _ in state.unknown()} == {"usage", "requests", "node_services", "connectivity", "calls"}


def test_a_forbidden_kind_is_not_empty_but_not_assessed(held: Held) -> None:
    held.double.allowed = {("*", resource, "*") for resource in ("pods", "pods/log", "deployments.apps", "replicasets.apps", "events", "nodes")}
    state, _ = _state(held)
    result = held.call("diagnose", namespace="shop")

    assert state.knows("pods")
    assert not state.knows("secrets")
    assert "may not list services in shop" in state.not_assessed["services"]
    assert result.status == "not_assessed"
    assert "nothing was found in what could be read, and not all could be" in str(result.reason)


def test_findings_survive_what_could_not_be_read(held: Held) -> None:
    held.shop.objects["events"].append(event("FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu.", name="cart-6c-x"))
    held.shop.pods("cart")[0]["status"] = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
    held.shop.pods("cart")[0]["spec"].pop("nodeName")
    held.double.allowed = {("*", resource, "*") for resource in ("pods", "pods/log", "deployments.apps", "replicasets.apps", "events", "nodes")}
    result = held.call("diagnose", namespace="shop")

    assert result.status == "found"
    assert "insufficient_cpu" in str(result.found)
    assert any("may not list secrets" in note for note in result.notes)


@pytest.mark.parametrize("how", ["html", "truncated", "error", "cut"])
def test_one_broken_list_leaves_the_findings_of_the_others(held: Held, how: str) -> None:
    status = held.shop.pods("cart")[0]["status"]
    status |= {"conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [{"name": "cart", "ready": False, "restartCount": 0, "state": {
        "waiting": {"reason": "ImagePullBackOff", "message": "rpc error: code = NotFound desc = failed to resolve reference: not found"}}}]}
    held.double.faults.append(Fault("/services", how))  # type: ignore[arg-type]
    result = held.call("diagnose", namespace="shop")

    assert result.status == "found"
    assert "image_reference" in str(result.found)
    assert any(note.startswith("not assessed") for note in result.notes)


def test_half_a_list_is_no_ground_for_absence(held: Held) -> None:
    for number in range(600):
        held.double.objects.put(object_("Secret", f"s{number:03d}", data={"k": "eA=="}))
    held.double.faults.append(Fault("/secrets.*continue=", "error"))
    state, _ = _state(held)

    assert len(state.of("secrets")) == 500
    assert not state.knows("secrets")


def test_secrets_have_names_and_keys_only_and_configmaps_in_use_their_values(held: Held) -> None:
    held.shop.container("cart")["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    written = {"manager": "kubectl", "time": ago(900), "fieldsV1": {"f:data": {"f:HOST": {}}}}
    for name in ("settings", "unused"):
        held.double.objects.put(object_("ConfigMap", name, about={"managedFields": [written]}, data={"HOST": "db", "DB_PASSWORD": "hunter2-secret"}))
    state, _ = _state(held)
    maps = {each["metadata"]["name"]: each["data"] for each in state.of("configmaps")}

    assert maps == {"settings": {"HOST": "db", "DB_PASSWORD": "[REDACTED:attribute]"}, "unused": {"HOST": ""}}


def test_the_pods_of_the_system_are_looked_at_beside_one_namespace(held: Held) -> None:
    held.double.objects.put(object_("Pod", "coredns-1", "kube-system", status={"phase": "Running"}))
    held.double.objects.put(object_("Pod", "other", "bank", status={"phase": "Running"}))
    held.double.objects.put(object_("Lease", "n1", "kube-node-lease", spec={}))
    state, _ = _state(held)

    assert {each["metadata"]["namespace"] for each in state.of("pods")} == {"shop", "kube-system"}
    assert len(state.of("leases")) == 1


def test_without_any_permission_all_is_not_assessed(held: Held) -> None:
    held.double.allowed = set()

    assert held.call("diagnose").status == "not_assessed"


def test_nobody_there_is_said_once(held: Held) -> None:
    held.load()
    held.double.__exit__()
    result = held.call("diagnose")

    assert result.status == "not_assessed"
    assert str(result.reason).count("cannot connect") == 1


@pytest.mark.parametrize("namespace", ["shopp", "nowhere"])
def test_a_namespace_that_does_not_exist_is_not_healthy(held: Held, namespace: str) -> None:
    assert f"there is no namespace {namespace}" in str(held.call("diagnose", namespace=namespace).reason)


def test_a_large_cluster_is_read_in_time(held: Held) -> None:
    for number in range(2000):
        held.double.objects.put(object_("Pod", f"p{number}", "big", spec={"containers": [{"name": "c", "env": [{"name": f"E{i}", "value": "x"} for i in range(10)]}]},
                                        status={"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}))
    result = held.call("diagnose")

    assert result.status == "nothing_found"
    assert result.seconds < 60
