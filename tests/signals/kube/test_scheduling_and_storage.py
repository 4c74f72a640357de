"""Pods without a node and claims without a volume, in the scheduler's and the volume controller's words."""

from __future__ import annotations

import pytest

from signals.kube.rules.scheduling import reasons
from tests.signals.kube.shop import NAMESPACE, Shop, named

PLANE = "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"
PREEMPTION = "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_healthy_shop_has_nothing_to_say(shop: Shop) -> None:
    assert shop.findings() == []


def test_reasons_are_counted_per_node_and_preemption_is_no_reason() -> None:
    said = reasons(f"0/3 nodes are available: {PLANE}, 2 Insufficient cpu. {PREEMPTION}")

    assert said == {"taint": 1, "insufficient_cpu": 2}


def test_a_taint_with_commas_in_its_value_is_one_reason() -> None:
    assert reasons("0/2 nodes are available: 2 node(s) had untolerated taint {a: b, c}.") == {"taint": 2}


@pytest.mark.parametrize(("resource", "asked", "cause"), [("cpu", "64", "insufficient_cpu"), ("memory", "900Gi", "insufficient_memory")])
def test_a_request_no_node_has_room_for(shop: Shop, resource: str, asked: str, cause: str) -> None:
    shop.container("cart")["resources"]["requests"][resource] = asked
    shop.pend("cart", f"0/3 nodes are available: {PLANE}, 2 Insufficient {resource}. {PREEMPTION}")

    assert shop.first() == (cause, "deployment", "cart")
    assert asked in shop.findings()[0].statement


def test_a_request_beyond_every_node_is_told_without_any_event(shop: Shop) -> None:
    shop.container("cart")["resources"]["requests"]["memory"] = "900Gi"
    shop.pend("cart")

    assert ("insufficient_memory", "cart") in {(each.cause, each.entity.name) for each in shop.findings()}


def test_a_node_selector_no_node_carries(shop: Shop) -> None:
    shop.template("cart")["nodeSelector"] = {"disk": "nvme"}
    shop.pend("cart", f"0/3 nodes are available: {PLANE}, 2 node(s) didn't match Pod's node affinity/selector. {PREEMPTION}")

    assert shop.first() == ("node_selector", "deployment", "cart")


