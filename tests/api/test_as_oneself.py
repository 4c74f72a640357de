"""People ask and change the cluster in their own name: what an API server with RBAC receives, over real HTTP at both ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.approvals.people import Person
from api.actions.connections import OURSELVES
from api.actions.desk import Desk
from api.settings import Settings
from api.wiring.product import Product
from telemetry.errors import OnCalmError, UsageError
from tests.api.server.conftest import Served
from tests.tools.actions.worlds import Shop
from tools.actions.world import kind_of
from tools.cluster.double import ApiDouble
from tools.cluster.double.replies import Asked

SCALE = {"action": "scale", "target": "Deployment/web", "namespace": "shop", "params": {"replicas": 5}, "cause": "saturation"}
NAMES: Any = {"people": {"ann": {"user": "ann@x.example", "groups": ["sre"]}, "oncalm": {"user": "oncalm-itself"}},
              "roles": {"approver": {"user": "oncalm:{name}"}, "viewer": {"user": "oncalm-viewer"}}}
ANN, BEN, VIC, EVE = "ann/responder", "ben/approver", "vic/viewer", "eve/responder"


class Cluster:
    """A server whose people have names on a cluster, and what that was asked."""

    def __init__(self, folder: Path, double: ApiDouble, shop: Shop) -> None:
        self.double, self.shop = double, shop
        self.settings = Settings(home=folder / "home", kubeconfig=str(shop.access.kubeconfig), kube_impersonate=NAMES)
        one = Served(folder / "home", shop.access)
        one.desk = self.settings.desk(folder / "home", shop.access)
        one.product = Product(folder / "home", cluster=shop.access, desk=one.desk, access_of=self.settings.access_of(shop.access))
        one.services.desk, one.services.product = one.desk, one.product
        one.start()
        self.served = one
        self.double.asked.clear()

    @property
    def desk(self) -> Desk:
        return self.served.desk

    def post(self, path: str, body: Any, who: str, **more: str) -> Any:
        return self.served.http.post(f"/v1/{path}", json=body, headers={"X-Person": who, **more})

    def users(self, *, writes: bool = False) -> set[str]:
        return {one.user for one in self.written()} if writes else {one.user for one in self.double.asked}

    def written(self) -> list[Asked]:
        return [one for one in self.double.asked if one.method != "GET" and not one.dry and one.verb in {"patch", "delete", "update"}]

    def replicas(self) -> int:
        found = self.double.objects.get(kind_of("Deployment"), "shop", "web")
        assert found is not None
        return int(found["spec"]["replicas"])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    (tmp_path / "kube").mkdir()
    with ApiDouble() as double:
        shop = Shop(double, tmp_path / "kube")
        one = Cluster(tmp_path, double, shop)
        yield one
        one.served.stop()
        one.desk.close()
        shop.actions.close()


def test_who_asks_previews_and_who_approves_acts_verifies_and_takes_back(cluster: Cluster) -> None:
    asked = cluster.post("approvals", SCALE, ANN).json()["approval"]
    assert cluster.users() == {"ann@x.example"}

    cluster.double.asked.clear()
    done = cluster.post(f"approvals/{asked['id']}/approve", {"digest": asked["preview"]["digest"]}, BEN).json()
    assert (done["state"], cluster.replicas(), cluster.users()) == ("succeeded", 5, {"oncalm:ben"})

    cluster.double.asked.clear()
    assert cluster.desk.rollback(asked["id"], reason="a verification says so").state == "rolled_back"
    assert (cluster.replicas(), cluster.users()) == (3, {"oncalm:ben"})


def test_who_takes_back_by_hand_does_so_in_their_own_name(cluster: Cluster) -> None:
    asked = cluster.post("approvals", SCALE, ANN).json()["approval"]
    cluster.post(f"approvals/{asked['id']}/approve", {"digest": asked["preview"]["digest"]}, BEN)
    cluster.double.asked.clear()

    assert cluster.post(f"approvals/{asked['id']}/rollback", {"reason": "no better"}, "cid/approver").json()["state"] == "rolled_back"
    assert cluster.users(writes=True) == {"oncalm:cid"}


def test_whom_nobody_on_the_cluster_stands_for_proposes_nothing_and_is_never_served_as_oncalm(cluster: Cluster) -> None:
    answer = cluster.post("approvals", SCALE, EVE)

    assert answer.status_code >= 400
    assert "nobody on the cluster stands for eve" in answer.text
    assert cluster.double.asked == []


def test_an_approver_whom_the_cluster_lets_change_nothing_changes_nothing(cluster: Cluster) -> None:
    """OnCalm's own account could; it is not used."""
    cluster.double.allowed_to["oncalm:ben"] = {("get", "*", "*"), ("list", "*", "*")}
    asked = cluster.post("approvals", SCALE, ANN).json()["approval"]

    cluster.post(f"approvals/{asked['id']}/approve", {"digest": asked["preview"]["digest"]}, BEN)

    assert cluster.replicas() == 3
    assert cluster.desk.approvals.show(asked["id"]).state in {"failed", "superseded", "approved"}
    assert cluster.users() <= {"ann@x.example", "oncalm:ben"}


