"""Where a suggested probe would be attached."""

from __future__ import annotations

from typing import Any

from agent.decision.placing import placed
from signals.kube.state import ClusterState

ID = "ab" * 32


def pod(*, running: bool = True, node: str = "node-3") -> dict[str, Any]:
    state = {"running": {}} if running else {"waiting": {}}
    return {"metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}}, "spec": {"nodeName": node},
            "status": {"phase": "Running", "containerStatuses": [{"name": "web", "containerID": f"containerd://{ID}", "state": state}]}}


def state(one: dict[str, Any]) -> ClusterState:
    deployment = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}}}}
    return ClusterState({"deployments": (deployment,), "pods": (one,), "services": ()})


def suggestion(probe: str = "http", side: str = "client") -> dict[str, Any]:
    return {"probe": probe, "side": side, "entity": {"kind": "service", "name": "web"}}


def test_a_service_is_found_on_its_node_by_its_container() -> None:
    (one,) = placed([suggestion()], state(pod()), 0)

    assert one["places"] == [{"node": "node-3", "pod": "shop/web-1", "container": ID,
                              "command": f"oncalm probe run http --node node-3 --container {ID} --side client --service web"}]


def test_a_probe_that_needs_a_port_gets_the_usual_one() -> None:
    (one,) = placed([suggestion("postgres")], state(pod()), 0)

    assert "--port 5432" in one["places"][0]["command"]


def test_what_does_not_run_or_is_not_known_has_no_place() -> None:
    assert placed([suggestion()], state(pod(running=False)), 0)[0]["places"] == []
    assert placed([suggestion()], state(pod(node="")), 0)[0]["places"] == []
    assert placed([suggestion()], None, 0)[0]["places"] == []
