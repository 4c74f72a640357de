"""Where the way ends: endpoints, storage, webhooks, service accounts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.cluster.shops import Held, object_

Json = dict[str, Any]


def _slice(held: Held, service: str, *ready: bool) -> None:
    held.double.objects.put(object_("EndpointSlice", f"{service}-abc", about={"labels": {"kubernetes.io/service-name": service}}, endpoints=[
        {"addresses": [f"10.0.0.{number}"], "conditions": {"ready": one}} for number, one in enumerate(ready)]))


def test_a_healthy_service_has_nothing_wrong(held: Held) -> None:
    _slice(held, "cart", True)
    row = held.rows("endpoints", service="cart", namespace="shop")[0]

    assert (row["pods selected"], row["pods ready"], row["addresses ready"], row["wrong"]) == (1, 1, 1, "")


def test_a_selector_that_matches_nothing_names_the_nearest_pod(held: Held) -> None:
    held.shop.service("cart")["spec"]["selector"] = {"app": "cart", "tier": "backend"}

    assert "matches no pod; nearest is cart-6c-x: tier is not set there, not backend" in held.rows("endpoints", service="cart")[0]["wrong"]


@pytest.mark.parametrize(("target", "wrong"), [(7070, ""), (7071, "port 7070 leads to 7071, but the containers declare 7070"),
                                               ("http", "leads to the port named http, which no container has")])
def test_ports_that_lead_nowhere_are_told(held: Held, target: int | str, wrong: str) -> None:
    _slice(held, "cart", True)
    held.shop.service("cart")["spec"]["ports"] = [{"port": 7070, "targetPort": target}]
    said = held.rows("endpoints", service="cart")[0]["wrong"]

    assert wrong in said
    assert bool(said) == bool(wrong)


def test_pods_that_are_not_ready_leave_a_service_without_addresses(held: Held) -> None:
    _slice(held, "cart", False)
    held.shop.pods("cart")[0]["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    row = held.rows("endpoints", service="cart")[0]

    assert (row["addresses ready"], row["addresses not ready"], row["wrong"]) == (0, 1, "none of its 1 pods is ready")


def test_a_server_without_slices_is_asked_for_endpoints(held: Held) -> None:
    held.double.served["endpointslices.discovery.k8s.io"] = ()

    assert held.rows("endpoints", service="cart")[0]["addresses ready"] == 1


def test_endpoints_without_permission_for_pods_keep_the_rest(held: Held) -> None:
    _slice(held, "cart", True)
    held.double.allowed = {("*", "services", "*"), ("*", "endpointslices.discovery.k8s.io", "*")}
    result = held.call("endpoints", service="cart", namespace="shop")

    assert (result.status, "pods" in result.notes[0]) == ("found", True)
    assert "not known" in str(result.found)


def test_an_external_name_has_no_pods_and_nothing_wrong(held: Held) -> None:
    held.double.objects.put(object_("Service", "outside", spec={"type": "ExternalName", "externalName": "x.example"}))

    assert held.rows("endpoints", service="outside")[0]["wrong"] == ""


def _claim(held: Held, name: str = "data", **spec: Any) -> None:
    held.double.objects.put(object_("PersistentVolumeClaim", name, status={"phase": "Pending"}, spec={
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}, **spec}))


def _volume(held: Held, **spec: Any) -> None:
    held.double.objects.put(object_("PersistentVolume", "pv1", None, status={"phase": "Available"}, spec={
        "capacity": {"storage": "20Gi"}, "accessModes": ["ReadWriteOnce"], **spec}))


@pytest.mark.parametrize(("claim", "volume", "wrong"), [
    ({"storageClassName": "fast"}, {}, "its class fast does not exist (there are: slow)"),
    ({}, {}, "it names no class, and no class is the default"),
    ({"storageClassName": "slow"}, {"storageClassName": "slow", "capacity": {"storage": "5Gi"}}, "pv1: it has only 5Gi"),
    ({"storageClassName": "slow", "accessModes": ["ReadWriteMany"]}, {"storageClassName": "slow"}, "pv1: it lacks ReadWriteMany"),
])
def test_why_a_claim_waits_is_told(held: Held, claim: Json, volume: Json, wrong: str) -> None:
    held.double.objects.put(object_("StorageClass", "slow", None, provisioner="x"))
    _volume(held, **volume)
    _claim(held, **claim)

    assert wrong in held.rows("storage", name="data")[0]["wrong"]


def test_volumes_and_classes_stand_in_the_notes(held: Held) -> None:
    _volume(held)
    _claim(held)

    assert "free volumes: pv1 (20Gi, no class)" in held.call("storage").notes


def test_a_claim_without_permission_for_volumes_does_not_blame_them(held: Held) -> None:
    _claim(held, storageClassName="fast")
    held.double.allowed = {("*", "persistentvolumeclaims", "*"), ("*", "pods", "*")}
    result = held.call("storage")

    assert "does not exist" not in str(result.found)
    assert any("persistentvolumes" in note for note in result.notes)


def _webhook(held: Held, policy: str = "Fail") -> None:
    held.double.objects.put(object_("ValidatingWebhookConfiguration", "guard", None, webhooks=[{
        "name": "guard.example", "failurePolicy": policy, "rules": [{"operations": ["CREATE"], "resources": ["pods"]}],
        "clientConfig": {"caBundle": "QUJD", "service": {"namespace": "shop", "name": "cart", "port": 443}}}]))


@pytest.mark.parametrize(("policy", "effect"), [("Fail", "every request it is asked about is refused"), ("Ignore", "it is skipped")])
def test_a_webhook_that_nobody_answers_is_told_with_its_effect(held: Held, policy: str, effect: str) -> None:
    _webhook(held, policy)
    row = held.rows("webhooks")[0]

    assert (row["ready addresses"], row["wrong"]) == (0, f"its service has no ready address: {effect}")


def test_a_webhook_without_its_service_is_told(held: Held) -> None:
    _webhook(held)
    held.shop.objects["services"] = [each for each in held.shop.objects["services"] if each["metadata"]["name"] != "cart"]

    assert "its service does not exist" in held.rows("webhooks", resource="pods")[0]["wrong"]


def test_webhooks_of_other_resources_are_left_out(held: Held) -> None:
    _webhook(held)

    assert held.call("webhooks", resource="secrets").status == "nothing_found"


def test_a_wanted_service_account_that_does_not_exist_comes_first(held: Held) -> None:
    held.shop.template("cart")["serviceAccountName"] = "cart-runner"
    row = held.rows("service_accounts", namespace="shop")[0]

    assert (row["service account"], "it does not exist" in row["wrong"]) == ("cart-runner", True)
    assert "roles and bindings" in held.call("service_accounts").notes[-1]
