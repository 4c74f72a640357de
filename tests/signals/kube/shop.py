"""A small healthy shop as API objects, to break in one place: web calls cart, cart calls the database."""

from __future__ import annotations

import copy
from typing import Any

from signals.kube.clock import SECOND, written
from signals.kube.diagnose import diagnose
from signals.kube.finding import Finding
from signals.kube.state import ClusterState, Connectivity, ContainerLog, NodeService
from signals.observed import Series

Json = dict[str, Any]
NOW = 1_767_225_600 * SECOND
NAMESPACE = "shop"


class Shop:
    """Objects by kind; tests change them and ask for a diagnosis."""

    def __init__(self) -> None:
        self.objects: dict[str, list[Json]] = {kind: [] for kind in (
            "pods", "deployments", "replicasets", "statefulsets", "services", "endpoints", "nodes", "events", "persistentvolumeclaims",
            "persistentvolumes", "storageclasses", "resourcequotas", "serviceaccounts", "configmaps", "secrets", "networkpolicies", "ingresses")}
        self.logs: list[ContainerLog] = []
        self.node_services: list[NodeService] = []
        self.connectivity: list[Connectivity] = []
        self.requests: list[Series] = []
        self.objects["nodes"] = [node("plane", plane=True), node("n1"), node("n2")]
        self.objects["serviceaccounts"] = [named("ServiceAccount", "default")]
        for name, port, env in (("web", 8080, {"CART_ADDR": "cart:7070"}), ("cart", 7070, {"DB_HOST": "db", "DB_PORT": "3306"}), ("db", 3306, {})):
            self.add(name, port, env)
        self.container("db")["image"] = "mysql:8.0"
        for each in self.pods("db"):
            each["spec"]["containers"][0]["image"] = "mysql:8.0"

    def add(self, name: str, port: int, env: dict[str, str]) -> None:
        """A workload with one ready pod and a service."""
        spec = {"serviceAccountName": "default", "containers": [{
            "name": name, "image": f"registry.example/{name}:1", "ports": [{"containerPort": port, "protocol": "TCP"}],
            "env": [{"name": key, "value": value} for key, value in env.items()],
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}}}]}
        self.objects["deployments"].append({**named("Deployment", name), "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}}, "spec": spec}}})
        self.objects["replicasets"].append({"metadata": {"name": f"{name}-6c", "namespace": NAMESPACE,
                                                         "ownerReferences": [{"kind": "Deployment", "name": name}]}, "spec": {"replicas": 1}})
        self.objects["pods"].append({
            "metadata": {"name": f"{name}-6c-x", "namespace": NAMESPACE, "labels": {"app": name},
                         "ownerReferences": [{"kind": "ReplicaSet", "name": f"{name}-6c"}]},
            "spec": {**copy.deepcopy(spec), "nodeName": "n1" if name != "db" else "n2"},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [
                {"name": name, "ready": True, "restartCount": 0, "state": {"running": {}}, "lastState": {}}]}})
        self.objects["services"].append({**named("Service", name), "spec": {
            "type": "ClusterIP", "selector": {"app": name}, "ports": [{"port": port, "targetPort": port, "protocol": "TCP"}]}})
        self.objects["endpoints"].append({**named("Endpoints", name), "subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]})

    def deployment(self, name: str) -> Json:
        """The Deployment of that name."""
        return next(each for each in self.objects["deployments"] if each["metadata"]["name"] == name)

    def container(self, name: str) -> Json:
        """The first container of its template."""
        return self.deployment(name)["spec"]["template"]["spec"]["containers"][0]  # type: ignore[no-any-return]

    def template(self, name: str) -> Json:
        """Its pod spec."""
        return self.deployment(name)["spec"]["template"]["spec"]  # type: ignore[no-any-return]

    def service(self, name: str) -> Json:
        """The Service of that name."""
        return next(each for each in self.objects["services"] if each["metadata"]["name"] == name)

    def pods(self, name: str) -> list[Json]:
        """Pods of a workload."""
        return [each for each in self.objects["pods"] if each["metadata"]["labels"]["app"] == name]

    def apply(self, name: str) -> None:
        """Give its pods what the template says."""
        for each in self.pods(name):
            node_name = each["spec"].get("nodeName")
            each["spec"] = copy.deepcopy(self.template(name)) | ({"nodeName": node_name} if node_name else {})

    def pend(self, name: str, message: str = "") -> None:
        """Its pod has no node; the scheduler says why."""
        self.apply(name)
        for each in self.pods(name):
            each["spec"].pop("nodeName", None)
            each["status"] = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]}
        if message:
            self.event("Pod", f"{name}-6c-x", "FailedScheduling", message)

    def wait(self, name: str, reason: str, message: str = "", *, exit_code: int | None = None, restarts: int = 4, last: str = "Error") -> None:
        """Its container waits, perhaps between two crashes."""
        self.apply(name)
        for each in self.pods(name):
            each["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
            ended = {"terminated": {"exitCode": exit_code, "reason": last}} if exit_code is not None else {}
            each["status"]["containerStatuses"][0] |= {"ready": False, "restartCount": restarts if exit_code is not None else 0,
                                                       "state": {"waiting": {"reason": reason, "message": message}}, "lastState": ended}

    def unready(self, name: str, restarts: int = 0) -> None:
        """Its container runs and is not ready."""
        self.apply(name)
        for each in self.pods(name):
            each["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
            each["status"]["containerStatuses"][0] |= {"ready": False, "restartCount": restarts}

    def drop(self, name: str) -> None:
        """It has no pods."""
        self.objects["pods"] = [each for each in self.objects["pods"] if each["metadata"]["labels"]["app"] != name]

    def event(self, kind: str, name: str, reason: str, message: str, *, count: int = 5, ago: int = 20, normal: bool = False) -> None:
        """An event about an object."""
        self.objects["events"].append({"involvedObject": {"kind": kind, "name": name, "namespace": NAMESPACE}, "reason": reason, "message": message,
                                       "type": "Normal" if normal else "Warning", "count": count, "lastTimestamp": written(NOW - ago * SECOND)})

    def log(self, name: str, *lines: str, container: str = "", previous: bool = False) -> None:
        """Lines of its log."""
        self.logs.append(ContainerLog(NAMESPACE, f"{name}-6c-x", container or name, lines, previous))

    def state(self) -> ClusterState:
        """All of it."""
        return ClusterState(objects={kind: tuple(each) for kind, each in self.objects.items()}, logs=tuple(self.logs), requests=tuple(self.requests),
                            node_services=tuple(self.node_services), connectivity=tuple(self.connectivity))

    def findings(self, symptom: str = "") -> list[Finding]:
        """The diagnosis."""
        return diagnose(self.state(), now=NOW, namespace=NAMESPACE, symptom=symptom)

    def first(self) -> tuple[str, str, str]:
        """(cause, entity kind, entity name) of the first finding."""
        best = self.findings()[0]
        return best.cause, best.entity.kind, best.entity.name


def named(kind: str, name: str) -> Json:
    """An object with a name."""
    return {"kind": kind, "metadata": {"name": name, "namespace": NAMESPACE, "labels": {}}}


def node(name: str, *, plane: bool = False) -> Json:
    """A ready node with four cores."""
    labels = {"kubernetes.io/hostname": name} | ({"node-role.kubernetes.io/control-plane": ""} if plane else {})
    return {"metadata": {"name": name, "labels": labels},
            "spec": {"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}] if plane else []},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi"}, "conditions": [{"type": "Ready", "status": "True"}]}}
