"""Routes that lead to a wrong service: Ingress, Gateway API, Istio, and gateways configured by a ConfigMap or environment.

Sources: kubernetes.io/docs/concepts/services-networking/ingress, gateway-api.sigs.k8s.io (HTTPRoute ``backendRefs``),
istio.io/latest/docs/reference/config/networking/virtual-service, docs.spring.io/spring-cloud-gateway (``spring.cloud.
gateway.routes``: ``id``, ``uri``, ``predicates``).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signals.kube.excerpts import excerpts
from signals.kube.finding import CONFIGURED, LIKELY, POSSIBLE, STATED, Finding, Rule, found
from signals.kube.matching import labels_match, nearest
from signals.kube.state import Object, at, items_at, mapping_at, name_of, namespace_of
from signals.kube.view import View, Workload
from signals.observed import Entity

_SPRING = re.compile(r"-\s*id:\s*[\"']?(?P<id>[\w.-]+)[\"']?\s*\n(?:\s+.*\n)??\s+uri:\s*[\"']?(?:lb|https?|ws)://(?P<host>[\w.-]+)(?::(?P<port>\d+))?", re.M)
_NGINX = re.compile(r"location\s+(?:[=~^*]+\s+)?(?P<path>/[^\s{]*)[^}]*?proxy_pass\s+https?://(?P<host>[\w.-]+)(?::(?P<port>\d+))?", re.S)

_REFUSED = re.compile(r"(?:Connection refused|connection timed out|finishConnect\(\.\.\) failed)[^\n]{0,80}?:? (?P<host>[a-z][\w.-]*)/\d+\.\d+\.\d+\.\d+:(?P<port>\d+)|"
                      r"(?:UnknownHostException: |Failed to resolve '|host not found in upstream \"|ENOTFOUND |lookup )(?P<unknown>[a-z][\w-]*)")
"""Netty, the JDK, nginx, Node and Go name the host they wanted."""

_ACCESS = re.compile(r"\"[A-Z]{3,7} (?P<path>/[^\s?\"]*)[^\"]* HTTP/[\d.]+\" (?P<status>\d{3})\b")
"""Common log format, as nginx, Apache and Envoy write it."""
_ASTRAY = {"404", "405", "502", "503", "504"}


@dataclass(frozen=True, slots=True)
class Route:
    """One route. ``owner`` is the workload or object that routes, ``hint`` what it is called or matches."""

    owner: Entity
    namespace: str
    host: str
    port: str
    hint: str
    ref: str


def misrouted(view: View) -> Iterator[Finding]:
    """Routes to a service or port that does not exist, or to another service than the route is named after."""
    if not view.state.knows("services"):
        return
    for route in routes(view):
        namespace = route.host.split(".")[1] if re.search(r"\.svc|\.\w+$", route.host) and "." in route.host else route.namespace
        name = route.host.split(".")[0]
        service = view.service(name, namespace)
        why, strength = "", STATED
        if service is None:
            like = nearest(name, [name_of(each) for each in view.state.of("services", namespace)])
            why = f"there is no service {name} in {namespace}" + (f", but {like}" if like else "")
        elif route.port and not _offers(service, route.port):
            why = f"service {name} offers no port {route.port}"
        elif other := _meant(view, route, name):
            why, strength = f"it goes to {name}, and is named after {other}", CONFIGURED
        if why:
            yield found("gateway_route", route.owner, f"route {route.hint} → {route.host}{f':{route.port}' if route.port else ''}: {why}",
                        strength, namespace=route.namespace, refs=(route.ref,))


def _offers(service: Object, port: str) -> bool:
    return any(port in {str(each.get("port")), str(each.get("name"))} for each in items_at(service, "spec", "ports"))


def _meant(view: View, route: Route, name: str) -> str:
    """Another service whose whole name the route is called by."""
    services = {name_of(each) for each in view.state.of("services", route.namespace)}
    hint = re.sub(r"[-_]route$", "", route.hint.lower().strip("/"))
    return hint if hint in services and hint != name else ""


def routes(view: View) -> Iterator[Route]:
    """All routes that are known."""
    for kind, read in (("ingresses", _ingress), ("httproutes", _httproute), ("virtualservices", _virtual)):
        for each in view.state.of(kind, view.namespace):
            yield from read(view, each, f"kube:{kind}/{namespace_of(each)}/{name_of(each)}")
    yield from _configured(view)
    for workload in view.workloads:
        yield from _environment(workload)


def _ingress(view: View, each: Object, ref: str) -> Iterator[Route]:
    backends = [("default", at(each, "spec", "defaultBackend"))]
    for rule in items_at(each, "spec", "rules"):
        backends += [(str(at(path, "path") or "/"), at(path, "backend")) for path in items_at(rule, "http", "paths")]
    for hint, backend in backends:
        name = at(backend, "service", "name")
        if name:
            port = at(backend, "service", "port", "number") or at(backend, "service", "port", "name") or ""
            yield Route(_owner(view, each, str(name)), namespace_of(each), str(name), str(port), hint, ref)


def _httproute(view: View, each: Object, ref: str) -> Iterator[Route]:
    for rule in items_at(each, "spec", "rules"):
        path = next((str(at(match, "path", "value")) for match in items_at(rule, "matches") if at(match, "path", "value")), name_of(each))
        for backend in items_at(rule, "backendRefs"):
            namespace = str(backend.get("namespace") or namespace_of(each))
            yield Route(_owner(view, each, str(backend.get("name"))), namespace, str(backend.get("name")), str(backend.get("port") or ""),
                        path if path != "/" else name_of(each), ref)


def _virtual(view: View, each: Object, ref: str) -> Iterator[Route]:
    hosts = [str(host) for host in items_at(each, "spec", "hosts")]
    for kind in ("http", "tcp", "tls"):
        for rule in items_at(each, "spec", kind):
            for target in items_at(rule, "route"):
                host = str(at(target, "destination", "host") or "")
                hint = next((h.split(".")[0] for h in hosts if "*" not in h), name_of(each))
                if host:
                    yield Route(_owner(view, each, hint), namespace_of(each), host, str(at(target, "destination", "port", "number") or ""), hint, ref)


def _owner(view: View, each: Object, name: str) -> Entity:
    """The workload a route is meant for, else the route's own name."""
    namespace = namespace_of(each)
    labels = mapping_at(each, "metadata", "labels")
    for candidate in (name_of(each), str(labels.get("app") or ""), name):
        workload = view.workload(candidate, namespace) or view.workload(re.sub(r"[-_](?:ingress|route|gateway|vs|virtualservice)$", "", candidate), namespace)
        if workload is not None:
            return workload.entity
    return Entity("deployment", name)


