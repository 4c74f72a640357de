"""What holds on every cluster: the double's, and with ``pytest --cluster`` the real one of KUBECONFIG.

On a real cluster a namespace of its own is made and removed; nothing else is touched.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from telemetry.sources.kubernetes.configuration import Access, configuration
from tests.tools.actions.worlds import NEW, Shop, template
from tools.actions.action import Target
from tools.actions.catalogue import Catalogue, Systems
from tools.actions.errors import RefusedError, WorldChangedError
from tools.cluster.double import ApiDouble

Json = dict[str, Any]
CASES = (("scale", {"replicas": 1}), ("pause_rollout", {}), ("raise_limit", {"resource": "memory", "limit": "256Mi"}),
         ("set_probe", {"probe": "liveness", "timeout_seconds": 5}))


class Subject:
    """A catalogue, a Deployment without pods, and a way to change it behind our back."""

    def __init__(self, actions: Catalogue, target: Target, touch: Callable[[], None]) -> None:
        self.actions, self.target, self.touch = actions, target, touch


def _deployment(space: str) -> Json:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "idle", "namespace": space}, "spec": {
        "replicas": 0, "selector": {"matchLabels": {"app": "idle"}}, "template": template("idle", NEW)}}


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Subject]:
    with ApiDouble(token="t0ken-of-oncalm") as server:
        shop, target = Shop(server, tmp_path), Target("Deployment", "idle", "shop")
        shop.put(_deployment("shop"))
        yield Subject(shop.actions, target, lambda: shop.change(target, labels={"somebody": "else"}) and None)
        shop.actions.close()


@pytest.fixture
def real_cluster(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if not request.config.getoption("--cluster"):
        pytest.skip("--cluster was not given: no real cluster is changed")
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.skip("KUBECONFIG is not set: there is no real cluster to change")
    from kubernetes import client

    access, space = Access(path, commands=True), f"oncalm-test-{uuid.uuid4().hex[:8]}"
    api = client.ApiClient(configuration(access))
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    core.create_namespace({"metadata": {"name": space}})
    try:
        apps.create_namespaced_deployment(space, _deployment(space))
        actions = Catalogue(Systems(access))
        yield Subject(actions, Target("Deployment", "idle", space),
                      lambda: apps.patch_namespaced_deployment("idle", space, {"metadata": {"labels": {"somebody": "else"}}}) and None)
        actions.close()
    finally:
        core.delete_namespace(space)


@pytest.fixture(params=["double", "real_cluster"])
def subject(request: pytest.FixtureRequest) -> Subject:
    """Asked for by name, so that the real one is only set up where it is meant."""
    found: Subject = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize(("name", "params"), CASES)
def test_an_action_and_its_inverse_are_done_by_the_server(subject: Subject, name: str, params: Json) -> None:
    preview = subject.actions.preview(name, subject.target, params)
    effect = subject.actions.perform(preview.action)

    assert (preview.checked_by, preview.obstacles) == ("server", ())
    assert subject.actions.settle(preview) == "applied"
    assert effect.inverse is not None
    subject.actions.perform(effect.inverse)
    assert subject.actions.settle(preview, rollback=True) == "applied"
    again = subject.actions.preview(name, subject.target, params)
    before, after = ({one.path: (one.before, one.after) for one in each.diff if "oncalm" not in one.path} for each in (preview, again))
    assert after == before


def test_a_changed_target_is_told(subject: Subject) -> None:
    preview = subject.actions.preview("scale", subject.target, {"replicas": 1})
    subject.touch()

    with pytest.raises(WorldChangedError):
        subject.actions.perform(preview.action)


def test_what_is_not_there_is_refused(subject: Subject) -> None:
    with pytest.raises(RefusedError, match="there is no Deployment"):
        subject.actions.preview("scale", Target("Deployment", "oncalm-nothing", subject.target.namespace), {"replicas": 1})


def test_a_missing_revision_is_an_obstacle(subject: Subject) -> None:
    assert [one.kind for one in subject.actions.preview("undo_rollout", subject.target, {"revision": 77}).obstacles] == ["missing_revision"]
