"""What is proposed for a cause, and when nothing is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decision.names import ACTIONS
from agent.decision.proposing import propose
from agent.decision.situation import Believed, Facts, Seen, from_document, from_findings
from signals.kube.causes import CAUSES
from signals.kube.finding import POSSIBLE, STATED, found
from signals.observed import Entity

CART, WEB = Entity("service", "cart"), Entity("service", "web")
WORDS = st.sampled_from([*CAUSES, "cpu", "memory", "saturation", "overload", "exception", "deploy"])
FACTS = st.builds(Facts, kind=st.sampled_from(["", "Deployment", "StatefulSet"]), name=st.just("cart"), namespace=st.sampled_from(["", "shop"]),
                  replicas=st.none() | st.integers(0, 9), bad_pods=st.lists(st.just("cart-1"), max_size=2).map(tuple),
                  memory_limit=st.none() | st.floats(1, 1e10), memory_used=st.none() | st.floats(1, 1e10), leaking=st.booleans(),
                  autoscaler=st.sampled_from(["", "cart"]), autoscaler_most=st.none() | st.integers(1, 9), earlier_revision=st.booleans(),
                  startup_seconds=st.none() | st.floats(1, 100), other_nodes=st.none() | st.integers(0, 3))


@given(WORDS, FACTS, st.floats(0, 1), st.frozensets(st.sampled_from(["deploy", "config", "scale", "flag"])))
def test_every_proposal_is_of_the_catalogue_or_says_why_not(cause: str, facts: Facts, confidence: float, changes: frozenset[str]) -> None:
    made = propose(Seen((Believed(CART, cause, confidence, changes=changes),), {CART: facts}))

    assert all(one.target.kind in ACTIONS[one.action] and one.target.name for one in made.candidates)
    assert bool(made.candidates) != bool(made.none and made.why)


@given(WORDS, FACTS, st.floats(0, 1))
def test_a_victim_is_never_acted_on(cause: str, facts: Facts, confidence: float) -> None:
    assert not propose(Seen((Believed(WEB, cause, confidence, victim_of=CART),), {WEB: facts})).candidates


def test_a_leak_gets_no_larger_limit() -> None:
    facts = Facts("Deployment", "cart", "shop", replicas=3, memory_limit=2e8, memory_used=2e8, leaking=True)
    assert [one.action for one in propose(Seen((Believed(CART, "memory", 0.9),), {CART: facts})).candidates] == ["restart_rollout"]


def test_a_document_of_an_investigation_is_read() -> None:
    told = {"suspects": [{"rank": 1, "entity": {"kind": "service", "name": "cart"}, "cause": "exception", "score": 0.7,
                          "signs": [{"kind": "change", "aspect": "deploy"}, {"kind": "error_origin", "aspect": "errors"}]}]}
    assert from_document(told) == [Believed(CART, "exception", 0.7, changes=frozenset({"deploy"}))]


def test_a_stated_finding_is_known_and_a_possible_one_is_not() -> None:
    stated, possible = from_findings([found("oom_killed", CART, "OOMKilled", STATED), found("oom_killed", CART, "?", POSSIBLE)])
    assert stated.confidence > 0.9
    assert propose(Seen((possible,))).none == "unsure"


@pytest.mark.parametrize(("cause", "facts", "action"), [
    ("node_cordoned", {"released": ("n2",)}, "uncordon_node"), ("node_cordoned", {}, None),
    ("image_reference", {"earlier_image": "r/x@sha256:1", "image_stays": True}, "set_image"), ("image_reference", {"earlier_image": ""}, None),
    ("image_pull_secret", {"earlier_image": "r/x@sha256:1", "image_stays": True}, None)])
def test_what_was_never_proposed_before_is_where_cause_and_facts_warrant_it(cause: str, facts: dict[str, Any], action: str | None) -> None:
    entity = Entity("deployment", "cart")
    known = Facts("Deployment", "cart", "shop", 3, container="cart", earlier_revision=True, **facts)

    found = propose(Seen((Believed(entity, cause, 0.9),), {entity: known}))

    assert (found.candidates[0].action if found.candidates else None) == action


@pytest.mark.parametrize(("more", "action"), [
    ({}, "set_outlier_detection"), ({"ready_pods": 3}, "recreate_pod"), ({"unguarded": False}, "recreate_pod"), ({"replicas": 2, "ready_pods": 2}, "recreate_pod"), ({"mesh_rule": ""}, "recreate_pod")])
def test_a_failing_pod_that_is_served_to_is_left_to_the_mesh_and_else_recreated(more: dict[str, Any], action: str) -> None:
    entity = Entity("pod", "cart-1")
    given: dict[str, Any] = {"replicas": 4, "bad_pods": ("cart-1",), "ready_pods": 4, "mesh_rule": "cart", "unguarded": True, **more}

    found = propose(Seen((Believed(entity, "error_origin", 0.9),), {entity: Facts("Deployment", "cart", "shop", **given)}))

    assert found.candidates[0].action == action
    assert found.candidates[-1].action == "recreate_pod"