def _configured(view: View) -> Iterator[Route]:
    """Routes in ConfigMaps and environments of workloads."""
    for workload in view.workloads:
        for ref, text in _texts(view, workload):
            for pattern in (_SPRING, _NGINX):
                for match in pattern.finditer(text):
                    hint = match["id"] if "id" in match.re.groupindex else match["path"]
                    yield Route(workload.entity, workload.namespace, match["host"], match["port"] or "", hint, ref)


def _texts(view: View, workload: Workload) -> Iterator[tuple[str, str]]:
    for volume in items_at(workload.spec, "volumes"):
        config = view.state.find("configmaps", str(at(volume, "configMap", "name") or ""), workload.namespace)
        data: Mapping[str, Any] = mapping_at(config, "data")
        for value in data.values():
            yield f"kube:configmaps/{workload.namespace}/{name_of(config or {})}", str(value)
    for container in workload.containers:
        for each in items_at(container, "env"):
            if "\n" in str(each.get("value") or ""):
                yield workload.ref, str(each["value"])


def _environment(workload: Workload) -> Iterator[Route]:
    """Spring's relaxed binding: ``SPRING_CLOUD_GATEWAY_ROUTES_3_URI`` beside ``…_3_ID`` or ``…_3_PREDICATES_0``."""
    for container in workload.containers:
        given = {str(each.get("name")).upper(): str(each.get("value") or "") for each in items_at(container, "env")}
        for name, value in given.items():
            match = re.fullmatch(r"(?P<route>.*ROUTES?\W*_?\[?\d+\]?_?\.?)URI", name)
            target = re.match(r"(?:lb|https?|ws)://(?P<host>[\w.-]+)(?::(?P<port>\d+))?", value)
            if match and target:
                hint = given.get(f"{match['route']}ID") or name.lower()
                yield Route(workload.entity, workload.namespace, target["host"], target["port"] or "", hint, workload.ref)


