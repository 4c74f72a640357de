"""Two workloads of one name in two namespaces are two: findings, suspects, facts and proposals name the right one."""

from __future__ import annotations

import copy
from dataclasses import replace

from agent.decision.facts import facts_of
from agent.decision.proposing import propose
from agent.decision.situation import Seen, from_document
from agent.offline.narrative import narrated
from signals.kube.diagnose import diagnose
from signals.kube.incident import joined
from signals.observed import Entity, Observed
from signals.suspects import rank
from telemetry.models import Window
from tests.signals.kube.shop import NOW, Shop
from tests.signals.kube.test_incident import ending, failing, unpullable, weighed
from tools.incident import diagnosed
from tools.registry import ToolResult

CART = Entity("deployment", "cart", "staging")


def twice(*, broken: bool = True) -> Shop:
    """The shop, and the same once more in ``staging``, where the cart's image cannot be pulled."""
    shop = Shop()
    other = Shop()
    if broken:
        unpullable(other, "cart", 25)
    for kind, objects in other.objects.items():
        if kind != "nodes":
            shop.objects[kind] += [_moved(each) for each in copy.deepcopy(objects)]
    return shop


def _moved(one: dict[str, object]) -> dict[str, object]:
    for part in ("metadata", "involvedObject"):
        told = one.get(part)
        if isinstance(told, dict):
            told["namespace"] = "staging"
    return one


def test_a_finding_names_the_namespace_of_a_name_that_is_in_two() -> None:
    found = [each for each in diagnose(twice().state(), now=NOW) if each.cause == "image_reference"]

    assert [each.entity for each in found] == [CART]


def test_a_name_in_one_namespace_stays_as_it_is() -> None:
    shop = Shop()
    unpullable(shop, "cart", 25)

    assert [each.entity for each in diagnose(shop.state(), now=NOW) if each.cause == "image_reference"] == [Entity("deployment", "cart")]


def test_callers_of_one_namespace_do_not_suffer_from_another() -> None:
    look, _, calls = joined(twice().state(), NOW, set(), {})

    assert {(caller.key, callee.key) for caller, callee in calls} == {
        (f"{space}/{one}", f"{space}/{other}") for space in ("shop", "staging") for one, other in (("web", "cart"), ("cart", "db"))}
    assert len(set(look.wholes.values())) == 6


def test_telemetry_that_names_pods_tells_which_of_the_two_is_the_service() -> None:
    shop = twice()
    for each in shop.objects["pods"]:
        if each["metadata"]["namespace"] == "staging":
            each["metadata"]["name"] += "-s"
    seen = {Entity("pod", "cart-6c-x"): (Entity("service", "cart"),)}

    look, parts, _ = joined(shop.state(), NOW, {"cart"}, seen)

    assert look.wholes[CART] == CART
    assert look.wholes[Entity("deployment", "cart", "shop")] == Entity("service", "cart")
    assert parts[Entity("pod", "cart-6c-x-s")][0] == CART


def test_a_pod_of_a_name_that_is_in_two_belongs_to_nobody() -> None:
    _, parts, _ = joined(twice().state(), NOW, {"cart"}, {Entity("pod", "cart-6c-x"): (Entity("service", "cart"),)})

    assert Entity("pod", "cart-6c-x") not in parts


def test_a_proposal_aims_at_the_namespace_of_its_cause() -> None:
    shop, windows = twice(broken=False), ending(1)
    for each in shop.objects["deployments"]:
        if each["metadata"] == {**each["metadata"], "name": "cart", "namespace": "staging"}:
            each["spec"]["replicas"] = 0
            each["metadata"]["annotations"] = {}
    shop.objects["pods"] = [each for each in shop.objects["pods"] if (each["metadata"]["namespace"], each["metadata"]["labels"]["app"]) != ("staging", "cart")]
    shop.objects["events"].append({
        "metadata": {"name": "cart.scaled", "namespace": "staging"}, "type": "Normal", "reason": "ScalingReplicaSet", "count": 1,
        "involvedObject": {"kind": "Deployment", "name": "cart", "namespace": "staging"}, "message": "Scaled down replica set cart-6c to 0 from 2"})
    found = weighed(shop, windows, failing("web", windows))
    document = diagnosed(found, Observed(series=())).model_dump(mode="json")
    causes = from_document(document)
    facts = facts_of(shop.state(), NOW, [each.entity for each in causes])

    proposed = propose(Seen(tuple(replace(each, confidence=0.95) for each in causes if each.entity == CART), facts))

    assert {"kind": "deployment", "name": "cart", "namespace": "staging"} in [each["entity"] for each in document["suspects"]]
    assert [str(one.target.namespace) for one in proposed.candidates] == ["staging"]
    assert proposed.candidates[0].action == "scale"


def test_the_answer_names_the_namespace() -> None:
    shop, windows = twice(), ending(1)
    look, parts, calls = joined(shop.state(), NOW, {"web"}, {})
    found = rank(replace(Observed(series=(failing("web", windows),)), cluster=look, belongs=parts, calls=calls), windows=windows)
    output = diagnosed(found, Observed(series=())).model_dump(mode="json")
    weighing = ToolResult(tool="incident.suspects", status="found", query={}, window=Window(), output=output)

    assert "deployment staging/cart (image_reference)" in narrated(weighing, {"E1": weighing}, ()).answer
