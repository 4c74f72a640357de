"""Secrets' values are never asked for and never shown, by any tool, whatever the cluster holds."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.tools.cluster.shops import Held, ago, event, object_

PLANTED = "pl4nted-S3cret-Value-9Xq"
ENCODED = base64.b64encode(PLANTED.encode()).decode()
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    *((("get", {"kind": kind})) for kind in (
        "secrets", "configmaps", "pods", "deployments", "replicasets", "statefulsets", "services", "ingresses", "serviceaccounts", "events",
        "cronjobs", "controllerrevisions", "mutatingwebhookconfigurations", "virtualservices", "persistentvolumes", "nodes")),
    ("get", {"kind": "secret", "name": "db", "namespace": "shop"}), ("get", {"kind": "configmap", "name": "settings", "namespace": "shop"}),
    *(("describe", {"kind": kind, "name": name, "namespace": "shop"}) for kind, name in (
        ("secret", "db"), ("configmap", "settings"), ("pod", "cart-6c-x"), ("deployment", "cart"), ("replicaset", "cart-6c"), ("service", "cart"),
        ("serviceaccount", "default"), ("ingress", "web"))),
    ("logs", {"pod": "cart-6c-x"}), ("logs", {"pod": "cart-6c-x", "previous": True}), ("logs", {"labels": "app=cart"}), ("events", {}),
    ("rollout_history", {"name": "cart", "namespace": "shop"}), ("changes", {}), ("top", {}), ("top", {"kind": "nodes"}), ("quotas", {}),
    ("endpoints", {}), ("storage", {}), ("webhooks", {}), ("service_accounts", {}), ("probes", {}), ("diagnose", {}), ("diagnose", {"namespace": "shop"}),
)


def plant(held: Held) -> None:
    """Secret values wherever people put them."""
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": {"password": ENCODED}, "env": [{"name": "X", "value": PLANTED}]})}
    held.double.objects.put(object_("Secret", "db", about={"annotations": applied, "managedFields": [
        {"manager": "kubectl", "time": ago(60), "fieldsV1": {"f:data": {"f:password": {}}}}]}, data={"password": ENCODED}, type="Opaque"))
    held.double.objects.put(object_("ConfigMap", "settings", about={"annotations": applied}, data={
        "DB_PASSWORD": PLANTED, "app.properties": f"db.password={PLANTED}\nport=80", "url": f"amqp://cart:{PLANTED}@mq:5672/"}))
    held.double.objects.put(object_("ServiceAccount", "default", secrets=[{"name": "default-token"}]))
    held.double.objects.put(object_("Ingress", "web", about={"annotations": {"nginx.ingress.kubernetes.io/auth-token": PLANTED}}, spec={"rules": []}))
    for spec in (held.shop.template("cart"), held.shop.pods("cart")[0]["spec"]):
        container = spec["containers"][0]
        container["env"] += [{"name": "API_KEY", "value": PLANTED}, {"name": "DSN", "value": f"postgres://cart:{PLANTED}@db:5432/x"},
                             {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]
        container |= {"args": ["--password", PLANTED, f"--api-token={PLANTED}"], "envFrom": [{"configMapRef": {"name": "settings"}}], "livenessProbe": {
            "exec": {"command": ["sh", "-c", f"mysql -p --password={PLANTED}"]}}}
    held.shop.deployment("cart")["metadata"]["annotations"] = applied
    held.shop.objects["replicasets"][1] |= {"spec": {"template": {"spec": held.shop.template("cart")}}}
    held.shop.objects["replicasets"][1]["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    status = held.shop.pods("cart")[0]["status"]
    status["containerStatuses"][0] |= {"restartCount": 1, "lastState": {"terminated": {"exitCode": 1, "message": f"login failed: password={PLANTED}"}}}
    held.shop.objects["events"].append(event("Unhealthy", f"Liveness probe failed: --password={PLANTED}"))
    for previous in (False, True):
        held.double.logs["shop", "cart-6c-x", "cart", previous] = f"{ago(5)} ERROR connecting to postgres://cart:{PLANTED}@db:5432 failed\n{ago(4)} api_key={PLANTED}\n"
    held.double.usage |= {"pods": [], "nodes": []}


@pytest.fixture
def planted(held: Held) -> Held:
    plant(held)
    return held


def test_no_result_of_any_tool_holds_a_planted_secret(planted: Held) -> None:
    for name, arguments in CALLS:
        result = planted.call(name, **arguments)
        said = result.model_dump_json()

        assert result.status in {"found", "nothing_found"}, (name, arguments, result.error or result.reason)
        assert PLANTED not in said, (name, arguments)
        assert ENCODED not in said, (name, arguments)


def test_no_request_of_any_tool_asks_for_more_of_secrets_than_their_metadata(planted: Held) -> None:
    for name, arguments in CALLS:
        planted.call(name, **arguments)
    of_secrets = [one for one in planted.double.asked if one.resource.startswith("secrets")]

    assert len(of_secrets) >= 4
    assert all("as=PartialObjectMetadata" in one.accept and "," not in one.accept for one in of_secrets)
    assert {one.method for one in planted.double.asked} == {"GET"}


def test_every_tool_is_among_those_that_are_walked(planted: Held) -> None:
    assert {f"cluster.{name}" for name, _ in CALLS} == set(planted.tools.names())


def test_names_and_keys_of_secrets_are_shown(planted: Held) -> None:
    assert [(row["name"], row["keys"]) for row in planted.rows("get", kind="secrets")] == [("db", "password")]
    assert "secretKeyRef" in str(planted.call("describe", kind="deployment", name="cart").output)
