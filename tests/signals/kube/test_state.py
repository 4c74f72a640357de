"""What a cluster state knows, and what it does not."""

from __future__ import annotations

from signals.kube.state import ClusterState, at, items_at, mapping_at

POD = {"metadata": {"name": "web-1", "namespace": "shop"}, "spec": {"containers": [{"name": "web"}]}}


def test_objects_are_found_by_name_and_namespace() -> None:
    state = ClusterState(objects={"pods": (POD,), "nodes": ({"metadata": {"name": "n1"}},)})

    assert state.find("pods", "web-1", "shop") is POD
    assert state.find("pods", "web-1", "other") is None
    assert state.find("nodes", "n1", "shop") is not None
    assert state.of("pods", "other") == ()


def test_a_kind_nobody_asked_for_is_not_known_to_be_empty() -> None:
    state = ClusterState(objects={"pods": ()}, logs=(), not_assessed={"secrets": "secrets is forbidden"})

    assert state.knows("pods")
    assert state.knows("logs")
    assert not state.knows("services")
    assert dict(state.unknown())["secrets"] == "secrets is forbidden"


def test_what_failed_to_be_read_is_not_known_even_when_part_of_it_came() -> None:
    state = ClusterState(objects={"pods": (POD,)}, not_assessed={"pods": "the second page timed out"})

    assert not state.knows("pods")


def test_a_path_that_is_not_there_gives_nothing() -> None:
    assert at(POD, "spec", "nodeName") is None
    assert items_at(POD, "spec", "containers")[0]["name"] == "web"
    assert items_at(POD, "metadata", "name") == ()
    assert mapping_at(POD, "spec", "nodeSelector") == {}
