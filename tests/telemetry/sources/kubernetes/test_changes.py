"""Rollouts, scalings, settings and cordons as changes."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry.sources.elastic_fields import micros
from telemetry.sources.kubernetes.changes import changes
from telemetry.sources.kubernetes.revisions import differences, revisions

Json = dict[str, Any]


def named(kind: str, name: str, created: str = "2026-01-01T10:00:00Z", **more: Any) -> Json:
    return {"kind": kind, "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": created, **more.pop("about", {})}, **more}


def template(image: str = "cart:1", **container: Any) -> Json:
    return {"metadata": {"labels": {"app": "cart", "pod-template-hash": image}}, "spec": {"containers": [{"name": "main", "image": image, **container}]}}


def replicaset(number: int, created: str, pod: Json, **about: Any) -> Json:
    annotations = {"deployment.kubernetes.io/revision": str(number), **about.pop("annotations", {})}
    return named("ReplicaSet", f"cart-{number}-{created[11:13]}", created, about={
        "ownerReferences": [{"kind": "Deployment", "name": "cart", "uid": "cart"}], "annotations": annotations, **about}, spec={"template": pod}, status={"replicas": 1})


CART = named("Deployment", "cart", about={"managedFields": [
    {"manager": "argocd", "time": "2026-01-01T12:00:00Z", "fieldsV1": {"f:spec": {"f:template": {}}}}]}, spec={"replicas": 3})
FIRST = replicaset(1, "2026-01-01T10:00:00Z", template("cart:1", env=[{"name": "LIMIT", "value": "10"}]))
SECOND = replicaset(2, "2026-01-01T12:00:00Z", template("cart:2", env=[{"name": "LIMIT", "value": "20"}, {"name": "NEW", "value": "x"}]))


def test_a_rollout_is_a_deploy_with_what_changed() -> None:
    found = changes({"deployments": [CART], "replicasets": [SECOND, FIRST]})

    assert [(one.kind, one.service, one.version, one.before) for one in found] == [
        ("deploy", "cart", "main=cart:1", ""), ("deploy", "cart", "main=cart:2", "main=cart:1")]
    assert found[1].time == micros("2026-01-01T12:00:00Z")
    assert found[1].actor == "argocd"
    assert found[1].title == ("deployment cart rolled out (revision 2): spec.containers.main.image: cart:1 → cart:2; "
                              "spec.containers.main.env.LIMIT: 10 → 20; spec.containers.main.env.NEW: (none) → x")


def test_an_undo_is_told_at_its_own_time_not_at_the_creation_of_the_old_replicaset() -> None:
    again = replicaset(3, "2026-01-01T10:00:00Z", template("cart:1"), annotations={"deployment.kubernetes.io/revision-history": "1"}, managedFields=[
        {"manager": "kube-controller-manager", "time": "2026-01-01T13:30:00Z",
         "fieldsV1": {"f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}}},
        {"manager": "kube-controller-manager", "time": "2026-01-01T14:00:00Z", "subresource": "status", "fieldsV1": {"f:status": {}}}])
    last = changes({"deployments": [CART], "replicasets": [SECOND, again]})[-1]

    assert last.time == micros("2026-01-01T13:30:00Z")
    assert "rolled back (revision 3)" in last.title


def test_an_undo_without_a_time_is_no_change_with_a_wrong_one() -> None:
    again = replicaset(3, "2026-01-01T10:00:00Z", template("cart:1"), annotations={"deployment.kubernetes.io/revision-history": "1"})

    assert [one.attributes["revision"] for one in changes({"deployments": [CART], "replicasets": [SECOND, again]})] == ["2"]


def test_replicasets_of_others_are_passed_over() -> None:
    other = named("Deployment", "web")

    assert revisions(other, [FIRST, SECOND]) == []


def test_revisions_of_statefulsets_are_controllerrevisions() -> None:
    owner = named("StatefulSet", "db")
    held = [named("ControllerRevision", f"db-{n}", f"2026-01-0{n}T00:00:00Z", about={"ownerReferences": [{"kind": "StatefulSet", "uid": "db", "name": "db"}]},
                  revision=n, data={"spec": {"template": {**template(f"db:{n}"), "$patch": "replace"}}}) for n in (1, 2)]

    assert [one.version for one in changes({"statefulsets": [owner], "controllerrevisions": held})] == ["main=db:1", "main=db:2"]


@pytest.mark.parametrize(("before", "after", "told"), [
    (template(), template("cart:1"), []),
    (template(), template("cart:2"), ["spec.containers.main.image: cart:1 → cart:2"]),
    (template(resources={"limits": {"memory": "64Mi"}}), template(resources={"limits": {"memory": "32Mi"}}),
     ["spec.containers.main.resources.limits.memory: 64Mi → 32Mi"]),
    (template(args=["-p", "80"]), template(args=["-p", "81"]), ["spec.containers.main.args: -p 80 → -p 81"]),
    (template(ports=[{"containerPort": 80}]), template(ports=[{"containerPort": 81}]),
     ["spec.containers.main.ports.80.containerPort: 80 → (none)", "spec.containers.main.ports.81.containerPort: (none) → 81"]),
    (template(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]), template(env=[{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]), []),
    (template(env=[{"name": "P", "valueFrom": {"secretKeyRef": {"name": "a", "key": "k"}}}]),
     template(env=[{"name": "P", "valueFrom": {"secretKeyRef": {"name": "b", "key": "k"}}}]),
     ["spec.containers.main.env.P.valueFrom.secretKeyRef.name: a → b"]),
    (template(readinessProbe={"httpGet": {"path": "/ok"}}), template(), ["spec.containers.main.readinessProbe.httpGet.path: /ok → (none)"]),
])
def test_differences_are_told_by_path(before: Json, after: Json, told: list[str]) -> None:
    assert [str(one) for one in differences(before, after)] == told


def test_an_autoscalers_event_and_its_own_time_are_one_scaling() -> None:
    scaler = named("HorizontalPodAutoscaler", "cart-hpa", spec={"scaleTargetRef": {"name": "cart"}}, status={"lastScaleTime": "2026-01-01T11:00:05Z", "desiredReplicas": 5})
    event = {"kind": "Event", "metadata": {"name": "e", "namespace": "shop"}, "reason": "SuccessfulRescale", "message": "New size: 5; reason: cpu above target",
             "lastTimestamp": "2026-01-01T11:00:00Z", "involvedObject": {"kind": "HorizontalPodAutoscaler", "name": "cart-hpa", "namespace": "shop"}}
    found = changes({"horizontalpodautoscalers": [scaler], "events": [event]})

    assert [(one.kind, one.service, one.title) for one in found] == [("scale", "cart", "autoscaler cart-hpa: New size: 5; reason: cpu above target")]


def test_a_scaling_by_hand_names_who_did_it() -> None:
    cart = named("Deployment", "cart", spec={"replicas": 0}, about={"managedFields": [
        {"manager": "kubectl", "subresource": "scale", "time": "2026-01-01T11:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]})

    assert [(one.title, one.actor) for one in changes({"deployments": [cart]})] == [("deployment cart scaled to 0", "kubectl")]


def test_a_written_configmap_is_a_change_and_a_new_one_is_not() -> None:
    def held(name: str, written: str) -> Json:
        return named("ConfigMap", name, about={"managedFields": [{"manager": "kubectl-edit", "time": written, "fieldsV1": {"f:data": {".": {}, "f:limit": {}}}}]})

    found = changes({"configmaps": [held("old", "2026-01-01T11:00:00Z"), held("new", "2026-01-01T10:00:00Z")]})

    assert [(one.kind, one.title, one.actor) for one in found] == [("config", "configmap old written (keys limit)", "kubectl-edit")]


def test_a_cordoned_node_is_a_change_since_its_taint() -> None:
    node = named("Node", "n1", spec={"unschedulable": True, "taints": [{"key": "node.kubernetes.io/unschedulable", "timeAdded": "2026-01-01T11:00:00Z"}]})

    assert [(one.service, one.time) for one in changes({"nodes": [node, named("Node", "n2", spec={})]})] == [("n1", micros("2026-01-01T11:00:00Z"))]


def test_odd_objects_make_no_changes_and_no_errors() -> None:
    odd: list[Json] = [{}, {"metadata": None}, {"metadata": {"managedFields": [None, {}]}, "spec": 3}]

    assert changes(dict.fromkeys(("deployments", "replicasets", "configmaps", "nodes", "events", "horizontalpodautoscalers"), odd)) == []