def test_an_approver_without_a_name_there_leaves_the_approval_unexecuted(cluster: Cluster) -> None:
    asked = cluster.post("approvals", SCALE, ANN).json()["approval"]
    cluster.double.asked.clear()

    answer = cluster.post(f"approvals/{asked['id']}/approve", {"digest": asked["preview"]["digest"]}, "root/admin")

    assert (answer.status_code >= 400, cluster.replicas(), cluster.double.asked) == (True, 3, [])
    assert "nobody on the cluster stands for root" in answer.text
    assert cluster.desk.approvals.show(asked["id"]).state == "approved"


def test_headers_of_a_request_make_nobody_somebody_else(cluster: Cluster) -> None:
    asked = cluster.post("approvals", SCALE, ANN, **{"Impersonate-User": "system:admin", "Impersonate-Group": "system:masters"})

    assert asked.status_code == 201
    assert cluster.users() == {"ann@x.example"}


def test_read_tools_look_with_the_eyes_of_who_asks(cluster: Cluster, tmp_path: Path) -> None:
    ingest(cluster, tmp_path)
    cluster.double.allowed_to["oncalm-viewer"] = {("get", "pods", "*"), ("list", "pods", "*")}
    cluster.post("tools/cluster.get", {"arguments": {"kind": "pods", "namespace": "shop"}}, VIC)
    seen = cluster.users()
    cluster.double.asked.clear()
    other = cluster.post("tools/cluster.get", {"arguments": {"kind": "pods", "namespace": "shop"}}, EVE)

    assert seen == {"oncalm-viewer"}
    assert (other.status_code, cluster.double.asked) == (404, [])


def ingest(cluster: Cluster, folder: Path) -> None:
    """Ten minutes of a service that fails in the last three."""
    now = datetime.now(UTC)
    (folder / "web.log").write_text("".join(f"{(now - timedelta(seconds=600 - second)).isoformat()} {'ERROR web failed' if second > 400 else 'INFO web served'}\n"
                                            for second in range(0, 600, 5)))
    cluster.served.product.ingest([folder / "web.log"])


@pytest.mark.parametrize(("by", "user"), [(Person("ann", "responder"), {"ann@x.example"}), (None, {"oncalm-itself"}), (Person("eve", "responder"), set())])
def test_investigations_look_with_the_eyes_of_who_asks_and_those_of_alerts_with_oncalms(cluster: Cluster, tmp_path: Path, by: Person | None, user: set[str]) -> None:
    ingest(cluster, tmp_path)

    found = cluster.served.product.investigate("web fails since 3 minutes", by=by)

    assert cluster.users() == user
    assert bool([one for one in found["not_assessed"] if "stands for eve" in one]) == (not user)
    assert OURSELVES.id == "oncalm"


def test_a_name_that_is_the_clusters_own_is_nobodys(cluster: Cluster) -> None:
    settings = cluster.settings.model_copy(update={"kube_impersonate": {"roles": {"approver": {"user": "{name}"}}}})

    with pytest.raises(UsageError, match="cluster's own"):
        settings.cluster_of(Person("system:kube-controller-manager", "approver"))
    with pytest.raises(OnCalmError):
        settings.cluster_of(Person("System:Admin", "approver"))


def test_without_the_setting_everybody_acts_as_oncalm(cluster: Cluster) -> None:
    settings = cluster.settings.model_copy(update={"kube_impersonate": {}})

    assert settings.access_of(cluster.shop.access) is None
    assert settings.cluster_of(Person("ann"), cluster.shop.access) == cluster.shop.access
