"""What is read of a cluster for proposals, from API objects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.decision.facts import facts_of
from agent.decision.situation import Facts
from evals.actions.cluster import objects
from signals.kube.state import ClusterState
from signals.observed import Entity
from telemetry.sources.kubernetes.resources import RESOURCES

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SUBSETS: list[dict[str, Any]] = [{"name": name, "labels": {"track": name}} for name in ("stable", "canary")]


def state(workloads: Mapping[str, Any], *more: dict[str, Any], **told: Any) -> ClusterState:
    """A cluster of these workloads and objects, every kind looked at."""
    plural = {one.kind: name for name, one in RESOURCES.items()}
    held: dict[str, list[Any]] = {name: [] for name in plural.values()}
    for each in objects({"workloads": workloads, "objects": list(more), **told}, NOW):
        held.setdefault(plural.get(each["kind"], each["kind"].lower() + "s"), []).append(each)
    return ClusterState({kind: tuple(found) for kind, found in held.items()})


def facts(found: ClusterState, kind: Any, name: str) -> Facts | None:
    entity = Entity(kind, name)
    return facts_of(found, int(NOW.timestamp() * 1e6), [entity]).get(entity)


def known(found: ClusterState, kind: Any, name: str) -> Facts:
    one = facts(found, kind, name)
    assert one is not None
    return one


def test_a_service_is_the_workload_behind_it() -> None:
    found = state({"cart-v2": {"pod_labels": {"app": "cart"}}},
                  {"kind": "Service", "metadata": {"name": "cart", "namespace": "shop"}, "spec": {"selector": {"app": "cart"}}})

    assert known(found, "service", "cart").name == "cart-v2"


def test_a_name_that_fits_two_workloads_fits_none() -> None:
    twin = {"kind": "Deployment", "metadata": {"name": "cart", "namespace": "staging"}, "spec": {"replicas": 1}}

    assert facts(state({"cart": {}}, twin), "service", "cart") is None


def test_a_blamed_pod_is_bad_though_it_is_ready() -> None:
    assert known(state({"mail": {"replicas": 4}}), "pod", "mail-2").bad_pods == ("mail-2",)


@pytest.mark.parametrize(("minutes", "leaking"), [(3, False), (119, False), (120, True), (3000, True)])
def test_what_ran_for_hours_before_it_was_killed_leaks(minutes: int, *, leaking: bool) -> None:
    one = known(state({"feed": {"memory": "512Mi", "bad": [0], "oom_after": minutes}}), "service", "feed")

    assert (one.leaking, one.memory_used) == (leaking, 512 * 2.0**20)


def test_of_several_containers_the_killed_one_is_meant() -> None:
    proxy = {"name": "proxy", "image": "p:1", "resources": {"limits": {"memory": "64Mi"}}}
    one = known(state({"cart": {"memory": "1Gi", "bad": [0], "oom_after": 3, "sidecars": [proxy]}}), "service", "cart")

    assert (one.container, one.memory_limit) == ("cart", 2.0**30)


def test_of_several_healthy_containers_none_is_meant() -> None:
    assert known(state({"cart": {"memory": "1Gi", "sidecars": [{"name": "proxy", "image": "p:1"}]}}), "service", "cart").container is None


def route(stable: int, canary: int) -> tuple[dict[str, Any], ...]:
    parts = [{"destination": {"host": "pay", "subset": name}, "weight": weight} for name, weight in (("stable", stable), ("canary", canary))]
    about = {"name": "pay", "namespace": "shop"}
    return ({"kind": "Service", "metadata": about, "spec": {"selector": {"app": "pay"}}},
            {"kind": "VirtualService", "metadata": about, "spec": {"http": [{"route": parts}]}},
            {"kind": "DestinationRule", "metadata": about, "spec": {"host": "pay", "subsets": SUBSETS}})


def canaries(stable: int, canary: int) -> ClusterState:
    return state({f"pay-{name}": {"pod_labels": {"app": "pay", "track": name}} for name in ("stable", "canary")}, *route(stable, canary))


def test_a_canary_is_the_smaller_of_two_destinations() -> None:
    one = known(canaries(90, 10), "deployment", "pay-canary")

    assert (one.route, one.stable, one.canary) == ("pay", "pay/stable", "pay/canary")


@pytest.mark.parametrize(("stable", "canary"), [(100, 0), (10, 90), (0, 100)])
def test_what_gets_no_requests_or_most_of_them_is_no_canary(stable: int, canary: int) -> None:
    assert known(canaries(stable, canary), "deployment", "pay-canary").route == ""


def test_the_stable_version_is_not_taken_for_a_canary() -> None:
    assert known(canaries(90, 10), "deployment", "pay-stable").route == ""


def test_a_node_counts_only_nodes_that_take_pods() -> None:
    nodes = {"n1": {}, "n2": {"ready": False}, "n3": {"cordoned": True}, "plane": {"taint": "node-role.kubernetes.io/control-plane"}, "n4": {}}

    assert known(state({}, nodes=nodes), "node", "n1").other_nodes == 1


def test_a_revision_that_cannot_be_read_is_left_to_the_dry_run() -> None:
    found = state({"edge": {"kind": "DaemonSet"}, "cart": {}, "pay": {"revisions": 2}})

    assert [known(found, "service", name).earlier_revision for name in ("edge", "cart", "pay")] == [True, False, True]


def test_an_event_says_how_many_pods_there_were() -> None:
    event = {"kind": "Event", "metadata": {"name": "e", "namespace": "shop"}, "involvedObject": {"kind": "Deployment", "name": "stock", "namespace": "shop"},
             "reason": "ScalingReplicaSet", "message": "Scaled down replica set stock-1 from 4 to 0"}

    assert known(state({"stock": {"replicas": 0}}, event), "deployment", "stock").replicas_before == 4


def test_a_probe_waits_as_its_defaults_say() -> None:
    probes = {"livenessProbe": {"tcpSocket": {"port": 80}, "failureThreshold": 2}}

    assert known(state({"bill": {"probes": probes}}), "service", "bill").probe_seconds == {"liveness": 20.0}
