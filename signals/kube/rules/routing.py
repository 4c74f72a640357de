"""Services that lead nowhere: selector, ports, protocol, missing, shut off by a policy.

A Service selects pods by its labels and sends ``port`` to ``targetPort`` of each; nothing checks that a container listens
there (kubernetes.io/docs/tasks/debug/debug-application/debug-service).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from signals.kube.excerpts import excerpts
from signals.kube.finding import CONFIGURED, LIKELY, POSSIBLE, STATED, SYMPTOM, Finding, Rule, found
from signals.kube.matching import nearest, selector_matches
from signals.kube.rules.admission import absent_services
from signals.kube.rules.probes import listening
from signals.kube.state import Object, at, items_at, mapping_at, name_of, namespace_of
from signals.kube.view import View, Workload
from signals.observed import Entity

_TIMES_OUT = re.compile(r"i/o timeout|timed? ?out|ETIMEDOUT|deadline exceeded|no route to host", re.I)


def unselected(view: View) -> Iterator[Finding]:
    """Services whose selector matches no pod, or another workload's than the one they are named after."""
    for service in view.services():
        selector = mapping_at(service, "spec", "selector")
        if not selector or at(service, "spec", "type") == "ExternalName":
            continue
        meant = intended(view, service)
        served = view.serving(service)
        wrong = meant is not None and bool(served) and meant.name not in {each.name for each in served} and meant.name == name_of(service)
        if meant is None or (served and not wrong):
            continue
        flat = ",".join(f"{key}={value}" for key, value in selector.items())
        other = f"{', '.join(each.name for each in served)} instead of {meant.name}" if served else "no pod"
        has = ",".join(f"{key}={value}" for key, value in meant.labels.items() if key != "pod-template-hash")
        yield found("service_selector", meant.entity,
                    f"service {name_of(service)} selects {flat}, which is {other}; the pods of {meant.name} carry {has}",
                    STATED if meant.pods else LIKELY, namespace=namespace_of(service), refs=(_ref(service), meant.ref))


def _ref(service: Object) -> str:
    return f"kube:services/{namespace_of(service)}/{name_of(service)}"


def intended(view: View, service: Object) -> Workload | None:
    """The workload a service is meant for: of its name, else of its label, else of the likest name."""
    namespace, name = namespace_of(service), name_of(service)
    there = {each.name: each for each in view.everywhere if each.namespace == namespace}
    labels = mapping_at(service, "metadata", "labels")
    for each in (name, labels.get("app"), labels.get("app.kubernetes.io/name"), labels.get("k8s-app")):
        if each in there:
            return there[str(each)]
    values = [str(each) for each in mapping_at(service, "spec", "selector").values()]
    served = {other for each in view.services() if each is not service for other in (one.name for one in view.serving(each))}
    free = [each for each in there if each not in served]
    like = next((found for value in (name, *values) if (found := nearest(value, free))), "")
    return there.get(like)


def unmapped(view: View) -> Iterator[Finding]:
    """Ports that lead to none of the container's, and ports that no client uses."""
    for service in view.services():
        for workload in view.serving(service):
            for port in items_at(service, "spec", "ports"):
                yield from _port(view, service, workload, port)


def _port(view: View, service: Object, workload: Workload, port: Object) -> Iterator[Finding]:
    target = port.get("targetPort") or port.get("port")
    known: dict[int, str] = {}
    for container in workload.containers:
        known.update({number: who for number, who in listening(view, workload, container).items() if who != "its service"})
    names = {str(at(each, "name")) for container in workload.containers for each in items_at(container, "ports") if at(each, "name")}
    refs = (_ref(service), workload.ref)
    suffers = 0.0 if _fails(view, workload) else -1.0
    numbered = str(target).isdigit()
    if numbered and known and int(str(target)) not in known or not numbered and str(target) not in names and (
            names or not _resolved(view, service)):
        yield found("service_port", workload.entity,
                    f"service {name_of(service)} sends port {port.get('port')} to {target}; {workload.name} listens on "
                    f"{', '.join(f'{each} ({who})' for each, who in known.items()) or 'none of that name'}",
                    STATED + suffers, namespace=workload.namespace, refs=refs)
        return
    wanted = clients(view, service)
    ports = {int(each.get("port") or 0) for each in items_at(service, "spec", "ports")}
    if wanted and not wanted & ports:
        yield found("service_port", workload.entity,
                    f"service {name_of(service)} offers port {', '.join(map(str, sorted(ports)))}; its clients use {', '.join(map(str, sorted(wanted)))}",
                    CONFIGURED, namespace=workload.namespace, refs=refs)


def _resolved(view: View, service: Object) -> bool:
    """Are there endpoints? A named target port that no container has yields none."""
    own = view.state.find("endpoints", name_of(service), namespace_of(service))
    slices = [each for each in view.state.of("endpointslices", namespace_of(service))
              if mapping_at(each, "metadata", "labels").get("kubernetes.io/service-name") == name_of(service)]
    return bool(items_at(own, "subsets")) or any(items_at(each, "endpoints") and items_at(each, "ports") for each in slices) or (
        not view.serving(service) or not any(each.ready for each in view.serving(service)))


