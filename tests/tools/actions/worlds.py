"""A small cluster in a double with one target for every action, and the catalogue on it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.web import Limits
from tools.actions.action import Action, Preview, Target
from tools.actions.catalogue import Catalogue, Systems
from tools.actions.kinds import Bounds
from tools.cluster.double import ApiDouble, kubeconfig

Json = dict[str, Any]
SPACE = "shop"
OLD, NEW = "registry.example/web@sha256:" + "a" * 64, "registry.example/web@sha256:" + "b" * 64
SECRET = "hunter2-correct-horse"


def about(name: str, space: str = SPACE, **more: Any) -> Json:
    return {"name": name, **({"namespace": space} if space else {}), "generation": 1, **more}


def template(app: str, image: str) -> Json:
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 3}
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": [{
        "name": app, "image": image, "env": [{"name": "DB_PASSWORD", "value": SECRET + image[-1]}], "livenessProbe": probe, "readinessProbe": copy.deepcopy(probe),
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}}}]}}


def workload(kind: str, app: str, replicas: int | None = 3) -> list[Json]:
    """A workload of two revisions, and its pods."""
    whole = {"apiVersion": "apps/v1", "kind": kind, "metadata": about(app, labels={"team": "shop"}, annotations={"deployment.kubernetes.io/revision": "2"}),
             "spec": {"selector": {"matchLabels": {"app": app}}, "template": template(app, NEW), **({"replicas": replicas} if replicas is not None else {})},
             "status": {"observedGeneration": 1}}
    owner = [{"apiVersion": "apps/v1", "kind": kind, "name": app, "controller": True}]
    found = [whole]
    for number, image in ((1, OLD), (2, NEW)):
        old = template(app, image)
        if kind == "Deployment":
            old["metadata"]["labels"]["pod-template-hash"] = f"h{number}"
            found.append({"apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {"replicas": 0, "template": old}, "status": {"replicas": 0}, "metadata": about(
                f"{app}-h{number}", ownerReferences=owner, annotations={"deployment.kubernetes.io/revision": str(number)})})
        else:
            found.append({"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number, "metadata": about(f"{app}-h{number}", ownerReferences=owner),
                          "data": {"spec": {"template": {**old, "$patch": "replace"}}}})
    set_ = [{"apiVersion": "apps/v1", "kind": "ReplicaSet" if kind == "Deployment" else kind, "name": f"{app}-h2" if kind == "Deployment" else app, "controller": True}]
    found += [{"kind": "Pod", "metadata": about(f"{app}-{number}", labels={"app": app}, ownerReferences=set_), "spec": {"nodeName": "n1", **template(app, NEW)["spec"]},
               "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}} for number in range(replicas or 1)]
    return [*found, {"kind": "Service", "metadata": about(app), "spec": {"selector": {"app": app}}}]


def node(name: str) -> Json:
    return {"kind": "Node", "metadata": about(name, ""), "spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}


def objects() -> list[Json]:
    istio, gateway = "networking.istio.io/v1", "gateway.networking.k8s.io/v1"
    refs = [{"name": "web", "port": 80, "weight": 80}, {"name": "web-canary", "port": 80, "weight": 20}]
    split = [{"destination": {"host": "web", "subset": "stable"}, "weight": 80}, {"destination": {"host": "web", "subset": "canary"}, "weight": 20}]
    return [
        {"kind": "Namespace", "metadata": about(SPACE, "")}, node("n1"), node("n2"), *workload("Deployment", "web"), *workload("StatefulSet", "db"),
        *workload("DaemonSet", "agent", None), *workload("Deployment", "cart"),
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": about("cart"), "status": {"currentReplicas": 3},
         "spec": {"minReplicas": 2, "maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}}},
        {"apiVersion": istio, "kind": "DestinationRule", "metadata": about("web"), "spec": {"host": "web"}},
        {"apiVersion": istio, "kind": "VirtualService", "metadata": about("web"), "spec": {"hosts": ["web"], "http": [{"route": split}]}},
        {"apiVersion": gateway, "kind": "HTTPRoute", "metadata": about("web"), "spec": {"rules": [{"backendRefs": refs}]}},
        {"apiVersion": "policy.linkerd.io/v1beta3", "kind": "HTTPRoute", "metadata": about("web"), "spec": {"rules": [{"backendRefs": copy.deepcopy(refs)}]}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": about("web"), "spec": {"ingressClassName": "public", "rules": [
            {"http": {"paths": [{"path": "/", "backend": {"service": {"name": "web"}}}]}}]}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": about("public", ""), "spec": {"controller": "k8s.io/ingress-nginx"}},
    ]


def target(kind: str, name: str) -> Target:
    return Target(kind, name, "" if kind == "Node" else SPACE)


CASES: tuple[tuple[str, Target, Mapping[str, Any]], ...] = (
    ("scale", target("Deployment", "web"), {"replicas": 5}),
    ("scale", target("StatefulSet", "db"), {"replicas": 2}),
    ("set_autoscaler_bounds", target("HorizontalPodAutoscaler", "cart"), {"minimum": 4, "maximum": 8}),
    ("restart_rollout", target("Deployment", "web"), {}),
    ("restart_rollout", target("DaemonSet", "agent"), {}),
    ("undo_rollout", target("Deployment", "web"), {}),
    ("undo_rollout", target("StatefulSet", "db"), {"revision": 1}),
    ("undo_rollout", target("DaemonSet", "agent"), {"revision": 1}),
    ("pause_rollout", target("Deployment", "web"), {}),
    ("set_image", target("Deployment", "web"), {"image": OLD}),
    ("raise_limit", target("Deployment", "web"), {"resource": "memory", "limit": "256Mi"}),
    ("raise_limit", target("StatefulSet", "db"), {"resource": "cpu", "limit": "800m", "container": "db"}),
    ("set_probe", target("Deployment", "web"), {"probe": "liveness", "timeout_seconds": 5, "initial_delay_seconds": 30}),
    ("cordon_node", target("Node", "n1"), {}),
    ("set_outlier_detection", target("DestinationRule", "web"), {"consecutive_5xx_errors": 5, "base_ejection_time": "30s"}),
    ("set_connection_pool", target("DestinationRule", "web"), {"max_connections": 100, "http1_max_pending_requests": 10}),
    ("shift_traffic", target("VirtualService", "web"), {"weights": {"web/stable": 100}}),
    ("shift_traffic", target("HTTPRoute", "web"), {"weights": {"web": 100}}),
    ("shift_traffic", target("HTTPRoute.policy.linkerd.io", "web"), {"weights": {"web": 100, "web-canary": 0}}),
    ("set_ingress_rate_limit", target("Ingress", "web"), {"requests_per_second": 20, "burst_multiplier": 3}),
)
"""One or more of every action that is a patch and has something to change; the inverses of some are the others."""
EVICTION = ("recreate_pod", target("Pod", "web-0"), {})


class Shop:
    """The double and the catalogue on it."""

    def __init__(self, double: ApiDouble, folder: Path, **bounds: Any) -> None:
        self.double, self.folder = double, folder
        for each in objects():
            double.objects.put(each)
        self.access = Access(str(kubeconfig(folder, double)), limits=Limits(2, 3, 6))
        self.actions = Catalogue(Systems(self.access, bounds=Bounds(**bounds)), settle_after=0.1)

    def preview(self, name: str, at: Target, params: Mapping[str, Any]) -> Preview:
        return self.actions.preview(name, at, params)

    def held(self, at: Target) -> Json:
        """The target as the server has it."""
        from tools.actions.world import kind_of

        found = self.double.objects.get(kind_of(at.kind), at.namespace, at.name)
        assert found is not None
        return found

    def change(self, at: Target, **metadata: Any) -> Json:
        """What somebody else does to the target: other metadata."""
        found = self.held(at)
        found["metadata"] |= metadata
        return self.double.objects.put(found)

    def put(self, each: Json) -> None:
        self.double.objects.put(each)

    def state(self) -> list[tuple[str, str]]:
        """Every object with its version."""
        return sorted((str(key), each["metadata"]["resourceVersion"]) for key, each in self.double.objects._held.items())

    def specification(self, at: Target) -> Json:
        """What an inverse restores: all but the server's bookkeeping and our mark."""
        found = self.held(at)
        notes = {key: value for key, value in (found["metadata"].get("annotations") or {}).items() if key != "oncalm.dev/action"}
        return {"spec": found.get("spec"), "labels": found["metadata"].get("labels"), "annotations": notes}


def kinds_of(preview: Preview, *, blocking: bool | None = None) -> list[str]:
    return [one.kind for one in preview.obstacles if blocking is None or one.blocking == blocking]


def case_id(case: tuple[str, Target, Mapping[str, Any]]) -> str:
    return f"{case[0]}-{case[1].kind}"


def inverse_of(effect_inverse: Action | None) -> Action:
    assert effect_inverse is not None
    return effect_inverse
