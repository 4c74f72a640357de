"""Objects, descriptions and events as kubectl tells them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.cluster.shops import Held, ago, event, object_
from tools.cluster.double import Fault
from tools.cluster.rows import pod_status


def test_pods_are_rows_like_kubectls(held: Held) -> None:
    row = held.rows("get", kind="po", namespace="shop", labels="app=cart")[0]

    assert (row["name"], row["ready"], row["status"], row["restarts"], row["node"]) == ("cart-6c-x", "1/1", "Running", 0, "n1")


@pytest.mark.parametrize("kind", [
    "pods", "services", "deployments", "replicasets", "nodes", "endpoints", "serviceaccounts", "namespaces"])
def test_every_kind_of_the_shop_is_listed(held: Held, kind: str) -> None:
    assert held.rows("get", kind=kind)


@pytest.mark.parametrize(("kind", "more", "cells"), [
    ("PersistentVolumeClaim", {"status": {"phase": "Pending"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}, ["Pending", "1Gi"]),
    ("HorizontalPodAutoscaler", {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "cart"}, "maxReplicas": 3}, "status": {"conditions": [
        {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric"}]}}, ["Deployment/cart", "ScalingActive: FailedGetResourceMetric"]),
    ("Job", {"spec": {"completions": 2}, "status": {"failed": 4, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}, ["0/2", 4]),
    ("Ingress", {"spec": {"rules": [{"host": "a.example", "http": {"paths": [{"path": "/x", "backend": {"service": {"name": "web"}}}]}}]}}, ["a.example/x → web"]),
    ("DaemonSet", {"status": {"desiredNumberScheduled": 3, "numberReady": 1, "numberUnavailable": 2}}, [3, 1, 2]),
    ("CronJob", {"spec": {"schedule": "* * * * *", "suspend": True}}, ["* * * * *", True]),
    ("PodDisruptionBudget", {"spec": {"minAvailable": 1}, "status": {"disruptionsAllowed": 0}}, [1, 0]),
])
def test_the_columns_of_a_kind_say_what_matters(held: Held, kind: str, more: dict[str, Any], cells: list[Any]) -> None:
    held.double.objects.put(object_(kind, "x", **more))
    row = next(one for one in held.rows("get", kind=kind) if one["name"] == "x")

    assert all(any(cell == part or str(part) in str(cell) for cell in row.values()) for part in cells), row


@pytest.mark.parametrize(("status", "said"), [
    ({"phase": "Pending"}, "Pending"), ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
    ({"phase": "Running", "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}, "CrashLoopBackOff"),
    ({"phase": "Running", "containerStatuses": [{"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}, "OOMKilled"),
    ({"phase": "Pending", "initContainerStatuses": [{"state": {"terminated": {"exitCode": 1}}}]}, "Init:ExitCode:1"),
    ({"phase": "Pending", "initContainerStatuses": [{"state": {"terminated": {"exitCode": 0}}}, {"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}, "Init:ImagePullBackOff"),
    ({"phase": "Pending", "initContainerStatuses": [{"state": {"running": {}}}]}, "Init:0/1")])
def test_the_status_of_a_pod_is_kubectls(status: dict[str, Any], said: str) -> None:
    assert pod_status({"status": status}) == said


def test_nothing_of_a_kind_is_nothing_found(held: Held) -> None:
    result = held.call("get", kind="ingresses", namespace="shop")

    assert (result.status, result.reason) == ("nothing_found", "there are no ingresses in shop")


def test_an_empty_list_of_a_namespace_that_does_not_exist_says_so(held: Held) -> None:
    assert "there is no namespace shopp" in str(held.call("get", kind="pods", namespace="shopp").reason)


def test_a_name_that_is_not_there_is_nothing_found(held: Held) -> None:
    result = held.call("get", kind="pods", name="gone", namespace="shop")

    assert (result.status, result.reason) == ("nothing_found", "there is no Pod gone in shop")


def test_an_unknown_kind_names_the_nearest(held: Held) -> None:
    result = held.call("get", kind="deploymints")

    assert (result.status, "deployments" in str(result.error)) == ("failed", True)


def test_more_than_the_limit_is_counted_and_told(held: Held) -> None:
    result = held.call("get", kind="pods", limit=1)

    assert (result.total, len(result.found.result.rows or []) if result.found else 0) == (3, 1)
    assert "2 more" in result.notes[0]


def test_a_forbidden_kind_is_not_assessed_with_the_grant(held: Held) -> None:
    held.double.allowed = {("list", "services", "*")}
    result = held.call("get", kind="pods", namespace="shop")

    assert result.status == "not_assessed"
    assert "the service account oncalm of oncalm may not list pods in shop" in str(result.reason)
    assert "grant:" in str(result.reason)


def test_a_server_that_breaks_failed(held: Held) -> None:
    held.double.faults.append(Fault("/pods", "error"))

    assert held.call("get", kind="pods").status == "failed"


def test_a_description_has_the_object_its_owners_and_its_events(held: Held) -> None:
    held.shop.objects["events"].append(event("BackOff", "Back-off restarting failed container"))
    result = held.call("describe", kind="pod", name="cart-6c-x")
    assert result.output is not None
    passages = {one["source"]: one["text"] for one in result.output["passages"]}

    assert "image: registry.example/cart:1" in passages["object"]
    assert passages["owners"].split("\n")[0].startswith("ReplicaSet cart-6c: ")
    assert "(x3): Back-off restarting failed container" in passages["events"]


def test_the_chain_of_owners_goes_up_to_the_deployment(held: Held) -> None:
    result = held.call("describe", kind="pod", name="cart-6c-x")

    assert "Deployment cart: ready 0/1" in str(result.output)


def test_an_owner_that_is_gone_is_told(held: Held) -> None:
    held.shop.objects["replicasets"] = []

    assert "ReplicaSet cart-6c (does not exist any more)" in str(held.call("describe", kind="pod", name="cart-6c-x").output)


def test_a_description_without_events_keeps_the_rest(held: Held) -> None:
    held.double.allowed = {("*", "pods", "*"), ("get", "replicasets.apps", "*"), ("get", "deployments.apps", "*")}
    result = held.call("describe", kind="pod", name="cart-6c-x")

    assert result.status == "found"
    assert "may not list events in shop" in result.notes[0]


def test_a_name_in_two_namespaces_is_asked_back(held: Held) -> None:
    held.double.objects.put(object_("Service", "web", "bank", spec={}))

    assert "name one of bank, shop" in str(held.call("describe", kind="service", name="web").error)


def test_events_come_newest_first_and_are_selected(held: Held) -> None:
    held.shop.objects["events"] += [
        event("Killing", "Stopping", seconds=300, type_="Normal"), event("BackOff", "again", seconds=30), event("FailedScheduling", "0/3 nodes", name="web-6c-x", seconds=10)]

    assert [row["reason"] for row in held.rows("events")] == ["FailedScheduling", "BackOff", "Killing"]
    assert [row["reason"] for row in held.rows("events", warnings_only=True, name="cart")] == ["BackOff"]
    assert [row["reason"] for row in held.rows("events", since_minutes=2, kind="pod", namespace="shop")] == ["FailedScheduling", "BackOff"]


def test_events_of_the_newer_api_are_read_alike(held: Held) -> None:
    held.shop.objects["events"].append(event("Unhealthy", "probe", lastTimestamp=None, firstTimestamp=None, eventTime=ago(5), count=None,
                                             series={"count": 9, "lastObservedTime": ago(1)}))
    row = held.rows("events")[0]

    assert (row["last"], row["count"]) == (ago(1), 9)


def test_no_events_is_no_proof_of_quiet(held: Held) -> None:
    assert "keeps events for about an hour" in str(held.call("events").reason)