def _fails(view: View, workload: Workload) -> bool:
    """Did a probe of connectivity to it fail, or was none made?"""
    tried = [each for each in view.state.connectivity or () if each.target == workload.name]
    return not tried or any(each.outcome != "connected" for each in tried)


def clients(view: View, service: Object) -> set[int]:
    """Ports that clients are told for a service; more than one client, or the one whose port the pod listens on."""
    named = [each.port for workload in view.everywhere for each in view.addresses_of(workload)
             if each.service == name_of(service) and (each.namespace or workload.namespace) == namespace_of(service) and each.port]
    behind = {number for workload in view.serving(service) for container in workload.containers
              for number in listening(view, workload, container)}
    return {each for each in named if named.count(each) > 1 or each in behind}


def unspoken(view: View) -> Iterator[Finding]:
    """The service's transport or application protocol is not that of the port it leads to."""
    for service in view.services():
        for workload in view.serving(service):
            for port in items_at(service, "spec", "ports"):
                target = str(port.get("targetPort") or port.get("port"))
                for container in workload.containers:
                    why = _protocol(port, target, container)
                    if why:
                        yield found("service_protocol", workload.entity, f"service {name_of(service)} port {port.get('port')}: {why}",
                                    STATED if "container port" in why else LIKELY, namespace=workload.namespace,
                                    refs=(_ref(service), workload.ref))


def _protocol(port: Object, target: str, container: Object) -> str:
    own = str(port.get("protocol") or "TCP")
    for each in items_at(container, "ports"):
        if target in {str(each.get("containerPort")), str(each.get("name"))}:
            theirs = str(each.get("protocol") or "TCP")
            if theirs != own:
                return f"it forwards {own}, the container port is {theirs}"
    spoken = str(port.get("appProtocol") or port.get("name") or "").lower()
    for which in ("readinessProbe", "livenessProbe"):
        grpc, http = at(container, which, "grpc", "port"), at(container, which, "httpGet", "port")
        if str(grpc) == target and spoken.split("-")[0] in {"http", "https", "tcp", "udp", "mysql", "redis", "mongo"} and spoken != "http2":
            return f"it is declared {spoken}, and the container's {which} asks gRPC there"
        if str(http) == target and spoken.split("-")[0] in {"grpc", "tcp", "udp", "https", "mysql", "redis", "mongo"} and not (
                spoken.startswith("https") and at(container, which, "httpGet", "scheme") == "HTTPS"):
            return f"it is declared {spoken}, and the container's {which} asks HTTP there"
    return ""


def missing(view: View) -> Iterator[Finding]:
    """Workloads that are called by a name no Service has."""
    for namespace in sorted({each.namespace for each in view.workloads}):
        given = {each.service for workload in view.workloads for each in view.addresses_of(workload)}
        for name in absent_services(view, namespace):
            yield found("service_missing", Entity("deployment", name), f"{name} is called by name, and no service selects it",
                        CONFIGURED if name in given else POSSIBLE - 1, namespace=namespace, refs=(f"kube:services/{namespace}/{name}",))


def silent(view: View) -> Iterator[Finding]:
    """Services without a ready endpoint: a symptom of what ails their pods."""
    for service in view.services():
        served = view.serving(service)
        if served and not any(each.ready for each in served) and not at(service, "spec", "publishNotReadyAddresses"):
            yield found("endpoints_empty", served[0].entity, f"service {name_of(service)} has no ready endpoint", SYMPTOM - 0.5,
                        namespace=namespace_of(service), refs=(_ref(service),))


def shut(view: View) -> Iterator[Finding]:
    """Policies that select pods and let none of their known callers in, or none of their own calls out."""
    for policy in view.state.of("networkpolicies", view.namespace):
        if at(policy, "spec", "podSelector") is None:
            continue  # it was only listed
        types = items_at(policy, "spec", "policyTypes") or ("Ingress",)
        for workload in view.workloads:
            if workload.namespace != namespace_of(policy) or not selector_matches(mapping_at(policy, "spec", "podSelector"), workload.labels):
                continue
            callers = [each for each in view.workloads if workload.key in view.calls.get(each.key, frozenset())]
            shut_in = "Ingress" in types and not any(_lets_in(policy, each) for each in callers)
            shut_out = "Egress" in types and not items_at(policy, "spec", "egress") and bool(view.calls.get(workload.key))
            if (shut_in and callers) or shut_out:
                yield found("network_policy", workload.entity,
                            f"network policy {name_of(policy)} selects {workload.name} and allows "
                            + ("none of its callers" if shut_in else "no outgoing traffic"),
                            CONFIGURED if any(_complains(view, each) for each in callers) else POSSIBLE,
                            namespace=workload.namespace, refs=(f"kube:networkpolicies/{namespace_of(policy)}/{name_of(policy)}",))


def _complains(view: View, caller: Workload) -> bool:
    """Does a caller log that connections time out? Policies drop packets, they do not refuse."""
    return next(excerpts(view, caller, _TIMES_OUT), None) is not None


def _lets_in(policy: Object, caller: Workload) -> bool:
    for rule in items_at(policy, "spec", "ingress"):
        peers = items_at(rule, "from")
        if not peers or any("podSelector" not in each or selector_matches(mapping_at(each, "podSelector"), caller.labels) for each in peers):
            return True
    return False


RULES: tuple[Rule, ...] = (unselected, unmapped, unspoken, missing, silent, shut)
