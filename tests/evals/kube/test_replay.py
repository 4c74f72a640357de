"""A recorded cluster in a folder, from its texts to a score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.kube import answer, judge, run, signals_of
from evals.kube.replay import load, merged
from evals.kube.vocabulary import VOCABULARY
from signals.kube.causes import CAUSES
from signals.kube.finding import found
from signals.observed import Entity

POD = """Name: {0}-6c-x
Namespace: shop
Node: n1/10.1.0.4
Labels: app={0}
Status: {1}
Controlled By: ReplicaSet/{0}-6c
Containers:
  {0}:
    Image: {0}:1
    Port: {2}/TCP
    State: Running
      Started: Thu, 01 Jan 2026 07:58:00 +0800
    Ready: True
    Restart Count: 0
    Environment: <none>
Conditions:
  Type     Status
  Ready    {3}
Events: <none>
"""
DEPLOYMENT = """Name: {0}
Namespace: shop
Selector: app={0}
Replicas: 1 desired | 1 updated | 1 total | 1 available | 0 unavailable
Pod Template:
  Labels: app={0}
  Containers:
   {0}:
    Image: {0}:1
    Port: {2}/TCP
"""
SERVICE = "Name: {0}\nNamespace: shop\nSelector: {1}\nType: ClusterIP\nPort: <unset>  {2}/{3}\nTargetPort: {2}/{3}\nEndpoints: 10.0.0.7:{2}\n"
SET = "Name: {0}-6c\nNamespace: shop\nControlled By: Deployment/{0}\nReplicas: 1 current / 1 desired\n"


def cache() -> dict[str, Any]:
    """A shop of two services, as tools answered about it."""
    answers: dict[str, Any] = {"collection_timestamp": "2026-01-01T08:00:00.5"}
    for name, port in (("web", "8080"), ("cart", "7070")):
        for kind, label, text in (("pods", f"{name}-6c-x", POD.format(name, "Running", port, "True")), ("replicasets", f"{name}-6c", SET.format(name)),
                                  ("deployments", name, DEPLOYMENT.format(name, "", port)),
                                  ("services", name, SERVICE.format(name, f"app={name}", port, "TCP"))):
            answers[_key("DescribeResource", resource_type=kind, name=label, namespace="shop")] = text
    for kind in ("secrets", "serviceaccounts", "persistentvolumeclaims", "persistentvolumes"):
        answers[_key("GetResources", resource_type=kind, name="", namespace="shop")] = ""
    return answers


def _key(tool: str, **arguments: str) -> str:
    return f"{tool}:{json.dumps(arguments, separators=(',', ':'))}"


def write(folder: Path, answers: dict[str, Any], **label: str) -> Path:
    """A data set of one case."""
    case = folder / "cases" / "c1"
    case.mkdir(parents=True)
    (case / "task.json").write_text(json.dumps({"id": "c1", "namespace": "shop", "query": "slow"}))
    (case / "tool_cache.json").write_text(json.dumps(answers))
    truth = {"id": "c1", "namespace": "shop", "fault_taxonomy": "", "fault_object": "", "root_cause": "", **label}
    (folder / "labels.json").write_text(json.dumps([truth]))
    return folder


def test_times_take_the_zone_that_kubectl_prints(tmp_path: Path) -> None:
    capture = load(write(tmp_path, cache()) / "cases" / "c1")

    assert capture.now == 1_767_225_600_500_000
    assert capture.state.knows("secrets")
    assert not capture.state.knows("nodes")


def test_a_recorded_fault_is_answered_in_the_words_of_the_benchmark(tmp_path: Path) -> None:
    answers = cache() | {_key("DescribeResource", resource_type="services", name="cart", namespace="shop"): SERVICE.format("cart", "app=carts", "7070", "TCP")}
    folder = write(tmp_path, answers, fault_taxonomy="Service_Routing_Fault", fault_object="app/cart", root_cause="service_selector_mismatch")

    report = run(folder, report=tmp_path / "report.md")

    assert (report["cases"], report["could_not_run"]) == (1, 0)
    assert (report["metrics"]["a1"], report["metrics"]["partial"], report["metrics"]["a3"]) == (1.0, 1.0, 1.0)
    assert report["metrics"]["per_cause"]["service_selector_mismatch"]["cases"] == 1
    assert report["baseline"]["a1"] == 0.0
    assert "| service_selector_mismatch | 1 | 1.00" in (tmp_path / "report.md").read_text("utf-8")


def test_a_protocol_only_the_texts_tell(tmp_path: Path) -> None:
    answers = cache() | {_key("DescribeResource", resource_type="services", name="cart", namespace="shop"): SERVICE.format("cart", "app=cart", "7070", "UDP")}
    capture = load(write(tmp_path, answers) / "cases" / "c1")
    outcome = judge(capture, {"id": "c1", "fault_taxonomy": "x", "fault_object": "x", "root_cause": "x"})

    assert outcome.answers[0] == ("Service_Routing_Fault", "app/cart", "service_protocol_mismatch")


def test_a_manifest_fills_in_what_a_claim_does_not_print(tmp_path: Path) -> None:
    claim = "Name: data\nNamespace: shop\nStorageClass:  \nStatus: Pending\nVolume:  \nAccess Modes:  \nUsed By: cart-6c-x\n"
    volume = "Name: pv\nLabels: <none>\nStorageClass:  \nStatus: Available\nClaim:  \nAccess Modes: RWO\nCapacity: 1Gi\n"
    pod = POD.format("cart", "Pending", "7070", "False").replace("Node: n1/10.1.0.4", "Node: <none>").replace(
        "Events: <none>", "Volumes:\n  data:\n    Type: PersistentVolumeClaim (a reference)\n    ClaimName: data\nEvents: <none>")
    manifest = ("kind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}\nspec:\n  accessModes: [ReadWriteMany]\n"
                "  resources: {requests: {storage: 1Gi}}\n---\nkind: PersistentVolumeClaim\nmetadata: {name: other, namespace: shop}\n---\n"
                "kind: Deployment\nmetadata: {name: cart, namespace: shop}\nspec: {template: {spec: {volumes: [{name: data, "
                "persistentVolumeClaim: {claimName: data}}], containers: [{name: cart}]}}}\n")
    answers = cache() | {_key("DescribeResource", resource_type="persistentvolumeclaims", name="data", namespace="shop"): claim,
                         _key("DescribeResource", resource_type="persistentvolumes", name="pv", namespace="shop"): volume,
                         _key("DescribeResource", resource_type="pods", name="cart-6c-x", namespace="shop"): pod,
                         _key("GetAppYAML", app_name="cart"): manifest}
    capture = load(write(tmp_path, answers) / "cases" / "c1")
    outcome = judge(capture, {"id": "c1", "fault_taxonomy": "x", "fault_object": "x", "root_cause": "x"})

    assert outcome.answers[0] == ("Scheduling_Fault", "app/cart", "pvc_access_mode_mismatch")
    assert [each["metadata"]["name"] for each in capture.state.of("persistentvolumeclaims")] == ["data"]


def test_a_case_that_cannot_be_read_could_not_run(tmp_path: Path) -> None:
    folder = write(tmp_path, cache())
    (folder / "cases" / "c1" / "tool_cache.json").unlink()

    report = run(folder)

    assert (report["cases"], report["could_not_run"]) == (0, 1)
    assert "FileNotFoundError" in report["failures"][0]["could_not_run"]


def test_values_of_secrets_in_manifests_are_left_out(tmp_path: Path) -> None:
    manifest = "kind: Secret\nmetadata: {name: login, namespace: shop}\nstringData: {password: hunter2}\n"
    capture = load(write(tmp_path, cache() | {_key("GetAppYAML", app_name="cart"): manifest}) / "cases" / "c1")

    assert "hunter2" not in repr(capture.state)


def test_what_is_told_outweighs_the_manifest() -> None:
    told = {"spec": {"containers": [{"name": "a", "image": "a:2", "env": []}]}}
    manifest = {"spec": {"affinity": {"x": 1}, "containers": [{"name": "a", "image": "a:1", "securityContext": {"runAsUser": 1}}]}}

    assert merged(told, manifest) == {"spec": {"containers": [{"name": "a", "image": "a:2", "env": [], "securityContext": {"runAsUser": 1}}],
                                               "affinity": {"x": 1}}}


def test_trees_of_dependencies_become_calls() -> None:
    text = "[Service]: web\n[Upstream (Called By)]: (User Traffic)\n[Downstream (Calls)]:\nweb\n├── cart\n│   └── db   <-- (Database)\n└── ads\n"

    assert list(signals_of.calls([("GetServiceDependencies", {}, text)], {})) == [("web", "cart"), ("cart", "db"), ("web", "ads")]


@pytest.mark.parametrize(("text", "status"), [
    ("Status: ● kubelet.service\n   Active: active (running) since Mon", "running"), ("   Active: inactive (dead) since Mon", "stopped"),
    ("   Active: failed (Result: exit-code)", "failed"), ("no answer", "unknown")])
def test_the_state_of_a_node_service(text: str, status: str) -> None:
    answers = [("CheckNodeServiceStatus", {"node_name": "n1", "service_name": "kubelet"}, text)]

    assert next(iter(signals_of.services(answers))).status == status


def test_probes_of_connectivity_by_node() -> None:
    text = "=== report ===\nDebug Pod test results deployed on n1: cart (10.0.0.7:7070) open\nConnection Succeeded\nDebug Pod test results deployed on n2: Connection Failed\n"
    answers = [("CheckServiceConnectivity", {"namespace": "shop", "service_name": "cart", "port": 7070}, text)]

    assert [(each.source, each.outcome) for each in signals_of.connections(answers)] == [("n1", "connected"), ("n2", "failed")]


def test_columns_of_metrics_become_series(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("time,cart-cpu,cart-p90latency,n1-tcp_retans,other\n2026-01-01 00:00:00,0.1,250,2,x\n2026-01-01 00:00:05,,500,3,x\n")
    series = signals_of.series(path)

    assert series is not None
    assert [(each.entity, each.metric, list(each.values)) for each in series] == [
        (Entity("service", "cart"), "cpu", [0.1]), (Entity("service", "cart"), "latency_p90", [0.25, 0.5]), (Entity("node", "n1"), "retransmissions", [2.0, 3.0])]


def test_every_word_of_the_vocabulary_maps_from_a_known_cause() -> None:
    assert set(VOCABULARY) <= set(CAUSES)
    assert answer(found("crash_loop", Entity("deployment", "cart"), "", 1.0)) is None
    assert answer(found("kubelet_down", Entity("node", "n1"), "", 1.0)) == ("Infrastructure_Fault", "node/n1", "kubelet_unavailable")


def test_recorded_clusters_reach_what_was_promised(eval_data: Any, tmp_path: Path) -> None:
    folder = eval_data("cloudopsbench")
    labels = json.loads((folder / "labels.json").read_text("utf-8"))[::8]
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    (tmp_path / "cases").symlink_to(folder / "cases")

    report = run(tmp_path)

    assert (report["cases"], report["could_not_run"]) == (len(labels), 0)
    assert report["metrics"]["a1"] >= 0.85
    assert report["metrics"]["a1"] > report["baseline"]["a1"]
