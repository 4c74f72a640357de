"""``cluster.endpoints``: from a service to the pods that serve it, and where the way ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from signals.kube.matching import labels_match
from signals.kube.state import Object, at, items_at, mapping_at, name_of, namespace_of
from signals.kube.view import pod_ready
from telemetry.sources.kubernetes.resources import RESOURCES
from tools.cluster import inputs
from tools.cluster.asking import AbsentError, Asking
from tools.cluster.rows import pairs
from tools.result import Outcome

COLUMNS = ("namespace", "service", "selector", "ports", "pods selected", "pods ready", "addresses ready", "addresses not ready", "wrong")
_SLICE = "kubernetes.io/service-name"
_NEAR = 2
Addresses = tuple[int, int]


def endpoints(asking: Asking, given: inputs.EndpointsInput) -> Outcome:
    """Services with what is behind them; ``wrong`` says where a selector, port or readiness breaks the way."""
    if given.service:
        try:
            services = [asking.one(RESOURCES["services"], given.service, given.namespace)]
        except AbsentError as error:
            return asking.table(COLUMNS, [], given.model_dump(mode="json"), why=error.what)
        namespace = namespace_of(services[0])
    else:
        namespace = given.namespace or ""
        services = asking.need("services", namespace)
    lists = asking.all(("pods", "endpointslices"), namespace)
    if "endpointslices" not in lists:
        lists = {**lists, **asking.all(("endpoints",), namespace)}
    rows = []
    for service in services:
        own = [pod for pod in lists.get("pods", ()) if namespace_of(pod) == namespace_of(service) and selects(service, pod)]
        counted = addresses(service, lists.get("endpointslices"), lists.get("endpoints"))
        ready, mute = counted if counted is not None else ("not known", "not known")
        rows.append([namespace_of(service), name_of(service), pairs(mapping_at(service, "spec", "selector")), _ports(service),
                     len(own) if "pods" in lists else "not known", sum(map(pod_ready, own)) if "pods" in lists else "not known", ready, mute,
                     "; ".join(wrong(service, own, lists["pods"], counted) if "pods" in lists else ())])
    rows.sort(key=lambda row: (not row[8], row[0], row[1]))
    return asking.table(COLUMNS, rows, given.model_dump(mode="json"), why="there is no service" + (f" in {given.namespace}" if given.namespace else ""))


def selects(service: Object, pod: Object) -> bool:
    """Whether its selector takes the pod; a service without one takes none by itself."""
    wanted = mapping_at(service, "spec", "selector")
    return bool(wanted) and labels_match(wanted, mapping_at(pod, "metadata", "labels"))


def addresses(service: Object, slices: Sequence[Object] | None, old: Sequence[Object] | None) -> Addresses | None:
    """(ready, not ready) addresses of a service; None when neither slices nor Endpoints could be read."""
    namespace, name = namespace_of(service), name_of(service)
    if slices is not None:
        own = [one for each in slices if namespace_of(each) == namespace and at(each, "metadata", "labels", _SLICE) == name
               for one in items_at(each, "endpoints")]
        ready = sum(len(items_at(one, "addresses")) for one in own if at(one, "conditions", "ready") is not False)
        return ready, sum(len(items_at(one, "addresses")) for one in own) - ready
    if old is None:
        return None
    parts = [part for each in old if namespace_of(each) == namespace and name_of(each) == name for part in items_at(each, "subsets")]
    return sum(len(items_at(one, "addresses")) for one in parts), sum(len(items_at(one, "notReadyAddresses")) for one in parts)


def wrong(service: Object, own: Sequence[Object], pods: Sequence[Object], counted: Addresses | None) -> Iterator[str]:
    """What breaks the way from a service to its pods."""
    if at(service, "spec", "type") == "ExternalName":
        return
    if not mapping_at(service, "spec", "selector"):
        if counted == (0, 0):
            yield "it has no selector, and nobody gave it addresses"
        return
    if not own:
        yield "its selector matches no pod" + _nearest(service, pods)
        return
    if not any(map(pod_ready, own)):
        yield f"none of its {len(own)} pods is ready"
    for port in items_at(service, "spec", "ports"):
        yield from _port(port, own)
    if counted is not None and not counted[0] and any(map(pod_ready, own)):
        yield "pods are ready, but it has no ready address: look at the endpoint controller and at publishNotReadyAddresses"


def _port(port: Object, own: Sequence[Object]) -> Iterator[str]:
    """A target that no pod offers. A number that no container declares may be listened on all the same."""
    target = port.get("targetPort") or port.get("port")
    declared = {str(one.get("name") or ""): one.get("containerPort") for pod in own for each in items_at(pod, "spec", "containers") for one in items_at(each, "ports")}
    if isinstance(target, str) and not target.isdigit():
        if target not in declared:
            yield f"port {port.get('port')} leads to the port named {target}, which no container has ({', '.join(filter(None, declared)) or 'none is named'})"
    elif declared and int(target or 0) not in declared.values() and not _offers(own, int(target or 0)):
        yield f"port {port.get('port')} leads to {target}, but the containers declare {', '.join(sorted({str(one) for one in _offered(own)}))}"


def _offered(own: Sequence[Object]) -> set[int]:
    return {int(one.get("containerPort") or 0) for pod in own for each in items_at(pod, "spec", "containers") for one in items_at(each, "ports")}


def _offers(own: Sequence[Object], port: int) -> bool:
    return port in _offered(own)


def _nearest(service: Object, pods: Sequence[Object]) -> str:
    """The pods that miss the selector by least: a misspelt or changed label."""
    wanted = mapping_at(service, "spec", "selector")
    best: tuple[int, str] | None = None
    for pod in pods:
        if namespace_of(pod) != namespace_of(service):
            continue
        own = mapping_at(pod, "metadata", "labels")
        met = sum(own.get(key) == value for key, value in wanted.items())
        off = [f"{key} is {own.get(key, 'not set')} there, not {value}" for key, value in wanted.items() if own.get(key) != value]
        like = name_of(pod).startswith(name_of(service))
        if (met or like) and len(off) <= _NEAR and (best is None or met > best[0]):
            best = met, f"; nearest is {name_of(pod)}: {', '.join(off)}"
    return best[1] if best else ""


def _ports(service: Object) -> str:
    return ", ".join(f"{one.get('port')}→{one.get('targetPort') or one.get('port')}" for one in items_at(service, "spec", "ports"))