def refused(view: View) -> Iterator[Finding]:
    """Programs that are sent to a port a service does not offer, or to a name that is nearly one, by their logs alone."""
    for workload in view.workloads:
        cause = "gateway_route" if routes_for_others(view, workload) else "env_address"
        for hit in excerpts(view, workload, _REFUSED):
            host, port = hit.match["host"] or hit.match["unknown"], hit.match["port"] or ""
            service = view.service(host.split(".")[0], workload.namespace)
            like = "" if service else nearest(host.split(".")[0], [name_of(each) for each in view.state.of("services", workload.namespace)])
            if (service is not None and port and not _offers(service, port)) or (like and view.workload(host, workload.namespace) is None):
                why = f"it has no port {port}" if service else f"there is no such service, but {like}"
                yield found(cause, workload.entity, f"{workload.name} asks {host}{f':{port}' if port else ''}, and {why}: “{hit.line}” (x{hit.count})",
                            CONFIGURED + 0.5, namespace=workload.namespace, refs=(workload.ref, hit.ref), at=hit.at)


def astray(view: View) -> Iterator[Finding]:
    """Paths that an entry's access log shows to fail always, while its other paths are served: weak, since the service behind
    may fail itself; "not found" and "not allowed" speak for a wrong backend, 502 to 504 for one that does not answer."""
    for workload in view.workloads:
        tally: dict[str, Counter[str]] = defaultdict(Counter)
        for log in view.logs_of(workload) if routes_for_others(view, workload) else ():
            for match in _ACCESS.finditer(view.text(log)):
                tally[_prefix(match["path"])][match["status"]] += 1
        served = sum(count for statuses in tally.values() for status, count in statuses.items() if status < "400")
        for path, statuses in tally.items():
            worst, count = statuses.most_common(1)[0]
            if served and count >= 5 and worst in _ASTRAY and count >= 0.9 * sum(statuses.values()):
                yield found("gateway_route", _router(view, workload).entity,
                            f"{workload.name} answers {worst} to all {count} requests for {path}, and serves others",
                            POSSIBLE + (0.7 if worst in {"404", "405"} else 0.1), namespace=workload.namespace, refs=(workload.ref,))


def _prefix(path: str) -> str:
    """A path up to its first identifier, four steps at most."""
    steps = path.strip("/").split("/")[:4]
    end = next((place for place, each in enumerate(steps) if re.search(r"\d", each) and not re.fullmatch(r"v\d", each)), len(steps))
    return "/" + "/".join(steps[:end])


def _router(view: View, entry: Workload) -> Workload:
    """Of an entry and what it calls, the one that calls most others."""
    near = [entry, *(each for each in view.workloads if each.key in view.calls.get(entry.key, frozenset()))]
    return max(near, key=lambda each: len(view.calls.get(each.key, frozenset())))


def routes_for_others(view: View, workload: Workload) -> bool:
    """Is it a gateway: by name, or because it calls most others?"""
    named = re.search(r"gateway|ingress|proxy|envoy|nginx|traefik|router", f"{workload.name} {at(workload.spec, 'containers')}"[:400], re.I)
    return bool(named) or len(view.calls.get(workload.key, frozenset())) > max(5, len(view.workloads) // 2)


def gateways(view: View) -> Iterator[Finding]:
    """Istio Gateways whose selector matches no pod (istio.io/latest/docs/reference/config/networking/gateway)."""
    for each in view.state.of("gateways"):
        selector = mapping_at(each, "spec", "selector")
        if selector and view.state.knows("pods") and not any(labels_match(selector, mapping_at(pod, "metadata", "labels"))
                                                             for pod in view.state.of("pods")):
            yield found("gateway_route", Entity("deployment", name_of(each)), f"gateway {name_of(each)} selects no pod", LIKELY - 1,
                        namespace=namespace_of(each), refs=(f"kube:gateways/{namespace_of(each)}/{name_of(each)}",))


RULES: tuple[Rule, ...] = (misrouted, refused, astray, gateways)
