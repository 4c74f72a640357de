"""The double's Deployment controller: what a rollout, a bad rollout and an undo leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from telemetry.sources.kubernetes.resources import RESOURCES
from telemetry.sources.kubernetes.revisions import revisions
from tools.cluster.double.controllers import Deployments
from tools.cluster.double.objects import Objects

BAD = "shop:bad"


class Cluster:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, tzinfo=UTC)
        self.objects = Objects()
        self._react = Deployments(clock=lambda: self.now, starts=lambda template: "CrashLoopBackOff" if self.images(template) == [BAD] else "")

    @staticmethod
    def images(template: Mapping[str, Any]) -> list[str]:
        return [one["image"] for one in template["spec"]["containers"]]

    def roll(self, image: str, replicas: int = 4, **spec: Any) -> dict[str, Any]:
        self.now += timedelta(minutes=1)
        template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}
        self._react(self.objects, self.objects.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
                                                    "spec": {"replicas": replicas, "template": template, **spec}}))
        found = self.objects.get(RESOURCES["deployments"], "shop", "web")
        assert found is not None
        return found

    def pods(self) -> list[str]:
        return sorted(one["spec"]["containers"][0]["image"] for one in self.objects.select(RESOURCES["pods"], "shop"))


def test_a_rollout_leaves_pods_of_the_new_template_and_a_revision_more() -> None:
    cluster = Cluster()

    cluster.roll("shop:1")
    now = cluster.roll("shop:2")

    assert cluster.pods() == ["shop:2"] * 4
    assert (now["status"]["readyReplicas"], now["status"]["updatedReplicas"]) == (4, 4)
    assert [one.images for one in revisions(now, cluster.objects.select(RESOURCES["replicasets"], "shop"))] == [("web=shop:1",), ("web=shop:2",)]


@pytest.mark.parametrize(("strategy", "old", "new"), [
    ({}, 3, 2),  # a quarter may be missing, a quarter may be too many
    ({"strategy": {"type": "Recreate"}}, 0, 4),
    ({"strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}}, 4, 1),
])
def test_a_rollout_whose_pods_do_not_start_stops_halfway(strategy: Any, old: int, new: int) -> None:
    cluster = Cluster()
    cluster.roll("shop:1")

    now = cluster.roll(BAD, **strategy)

    assert cluster.pods() == sorted(["shop:1"] * old + [BAD] * new)
    assert (now["status"]["readyReplicas"], now["status"]["updatedReplicas"]) == (old, new)


def test_an_undo_takes_the_earlier_set_again_under_the_next_number() -> None:
    cluster = Cluster()
    cluster.roll("shop:1")
    cluster.roll(BAD)

    now = cluster.roll("shop:1")

    assert cluster.pods() == ["shop:1"] * 4
    found = revisions(now, cluster.objects.select(RESOURCES["replicasets"], "shop"))
    assert [(one.number, one.undo) for one in found] == [(2, False), (3, True)]
    assert found[-1].time == round(cluster.now.timestamp() * 1_000_000)
    assert now["status"]["readyReplicas"] == 4
