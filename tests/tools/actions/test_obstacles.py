"""What stands against an action is seen before anyone is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from telemetry.errors import UsageError
from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.web import Limits
from tests.tools.actions.worlds import (
    CASES,
    EVICTION,
    NEW,
    SECRET,
    SPACE,
    Shop,
    about,
    kinds_of,
    node,
    target,
)
from tools.actions.action import Action, Target
from tools.actions.catalogue import Catalogue, Systems
from tools.actions.errors import RefusedError
from tools.cluster.double import ApiDouble, kubeconfig

WEB = target("Deployment", "web")
SCALE = ("scale", WEB, {"replicas": 5})


def _budget(allowed: int, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": about("web"), "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
            "status": {"disruptionsAllowed": allowed, "currentHealthy": 3, "desiredHealthy": 3}}


def test_no_cluster_is_an_obstacle(tmp_path: Path) -> None:
    with ApiDouble() as double:
        path = kubeconfig(tmp_path, double)
    preview = Catalogue(Systems(Access(str(path), limits=Limits(1, 1, 2)))).preview(*SCALE)

    assert (kinds_of(preview, blocking=True), preview.checked_by, preview.diff) == (["no_cluster"], "nothing", ())


def test_no_configured_cluster_is_an_obstacle() -> None:
    assert kinds_of(Catalogue(Systems()).preview(*SCALE)) == ["no_cluster"]


def test_expired_credentials_are_an_obstacle(shop: Shop) -> None:
    shop.double.token = "another"

    assert kinds_of(shop.preview(*SCALE), blocking=True) == ["credentials"]


def test_what_may_not_be_read_is_an_obstacle(shop: Shop) -> None:
    shop.double.allowed = {("get", "pods", "*")}

    assert kinds_of(shop.preview(*SCALE), blocking=True) == ["forbidden"]


def test_a_cluster_without_istio_says_so(shop: Shop) -> None:
    shop.double.served["destinationrules.networking.istio.io"] = ()
    found = shop.preview("set_outlier_detection", target("DestinationRule", "web"), {"interval": "5s"}).obstacles[0]

    assert (found.kind, found.blocking) == ("missing_kind", True)
    assert "DestinationRule" in found.why


def test_a_namespace_that_was_not_given_is_an_obstacle(shop: Shop) -> None:
    access = Access(shop.access.kubeconfig, namespaces=("other",))

    assert kinds_of(Catalogue(Systems(access)).preview(*SCALE)) == ["namespace"]


def test_a_target_that_is_not_there_is_refused(shop: Shop) -> None:
    with pytest.raises(RefusedError, match="there is no Deployment"):
        shop.preview("scale", target("Deployment", "nothing"), {"replicas": 1})


def test_an_operators_object_would_be_reverted(shop: Shop) -> None:
    shop.change(WEB, ownerReferences=[{"apiVersion": "example.com/v1", "kind": "Database", "name": "main", "controller": True}])
    found = shop.preview(*SCALE).obstacles[0]

    assert (found.kind, found.blocking) == ("managed", True)
    assert "Database main" in found.better


@pytest.mark.parametrize("metadata", [
    {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}}, {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}},
    {"managedFields": [{"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]}])
def test_gitops_would_revert_it(shop: Shop, metadata: dict[str, Any]) -> None:
    shop.change(WEB, **metadata)

    assert kinds_of(shop.preview(*SCALE), blocking=True) == ["managed"]


def test_gitops_leaves_alone_what_it_does_not_set(shop: Shop) -> None:
    shop.change(WEB, managedFields=[{"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:template": {}}}}])
    preview = shop.preview(*SCALE)

    assert (kinds_of(preview, blocking=True), kinds_of(preview)) == ([], ["managed"])


def test_a_restart_is_not_held_against_gitops(shop: Shop) -> None:
    shop.change(WEB, labels={"argocd.argoproj.io/instance": "shop"})

    assert shop.preview("restart_rollout", WEB, {}).obstacles == ()


def test_helm_warns_only(shop: Shop) -> None:
    shop.change(WEB, annotations={"meta.helm.sh/release-name": "shop"})
    preview = shop.preview(*SCALE)

    assert (kinds_of(preview, blocking=False), kinds_of(preview, blocking=True)) == (["helm"], [])


@pytest.mark.parametrize("name", ["restart_rollout", "undo_rollout"])
def test_a_paused_rollout_rolls_nothing_out(shop: Shop, name: str) -> None:
    held = shop.held(WEB)
    shop.put({**held, "spec": {**held["spec"], "paused": True}})
    found = shop.preview(name, WEB, {}).obstacles[0]

    assert (found.kind, found.better) == ("paused", "resume_rollout first")


def test_a_missing_revision_names_those_there_are(shop: Shop) -> None:
    found = shop.preview("undo_rollout", WEB, {"revision": 9}).obstacles[0]

    assert (found.kind, "recorded: 1, 2" in found.why) == ("missing_revision", True)


def test_an_image_that_never_ran_is_refused(shop: Shop) -> None:
    preview = shop.preview("set_image", WEB, {"image": "registry.example/web:other"})

    assert (kinds_of(preview, blocking=True), NEW in preview.obstacles[0].why) == (["missing_revision"], True)


def test_an_autoscaler_fights_a_scale(shop: Shop) -> None:
    found = shop.preview("scale", target("Deployment", "cart"), {"replicas": 9}).obstacles[0]

    assert (found.kind, found.better) == ("autoscaled", "set_autoscaler_bounds on HorizontalPodAutoscaler cart")


def test_a_budget_that_is_used_up_stops_an_eviction(shop: Shop) -> None:
    shop.put(_budget(0))
    preview = shop.preview(*EVICTION)

    assert kinds_of(preview, blocking=True) == ["disruption_budget"]
    with pytest.raises(RefusedError, match=r"disruption budget.*The disruption budget web needs 3"):
        shop.actions.perform(preview.action)


def test_a_budget_with_room_lets_one_go(shop: Shop) -> None:
    shop.put(_budget(1))

    assert shop.preview(*EVICTION).obstacles == ()
    assert "disruption budgets: web" in shop.preview("restart_rollout", WEB, {}).blast.statement


def test_a_scale_below_a_budget_is_told(shop: Shop) -> None:
    shop.put(_budget(1, minAvailable=2))

    assert kinds_of(shop.preview("scale", WEB, {"replicas": 1})) == ["disruption_budget"]


def test_a_quota_that_is_full_is_told(shop: Shop) -> None:
    shop.put({"kind": "ResourceQuota", "metadata": about("team"), "status": {"hard": {"limits.memory": "1Gi"}, "used": {"limits.memory": "900Mi"}}})

    assert "quota" in kinds_of(shop.preview(*SCALE), blocking=True)
    assert "quota" in kinds_of(shop.preview("raise_limit", WEB, {"resource": "memory", "limit": "256Mi"}), blocking=True)


@pytest.mark.parametrize(("limit", "kind"), [("512Mi", "bounds"), ("64Mi", "bounds"), ("128Mi", "unchanged")])
def test_limits_stay_within_bounds(shop: Shop, limit: str, kind: str) -> None:
    assert kind in kinds_of(shop.preview("raise_limit", WEB, {"resource": "memory", "limit": limit}), blocking=True)


def test_what_is_so_already_is_no_action(shop: Shop) -> None:
    assert kinds_of(shop.preview("scale", WEB, {"replicas": 3}), blocking=True) == ["unchanged"]


def test_protected_kinds_are_not_touched(tmp_path: Path) -> None:
    with ApiDouble() as double:
        shop = Shop(double, tmp_path, protected=frozenset({"Node"}))

        assert kinds_of(shop.preview("cordon_node", target("Node", "n1"), {}), blocking=True) == ["protected"]


def test_the_last_node_is_not_cordoned(shop: Shop) -> None:
    shop.put({**node("n2"), "spec": {"unschedulable": True}})

    assert kinds_of(shop.preview("cordon_node", target("Node", "n1"), {}), blocking=True) == ["capacity"]


def test_a_pod_that_nothing_owns_is_not_evicted(shop: Shop) -> None:
    shop.change(EVICTION[1], ownerReferences=[])

    assert kinds_of(shop.preview(*EVICTION), blocking=True) == ["unowned"]


def test_an_ingress_of_another_controller_is_told(shop: Shop) -> None:
    shop.put({"kind": "IngressClass", "metadata": about("public", ""), "spec": {"controller": "traefik.io/ingress-controller"}})

    assert kinds_of(shop.preview("set_ingress_rate_limit", target("Ingress", "web"), {"connections": 3}), blocking=True) == ["other_controller"]


@pytest.mark.parametrize(("weights", "kind"), [({"web/stable": 90}, "bounds"), ({"web/nowhere": 100}, "missing_route")])
def test_weights_that_cannot_be_are_told(shop: Shop, weights: dict[str, int], kind: str) -> None:
    assert kinds_of(shop.preview("shift_traffic", target("VirtualService", "web"), {"weights": weights}), blocking=True) == [kind]


@pytest.mark.parametrize("case", [("scale", WEB, {"replicas": -1}), ("scale", WEB, {"replicas": 2, "more": 1}), ("scale", target("Pod", "web-0"), {"replicas": 2}),
                                  ("scale", Target("Deployment", "web"), {"replicas": 2}), ("restore", WEB, {}), ("no_such", WEB, {}),
                                  ("set_probe", WEB, {"probe": "liveness"}), ("raise_limit", WEB, {"resource": "memory", "limit": "much"})])
def test_bad_parameters_are_usage_errors(shop: Shop, case: tuple[str, Target, dict[str, Any]]) -> None:
    with pytest.raises(UsageError):
        shop.preview(*case)


def test_no_preview_shows_a_secret(shop: Shop) -> None:
    for case in CASES:
        assert SECRET not in str(shop.preview(*case).document())


def test_an_undo_writes_the_secret_and_not_its_mask(shop: Shop) -> None:
    effect = shop.actions.perform(shop.preview("undo_rollout", WEB, {}).action)

    assert shop.held(WEB)["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] == f"{SECRET}a"
    assert SECRET not in str(effect)


def test_a_restore_without_an_action_is_refused(shop: Shop) -> None:
    forged = Action("restore", WEB, {"fields": [{"pointer": "/spec/replicas", "value": 0}]}, "1", "2")

    with pytest.raises(RefusedError, match="only takes back"):
        shop.actions.perform(forged)


def test_a_revision_that_was_edited_meanwhile_is_not_taken(shop: Shop) -> None:
    preview = shop.preview("undo_rollout", WEB, {"revision": 1})
    old = shop.held(Target("ReplicaSet", "web-h1", SPACE))
    old["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/evil"
    shop.put(old)

    with pytest.raises(RefusedError, match="not what it was"):
        shop.actions.perform(preview.action)


def test_the_blast_names_pods_share_and_services(shop: Shop) -> None:
    blast = shop.preview("scale", WEB, {"replicas": 1}).blast

    assert (blast.pods, blast.share, blast.services) == (2, 0.6667, ("web",))
