"""The cluster's tools over a real HTTP server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.operations.command import oncalm
from tests.tools.cluster.apiserver import ApiServer, kubeconfig
from tools.cluster.collect import amount, collect
from tools.cluster.connection import Cluster
from tools.cluster.resources import RESOURCES, USAGE
from tools.cluster.tools import cluster_tools
from tools.registry import Registry
from tools.result import NotAssessed

PLANTED = "hunter2-zebra-9137"
NOT_HERE = ("gateways", "httproutes", "virtualservices", "destinationrules")


def _about(name: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "uid": f"uid-{name}", **more}


def _pod(name: str, image: str, status: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": _about(name, labels={"app": name}, annotations={"kubectl.kubernetes.io/last-applied-configuration": PLANTED}),
        "spec": {"nodeName": "n1", "containers": [{"name": "main", "image": image, "env": [{"name": "DB_PASSWORD", "value": PLANTED}]}]},
        "status": status}


WAITING = {"phase": "Pending", "containerStatuses": [{
    "name": "main", "ready": False, "restartCount": 1, "image": "registry.example/cart:9",
    "state": {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "registry.example/cart:9"'}}}]}
EVENT = {
    "metadata": _about("cart.1"), "involvedObject": {"kind": "Pod", "name": "cart", "namespace": "shop"}, "type": "Warning", "count": 4,
    "reason": "Failed", "lastTimestamp": "2026-11-26T16:40:00Z",
    "message": 'Failed to pull image "registry.example/cart:9": rpc error: code = NotFound desc = failed to resolve reference: not found'}


@pytest.fixture
def server() -> ApiServer:
    made = ApiServer({RESOURCES[kind].path(kind, None): [] for kind in RESOURCES if kind not in NOT_HERE})
    made.objects["/api/v1/pods"] = [_pod("cart", "registry.example/cart:9", WAITING), _pod("web", "web:1", {"phase": "Running"}),
                                    _pod("db", "db:1", {"phase": "Running"})]
    made.objects["/api/v1/events"] = [EVENT]
    made.objects["/api/v1/secrets"] = [{"metadata": _about("cart-token"), "data": {"token": PLANTED}}]
    made.objects["/api/v1/configmaps"] = [{"metadata": _about("settings"), "data": {"app.ini": f"password={PLANTED}"}}]
    made.objects[USAGE.path("pods", None)] = [{"metadata": _about("web"), "containers": [{"name": "main", "usage": {"cpu": "250m", "memory": "64Mi"}}]}]
    made.logs["shop", "cart", "main", True] = f"connecting with password={PLANTED}\nexit"
    return made


@pytest.fixture
def config(server: ApiServer, tmp_path: Path) -> Iterator[Path]:
    yield kubeconfig(tmp_path / "kubeconfig", server.start())
    server.stop()


@pytest.fixture
def tools(config: Path) -> Registry:
    return cluster_tools(lambda: Cluster(config))


def test_wrong_image_is_the_first_finding_with_what_would_refute_it(tools: Registry) -> None:
    result = tools.call("cluster.diagnose", {"namespace": "shop"})

    assert result.status == "found"
    first = (result.output or {})["findings"][0]
    assert first["entity"]["name"] == "cart"
    assert "image" in first["cause"]
    assert first["refute"].endswith("?")
    assert "gateways" in (result.output or {})["not_assessed"]


def test_pages_are_read_to_the_end_and_anew_when_they_expire(server: ApiServer, config: Path) -> None:
    server.expire_once = True

    assert [one["metadata"]["name"] for one in Cluster(config).items("/api/v1/pods")] == ["cart", "web", "db"]


def test_what_may_not_be_read_is_not_assessed_and_the_rest_is_read(server: ApiServer, tools: Registry, config: Path) -> None:
    server.forbidden = {"nodes", "events"}

    state = collect(Cluster(config), "shop")
    asked = tools.call("cluster.get", {"kind": "nodes"})

    assert 'cannot list resource "nodes"' in state.not_assessed["nodes"]
    assert len(state.of("pods")) == 3
    assert asked.status == "not_assessed"
    assert "deploy/rbac-read.yaml" in (asked.reason or "")


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b'{"items": [{"metadata"', b"[]"])
def test_broken_answers_are_told(server: ApiServer, tools: Registry, body: bytes) -> None:
    server.broken = {"services": body}

    assert tools.call("cluster.get", {"kind": "services"}).status == "not_assessed"
    assert tools.call("cluster.diagnose", {"namespace": "shop"}).status == "found"


def test_secrets_are_neither_asked_for_nor_shown(server: ApiServer, tools: Registry, config: Path) -> None:
    said = [tools.call("cluster.diagnose", {"namespace": "shop"}), tools.call("cluster.logs", {
        "namespace": "shop", "pod": "cart", "container": "main", "previous": True})]
    said += [tools.call("cluster.get", {"kind": kind, "namespace": "shop"}) for kind in ("secrets", "configmaps", "pods", "events")]

    assert PLANTED not in json.dumps([one.model_dump(mode="json") for one in said])
    assert PLANTED not in str(collect(Cluster(config), "shop"))
    assert all("PartialObjectMetadataList" in accept for path, accept in server.requests if "/secrets" in path)
    assert all(one.status == "found" for one in said[1:])


def test_permissions_granted_are_those_used(server: ApiServer, tools: Registry) -> None:
    for kind in RESOURCES:
        tools.call("cluster.get", {"kind": kind})
    tools.call("cluster.diagnose", {"namespace": "shop"})
    role = yaml.safe_load((Path(__file__).parents[3] / "deploy" / "rbac-read.yaml").read_text())
    granted = {(group, resource, verb) for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]}

    assert {_permission(path) for path, _ in server.requests} == granted


def _permission(target: str) -> tuple[str, str, str]:
    path = target.partition("?")[0]
    if path.endswith("/log"):
        return "", "pods/log", "get"
    group = found[1] if (found := re.match(r"/apis/([^/]+)/", path)) else ""
    return group, path.rpartition("/")[2], "list"


def test_nobody_to_ask_is_not_assessed(tmp_path: Path) -> None:
    away = cluster_tools(lambda: Cluster(kubeconfig(tmp_path / "away", "http://127.0.0.1:9")))
    none = cluster_tools(lambda: Cluster(tmp_path / "none"))

    assert "cannot be reached" in (away.call("cluster.diagnose", {}).reason or "")
    assert "ONCALM_KUBECONFIG" in (none.call("cluster.diagnose", {}).reason or "")
    with pytest.raises(NotAssessed, match="context"):
        Cluster(kubeconfig(tmp_path / "away", "http://127.0.0.1:9"), "another")


def test_command_prints_findings_and_one_document(config: Path, tmp_path: Path) -> None:
    shown = oncalm(tmp_path / "home", "cluster", "-n", "shop", "--kubeconfig", config)
    told = oncalm(tmp_path / "home", "cluster", "-n", "shop", "--kubeconfig", config, "--json")

    assert shown.returncode == 0, shown
    assert "would be refuted by" in shown.stdout
    assert json.loads(told.stdout)["findings"][0]["entity"]["name"] == "cart"


@pytest.mark.parametrize(("said", "number"), [("250m", 0.25), ("64Mi", 64 * 2.0**20), ("3", 3.0), ("1500000n", 0.0015), ("?", None), (None, None)])
def test_quantities(said: Any, number: float | None) -> None:
    assert amount(said) == (pytest.approx(number) if number is not None else None)
