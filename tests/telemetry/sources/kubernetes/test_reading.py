"""Lists page by page, objects, versions, namespaces, metadata only."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry.sources.answers import Trouble
from telemetry.sources.kubernetes.reading import keys_of
from telemetry.sources.kubernetes.resources import resource
from tests.telemetry.sources.kubernetes.opened import Opened, pod
from tools.cluster.double import Fault
from tools.cluster.double.server import Reply

SECRET = {
    "kind": "Secret", "data": {"password": "aHVudGVyMg=="}, "metadata": {
        "name": "db", "namespace": "shop", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"aHVudGVyMg=="}}'},
        "managedFields": [{"manager": "kubectl", "operation": "Update", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:data": {".": {}, "f:password": {}}}}]}}


@pytest.fixture
def many(opened: Opened) -> Opened:
    for number in range(25):
        opened.server.objects.put(pod(f"p{number:02d}", app="a" if number % 2 else "b"))
    return opened


def test_a_list_comes_whole_and_in_order_over_many_pages(many: Opened) -> None:
    assert many.names(many.cluster(page=10)) == [f"p{number:02d}" for number in range(25)]
    assert len(many.g.asked) == 3
    assert many.g.whole


def test_an_expired_token_begins_the_list_again_once(many: Opened) -> None:
    many.server.faults.append(Fault("continue=", "gone", times=1))

    assert len(many.names(many.cluster(page=10))) == 25
    assert "begun again" in many.g.notes[0]
    assert many.g.whole


def test_a_token_that_expires_again_keeps_what_was_read_and_says_so(many: Opened) -> None:
    many.server.faults.append(Fault("continue=", "gone"))

    assert len(many.names(many.cluster(page=10))) == 10
    assert "only the first 10 were read" in many.g.gaps[0]


def test_pages_before_a_failure_are_kept(many: Opened) -> None:
    many.server.faults.append(Fault("continue=", "error", skip=1))

    assert len(many.names(many.cluster(page=10))) == 20
    assert "request timed out" in many.g.gaps[0]


def test_a_list_longer_than_its_bound_says_so(many: Opened) -> None:
    assert len(many.names(many.cluster(page=10), most=10)) == 10
    assert many.g.gaps == ("only the first 10 pods were read",)


def test_labels_and_fields_select_on_the_server(many: Opened) -> None:
    cluster = many.cluster()

    assert many.names(cluster, labels="app=a", fields="metadata.name=p03") == ["p03"]
    assert many.names(cluster, labels="app in (c)") == []


def test_only_permitted_namespaces_are_asked(opened: Opened) -> None:
    for namespace in ("shop", "bank", "other"):
        opened.server.objects.put(pod("cart", namespace))
    cluster = opened.cluster(namespaces=("shop", "bank"))

    assert len(opened.names(cluster, namespace="")) == 2
    assert {one.namespace for one in opened.server.asked} == {"shop", "bank"}
    assert "may look into shop, bank" in opened.trouble(cluster, namespace="other").remedy


def test_one_forbidden_namespace_leaves_the_others_and_a_gap(opened: Opened) -> None:
    opened.server.objects.put(pod("cart", "shop"))
    opened.server.allowed = {("list", "pods", "shop")}

    assert opened.names(opened.cluster(namespaces=("bank", "shop")), namespace="") == ["cart"]
    assert "may not list pods in bank" in opened.g.gaps[0]


def test_an_older_server_is_asked_in_its_own_version_from_then_on(opened: Opened) -> None:
    opened.server.served["horizontalpodautoscalers.autoscaling"] = ("v1",)
    opened.server.objects.put({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "cart", "namespace": "shop"}})
    cluster = opened.cluster()

    assert opened.names(cluster, "horizontalpodautoscalers") == ["cart"]
    assert opened.names(cluster, "horizontalpodautoscalers") == ["cart"]
    assert [one.path.split("/")[3] for one in opened.server.asked] == ["v2", "v2beta2", "v1", "v1"]


def test_a_group_that_no_version_serves_is_not_assessed(opened: Opened) -> None:
    opened.server.served["virtualservices.networking.istio.io"] = ()
    trouble = opened.trouble(opened.cluster(), "virtualservices")

    assert trouble.status == "not_assessed"
    assert "does not serve virtualservices" in trouble.what


def test_an_object_that_is_not_there_is_none(opened: Opened) -> None:
    cluster = opened.cluster()

    assert cluster.object(opened.g, "pods", "cart", "shop") is None
    assert cluster.object(opened.g, "deployments", "cart", "shop") is None
    assert len(opened.server.asked) == 2


def test_objects_of_lists_know_their_kind(opened: Opened) -> None:
    opened.server.objects.put(pod("cart"))

    assert opened.cluster().objects(opened.g, "pods", "shop")[0]["kind"] == "Pod"


def test_secrets_are_only_asked_for_by_metadata_and_know_their_keys(opened: Opened) -> None:
    opened.server.objects.put(SECRET)
    cluster = opened.cluster()
    listed, single = cluster.objects(opened.g, "secrets", "shop")[0], cluster.object(opened.g, "secrets", "db", "shop")

    assert [one.accept for one in opened.server.asked] == ["application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"] * 2
    assert listed["data"] == {"password": ""}
    assert single is not None
    assert "aHVudGVyMg" not in f"{listed}{single}"


def test_a_server_that_sends_secrets_whole_is_not_believed(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.server.objects.put(SECRET)
    read = opened.server.read
    monkeypatch.setattr(opened.server, "read", lambda asked, one: _whole(read, asked, one))
    trouble = opened.trouble(opened.cluster(), "secrets")

    assert trouble.status == "not_assessed"
    assert "thrown away" in trouble.what
    assert "aHVudGVyMg" not in str(trouble)


def _whole(read: Any, asked: Any, one: Any) -> Reply:
    from dataclasses import replace

    reply: Reply = read(replace(asked, accept="application/json"), one)
    return reply


def test_keys_without_managers_are_not_known() -> None:
    assert keys_of({"metadata": {"name": "x"}}) is None


def test_an_answer_of_another_server_is_told(opened: Opened) -> None:
    opened.server.faults.append(Fault("/pods", "status", code=200, text="hello"))

    assert "not a list of pods" in opened.trouble(opened.cluster()).what


@pytest.mark.parametrize("word", ["po", "Pod", "pods", "PVC", "deployments.apps", "hpa", "Ingress"])
def test_kinds_are_known_by_the_names_of_kubectl(word: str) -> None:
    assert resource(word) is not None


@pytest.mark.parametrize(("namespace", "name"), [("a/b", "c"), ("..", "x"), ("a", "../secrets/db"), ("a?watch=1", "b"), ("ä", "ö"), ("shop", ".."), ("shop", ".")])
def test_what_is_no_name_is_never_put_into_a_path(opened: Opened, namespace: str, name: str) -> None:
    with pytest.raises(Trouble, match="is no name"):
        opened.cluster().object(opened.g, "pods", name, namespace)

    assert opened.server.asked == []


def test_a_log_is_read_with_its_bounds(opened: Opened) -> None:
    opened.server.objects.put(pod("cart"))
    opened.server.logs["shop", "cart", "main", False] = "2026-01-01T00:00:00Z a\n2026-01-01T00:00:01Z b\n"

    assert opened.cluster().log(opened.g, "shop", "cart", "main", tail=1) == "2026-01-01T00:00:01Z b\n"


def test_logs_that_may_not_be_read_name_the_grant(opened: Opened) -> None:
    opened.server.allowed = {("list", "pods", "*")}
    with pytest.raises(Trouble) as caught:
        opened.cluster().log(opened.g, "shop", "cart", "main")

    assert 'resources: ["pods/log"], verbs: ["get"]' in caught.value.remedy
