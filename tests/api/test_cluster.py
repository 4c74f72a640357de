"""The cluster on the command line, in doctor, and as tools for models and MCP clients."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.doctor.cluster import cluster_checks
from api.settings import Settings
from api.wiring.product import Product
from telemetry.sources.kubernetes.configuration import Access
from tests.conftest import SSHD
from tests.tools.cluster.shops import Held, ago, object_
from tools.cluster.double import ApiDouble


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Held]:
    with ApiDouble(token="t0ken-of-oncalm") as double:
        held = Held(double, tmp_path)
        yield held
        held.cluster.close()


def _run(tmp_path: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ONCALM_") and name != "KUBECONFIG"}
    done = subprocess.run([sys.executable, "-m", "api.cli", "--home", str(tmp_path / "home"), *words], capture_output=True, text=True, check=False,
                          env={**clean, **environment}, cwd=Path(__file__).parents[2])
    return done.returncode, done.stdout, done.stderr


def test_diagnose_prints_ranked_findings_with_what_would_refute_each(shop: Held, tmp_path: Path) -> None:
    shop.shop.service("cart")["spec"]["selector"] = {"app": "kart"}
    shop.load()
    code, said, _ = _run(tmp_path, "cluster", "diagnose", "-n", "shop", ONCALM_KUBECONFIG=str(tmp_path / "kubeconfig"))

    assert code == 0
    assert said.startswith("1. deployment cart in shop — service_selector")
    assert "would be refuted by: " in said


def test_cluster_alone_diagnoses(shop: Held, tmp_path: Path) -> None:
    shop.shop.service("cart")["spec"]["selector"] = {"app": "kart"}
    shop.load()
    code, said, _ = _run(tmp_path, "cluster", "-n", "shop", "--kubeconfig", str(tmp_path / "kubeconfig"), "--json")
    first = json.loads(said)["findings"][0]

    assert (code, first["cause"], first["entity"]) == (0, "service_selector", {"kind": "deployment", "name": "cart"})


def test_diagnose_prints_one_json_document(shop: Held, tmp_path: Path) -> None:
    shop.load()
    code, said, _ = _run(tmp_path, "cluster", "diagnose", "--json", "--kubeconfig", str(tmp_path / "kubeconfig"))
    found = json.loads(said)

    assert (code, found["status"], found["findings"]) == (3, "nothing_found", [])
    assert "usage" in found["not_assessed"]


def test_without_a_cluster_diagnose_is_not_assessed(tmp_path: Path) -> None:
    code, said, _ = _run(tmp_path, "cluster", "diagnose", "--json", KUBECONFIG=str(tmp_path / "none"))
    found = json.loads(said)

    assert (code, found["status"]) == (1, "not_assessed")
    assert "there is no kubeconfig at" in found["not_assessed"]["cluster"]


def test_changes_are_put_on_record(shop: Held, tmp_path: Path) -> None:
    shop.double.objects.put(object_("Node", "n9", None, spec={"unschedulable": True, "taints": [
        {"key": "node.kubernetes.io/unschedulable", "timeAdded": ago(60)}]}))
    shop.load()
    code, said, _ = _run(tmp_path, "cluster", "changes", "--keep", ONCALM_KUBECONFIG=str(tmp_path / "kubeconfig"))
    _run(tmp_path, "cluster", "changes", "--keep", ONCALM_KUBECONFIG=str(tmp_path / "kubeconfig"))
    from telemetry.models import Window
    from telemetry.store.beyond import RecordReader

    reader = RecordReader(tmp_path / "home")
    kept = [one.title for one in reader.changes(Window())]
    reader.close()

    assert (code, "node n9 cordoned" in said) == (0, True)
    assert kept == ["node n9 cordoned: no new pods go there"]


def test_settings_name_a_cluster_only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somewhere")
    monkeypatch.delenv("ONCALM_KUBECONFIG", raising=False)

    assert Settings().cluster() is None
    monkeypatch.setenv("ONCALM_KUBECONFIG", "in-cluster")
    monkeypatch.setenv("ONCALM_KUBE_NAMESPACES", "shop, bank,")
    assert Settings().cluster() == Access("in-cluster", None, ("shop", "bank"))


def test_doctor_says_what_may_be_read(shop: Held, tmp_path: Path) -> None:
    shop.load()
    shop.double.allowed = {("list", "pods", "*"), ("get", "pods/log", "*")}
    checks = {one["check"]: one for one in cluster_checks(Access(str(tmp_path / "kubeconfig")))}

    assert checks["cluster"]["ok"]
    assert checks["cluster"]["seen"].endswith("may read pods, pods/log")
    assert "deployments.apps" in checks["cluster may not read"]["seen"]


@pytest.mark.parametrize("change", [{"token": "other-token"}, {"allowed": set()}])
def test_doctor_fails_when_the_cluster_cannot_be_read(shop: Held, tmp_path: Path, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(shop.double, name, value)
    first = cluster_checks(Access(str(tmp_path / "kubeconfig")))[0]

    assert (first["ok"], bool(first["remedy"])) == (False, True)


def test_without_a_configured_cluster_doctor_says_nothing_of_one() -> None:
    assert cluster_checks(None) == []


def test_models_and_mcp_clients_get_the_tools_of_a_configured_cluster(shop: Held, tmp_path: Path) -> None:
    shop.load()
    product = Product(tmp_path / "home", cluster=Access(str(tmp_path / "kubeconfig")))
    (tmp_path / "auth.log").write_text(SSHD)
    product.ingest([tmp_path / "auth.log"])
    tools = product.tools()

    assert len([name for name in tools.names() if name.startswith("cluster.")]) == 14
    assert tools.call("cluster_get", {"kind": "pods", "namespace": "shop"}).total == 3
    assert not [name for name in Product(tmp_path / "home").tools().names() if name.startswith("cluster.")]


def test_help_does_not_load_the_client() -> None:
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "api.cli", "cluster", "--help"], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[2])

    assert "kubernetes" not in done.stderr.replace("api.cluster", "")
    assert "diagnose" in done.stdout