def test_a_required_affinity_no_node_meets(shop: Shop) -> None:
    shop.template("cart")["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["c"]}]}]}}}
    shop.pend("cart", f"0/3 nodes are available: {PLANE}, 2 node(s) didn't match Pod's node affinity/selector. {PREEMPTION}")

    assert shop.first() == ("node_affinity", "deployment", "cart")


def test_a_selector_for_a_cordoned_node_is_the_cordon(shop: Shop) -> None:
    shop.template("cart")["nodeSelector"] = {"kubernetes.io/hostname": "n1"}
    shop.objects["nodes"][1]["spec"]["unschedulable"] = True
    shop.pend("cart", f"0/3 nodes are available: 1 node(s) were unschedulable, {PLANE}, 1 node(s) didn't match Pod's node affinity/selector.")

    assert shop.first() == ("node_cordoned", "deployment", "cart")


def test_a_cordoned_control_plane_is_not_why_a_pod_does_not_fit(shop: Shop) -> None:
    shop.objects["nodes"][0]["spec"]["unschedulable"] = True
    shop.pend("cart", "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient memory.")

    assert shop.first() == ("insufficient_memory", "deployment", "cart")


def test_all_workers_cordoned(shop: Shop) -> None:
    for each in shop.objects["nodes"]:
        each["spec"]["unschedulable"] = True
    shop.pend("cart", "0/3 nodes are available: 3 node(s) were unschedulable.")

    assert shop.first() == ("node_cordoned", "deployment", "cart")


def test_taints_nobody_tolerates(shop: Shop) -> None:
    for each in shop.objects["nodes"][1:]:
        each["spec"]["taints"] = [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]
    shop.pend("cart", f"0/3 nodes are available: {PLANE}, 2 node(s) had untolerated taint {{gpu: yes}}.")

    assert shop.first() == ("taint", "deployment", "cart")
    assert "gpu=yes:NoSchedule" in shop.findings()[0].statement


@pytest.mark.parametrize(("words", "cause"), [
    ("didn't match pod anti-affinity rules", "pod_anti_affinity"), ("didn't satisfy existing pods anti-affinity rules", "pod_anti_affinity"),
    ("didn't match pod affinity rules", "pod_affinity"), ("didn't match pod topology spread constraints", "topology_spread"),
    ("didn't have free ports for the requested pod ports", "host_port")])
def test_rules_between_pods(shop: Shop, words: str, cause: str) -> None:
    shop.pend("cart", f"0/3 nodes are available: {PLANE}, 2 node(s) {words}. {PREEMPTION}")

    assert shop.first() == (cause, "deployment", "cart")


def test_a_node_with_too_many_pods(shop: Shop) -> None:
    shop.pend("cart", f"0/3 nodes are available: {PLANE}, 2 Too many pods.")

    assert shop.first() == ("insufficient_other", "deployment", "cart")


def test_a_claim_that_does_not_exist(shop: Shop) -> None:
    shop.pend("db", '0/3 nodes are available: persistentvolumeclaim "data" not found.')

    assert shop.first() == ("pvc_missing", "deployment", "db")


def claimed(shop: Shop, **claim: object) -> None:
    """The database mounts a pending claim; there is one volume of 1 GiB."""
    shop.template("db")["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    spec = {"storageClassName": "", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **claim}
    shop.objects["persistentvolumeclaims"].append({**named("PersistentVolumeClaim", "data"), "spec": spec, "status": {"phase": "Pending"}})
    shop.objects["persistentvolumes"].append({"metadata": {"name": "pv", "labels": {"disk": "hdd"}}, "status": {"phase": "Available"}, "spec": {
        "storageClassName": "", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}})
    shop.event("PersistentVolumeClaim", "data", "FailedBinding", "no persistent volumes available for this claim and no storage class is set", normal=True)
    shop.pend("db", f"0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. {PREEMPTION}")


@pytest.mark.parametrize(("claim", "cause"), [
    ({"accessModes": ["ReadWriteMany"]}, "pvc_access_mode"), ({"resources": {"requests": {"storage": "20Gi"}}}, "pvc_capacity"),
    ({"selector": {"matchLabels": {"disk": "ssd"}}}, "pvc_selector"), ({"storageClassName": "fast"}, "pvc_storage_class")])
def test_the_condition_a_claim_fails(shop: Shop, claim: dict[str, object], cause: str) -> None:
    claimed(shop, **claim)

    assert shop.first() == (cause, "deployment", "db")
    assert f"kube:persistentvolumeclaims/{NAMESPACE}/data" in shop.findings()[0].refs


def test_a_volume_bound_to_another_claim(shop: Shop) -> None:
    claimed(shop)
    shop.objects["persistentvolumes"][0] |= {"status": {"phase": "Bound"}}
    shop.objects["persistentvolumes"][0]["spec"]["claimRef"] = {"namespace": NAMESPACE, "name": "older"}

    assert shop.first() == ("pv_occupied", "deployment", "db")
    assert "older" in shop.findings()[0].statement


def test_a_released_volume_is_occupied_by_its_past(shop: Shop) -> None:
    claimed(shop)
    shop.objects["persistentvolumes"][0] |= {"status": {"phase": "Released"}}
    shop.objects["persistentvolumes"][0]["spec"]["claimRef"] = {"namespace": NAMESPACE, "name": "data"}

    assert shop.first()[0] == "pv_occupied"


def test_a_class_that_does_not_exist_without_any_volume(shop: Shop) -> None:
    claimed(shop, storageClassName="fast")
    shop.objects["persistentvolumes"] = []

    assert shop.first() == ("pvc_storage_class", "deployment", "db")


def test_what_depends_on_an_unbound_database_is_a_consequence(shop: Shop) -> None:
    claimed(shop, resources={"requests": {"storage": "20Gi"}})
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)
    shop.log("cart", "ERROR Communications link failure", "Can't connect to MySQL server on 'db:3306'")
    findings = shop.findings()
    cart = [each for each in findings if each.entity.name == "cart"]

    assert findings[0].cause == "pvc_capacity"
    assert "cart" in {each.name for each in findings[0].explains}
    assert all(each.consequence_of is not None and each.consequence_of.name == "db" for each in cart)


def test_a_mount_the_container_may_not_write(shop: Shop) -> None:
    shop.container("db")["volumeMounts"] = [{"name": "data", "mountPath": "/var/lib/mysql"}]
    shop.template("db")["securityContext"] = {"runAsUser": 1000}
    shop.wait("db", "CrashLoopBackOff", exit_code=1)
    shop.log("db", "starting", "mkdir: cannot create directory '/var/lib/mysql/data': Permission denied")

    assert shop.first() == ("volume_permission", "deployment", "db")
    assert "runAsUser=1000" in shop.findings()[0].statement


def test_a_volume_that_does_not_attach(shop: Shop) -> None:
    shop.wait("db", "ContainerCreating")
    shop.event("Pod", "db-6c-x", "FailedAttachVolume", 'Multi-Attach error for volume "pv" Volume is already used by pod(s) db-old')

    assert shop.first() == ("volume_attach", "deployment", "db")
