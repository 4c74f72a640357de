"""What stands around a target: its pods, the services and budgets that select them, autoscalers, revisions, quotas.

Objects are read whole, because what is written back must be whole; what is shown of them goes through
:func:`tools.actions.patches.edits`, which hides secrets. Secrets themselves are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signals.kube.matching import labels_match, selector_matches
from telemetry.sources.answers import Trouble
from telemetry.sources.kubernetes.connection import ApiServer
from telemetry.sources.kubernetes.reading import Cluster
from telemetry.sources.kubernetes.resources import MORE, RESOURCES, Resource
from telemetry.sources.kubernetes.revisions import Revision, at, revisions
from tools.actions.action import Obstacle, Target
from tools.actions.connection import gathering
from tools.actions.patches import Object, ready

LINKERD_ROUTE = "HTTPRoute.policy.linkerd.io"
_KINDS = {**{one.kind: one for one in RESOURCES.values() if one.plural != "secrets"}, LINKERD_ROUTE: MORE[0], "IngressClass": MORE[1]}


class Hindered(Exception):  # noqa: N818 - what stands in the way, not an error
    """A change cannot be worked out; the obstacle says why."""

    def __init__(self, obstacle: Obstacle) -> None:
        self.obstacle = obstacle
        super().__init__(obstacle.why)


def hindered(kind: str, why: str, better: str = "") -> Hindered:
    """What is raised where a change ends."""
    return Hindered(Obstacle(kind, why, better))


class World(Cluster):
    """A cluster whose objects come whole."""

    def __init__(self, server: ApiServer) -> None:
        super().__init__(server)

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """One object by its kind; None when it is not there. Raises Trouble."""
        return self.object(gathering(), kind_of(kind), name, namespace)

    def around(self, kind: str, namespace: str) -> list[dict[str, Any]] | None:
        """All objects of a kind in a namespace; None when they cannot be read."""
        try:
            return self.objects(gathering(), kind_of(kind), namespace)
        except Trouble:
            return None

    def _object(self, one: Resource, each: Mapping[str, Any], *, closed: bool, listed: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if closed or one.plural == "secrets":
            raise Trouble("Secrets are not read for a change", status="not_assessed")
        if not isinstance(each.get("metadata"), dict):
            raise Trouble(f"the answer is not what was asked for: one of {one.plural} has no metadata")
        version = str((listed or {}).get("apiVersion") or each.get("apiVersion") or "")
        return {**each, "kind": one.kind, **({"apiVersion": version} if version else {})}


def kind_of(kind: str) -> Resource:
    """The resource of a target's kind. Raises KeyError for one that no action knows."""
    return _KINDS[kind]


@dataclass(frozen=True, slots=True)
class Situation:
    """A target as the API has it, and the world around it."""

    target: Target
    object: Object
    world: World

    @property
    def spec(self) -> Mapping[str, Any]:
        found = self.object.get("spec")
        return found if isinstance(found, Mapping) else {}

    @property
    def pod_template(self) -> Mapping[str, Any]:
        found = self.spec.get("template")
        return found if isinstance(found, Mapping) else {}

    @property
    def replicas(self) -> int:
        """Pods that a workload wants (1 when it does not say)."""
        found = self.spec.get("replicas")
        return found if isinstance(found, int) else 1

    def pods(self) -> list[dict[str, Any]] | None:
        """Its pods by its selector; None when they cannot be read."""
        selector = self.spec.get("selector")
        return self.pods_of(selector) if isinstance(selector, Mapping) else []

    def pods_of(self, selector: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Pods of the namespace that a LabelSelector takes."""
        every = self.world.around("Pod", self.target.namespace)
        return None if every is None else [each for each in every if selector_matches(selector, labels_of(each))]

    def services(self, labels: Mapping[str, Any]) -> tuple[str, ...]:
        """Names of the services that select pods of these labels."""
        every = self.world.around("Service", self.target.namespace) or []
        return tuple(sorted(str(at(each, "metadata", "name")) for each in every if labels_match(at(each, "spec", "selector") or {}, labels)))

    def budgets(self, labels: Mapping[str, Any]) -> list[dict[str, Any]]:
        """PodDisruptionBudgets that hold for pods of these labels."""
        every = self.world.around("PodDisruptionBudget", self.target.namespace) or []
        return [each for each in every if at(each, "spec", "selector") is not None and selector_matches(at(each, "spec", "selector"), labels)]

    def autoscalers(self) -> list[dict[str, Any]]:
        """Autoscalers that set the number of its pods."""
        every = self.world.around("HorizontalPodAutoscaler", self.target.namespace) or []
        return [each for each in every if (at(each, "spec", "scaleTargetRef", "kind"), at(each, "spec", "scaleTargetRef", "name"))
                == (self.target.kind, self.target.name)]

    def revisions(self) -> list[Revision]:
        """Its recorded revisions, oldest first, with whole templates. Raises Hindered when they cannot be read."""
        kind = "ReplicaSet" if self.target.kind == "Deployment" else "ControllerRevision"
        every = self.world.around(kind, self.target.namespace)
        if every is None:
            raise hindered("forbidden", f"the {kind}s that hold the revisions cannot be read", "grant list of them (deploy/rbac-read.yaml)")
        return revisions(self.object, every)


def labels_of(each: Object) -> Mapping[str, Any]:
    """An object's labels."""
    found = at(each, "metadata", "labels")
    return found if isinstance(found, Mapping) else {}


def name_of(each: Object) -> str:
    """An object's name."""
    return str(at(each, "metadata", "name") or "")


def ready_pods(pods: list[dict[str, Any]]) -> int:
    """How many take requests."""
    return sum(ready(each) for each in pods)
