"""Probes that fail although the program runs, and what is wrong with them.

Order of questions: does it ask a port the container listens on? in the protocol spoken there? does the answer say the path
is wrong? does it wait long enough? Messages are those of kubernetes/pkg/probe (http, tcp, grpc, exec) as the kubelet
reports them: ``Liveness probe failed: …`` with reason ``Unhealthy``, ``Container X failed liveness probe, will be
restarted`` with reason ``Killing``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from signals.kube.clock import SECOND
from signals.kube.finding import CONFIGURED, LIKELY, POSSIBLE, STATED, SYMPTOM, Finding, Rule, found
from signals.kube.state import Object, at, items_at, mapping_at
from signals.kube.view import Event, View, Workload, container_statuses, restarts

_FAILED = re.compile(r"^(?P<which>Liveness|Readiness|Startup) probe (?:failed|errored)", re.I)
_PORT = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\]|//[\w.-]+):(?P<port>\d{1,5})", re.I)
_REFUSED = re.compile(r"connection refused|connect: no route|actively refused", re.I)
_PROTOCOL = re.compile(
    r"malformed HTTP|server gave HTTP response to HTTPS|HTTP/1.x transport connection broken|does not look like a TLS handshake|"
    r"error reading server preface|does not implement the grpc health protocol|frame too large|http2:|unexpected (?:HTTP|content-type)|"
    r"rpc error: code = Unimplemented|tls: |transport: received|\bEOF\b|connection reset by peer|unhealthy RPC|missing HTTP content-type", re.I)
_STATUS = re.compile(r"statuscode: (?P<code>\d{3})")
KINDS = ("httpGet", "grpc", "tcpSocket", "exec")
SOON = 90 * SECOND


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe of one container, with what the API defaults."""

    which: str
    container: Object
    spec: Mapping[str, object]

    @property
    def kind(self) -> str:
        """httpGet, grpc, tcpSocket or exec."""
        return next((each for each in KINDS if each in self.spec), "")

    @property
    def port(self) -> int | str | None:
        """The port as written, a number or a name."""
        found = at(self.spec, self.kind, "port")
        return int(found) if str(found).isdigit() else (str(found) if found else None)

    def number(self, key: str, default: int) -> int:
        """A timing in seconds, or a threshold."""
        value = self.spec.get(key)
        return int(value) if isinstance(value, int | float) or str(value or "").isdigit() else default  # type: ignore[call-overload]

    @property
    def patience(self) -> int:
        """Seconds until it first gives up."""
        return self.number("initialDelaySeconds", 0) + self.number("periodSeconds", 10) * self.number("failureThreshold", 3)

    def told(self) -> str:
        """It in one phrase."""
        how = {"httpGet": f"http-get {at(self.spec, 'httpGet', 'path') or '/'} on", "tcpSocket": "tcp", "grpc": "grpc", "exec": "exec"}
        return (f"{self.which} probe {how.get(self.kind, '')} port {self.port} delay={self.number('initialDelaySeconds', 0)}s "
                f"timeout={self.number('timeoutSeconds', 1)}s period={self.number('periodSeconds', 10)}s failures={self.number('failureThreshold', 3)}")


def failing(view: View) -> Iterator[Finding]:
    """A finding for each kind of probe that fails now."""
    for workload in view.workloads:
        seen: set[str] = set()
        for event in view.events_about(workload):
            match = _FAILED.match(event.message) if event.reason == "Unhealthy" else None
            which = match["which"].lower() if match else ""
            if which and which not in seen and _matters(view, workload, which, event):
                seen.add(which)
                yield from _judged(view, workload, which, event)


def _matters(view: View, workload: Workload, which: str, event: Event) -> bool:
    """Red herrings: one failure at start of a pod that serves now, or one long ago."""
    if which == "readiness":
        return not workload.ready
    restarted = any(restarts(pod) for pod in workload.pods) or any(
        each.reason == "Killing" and "probe" in each.message for each in view.events_about(workload))
    return restarted or not workload.ready or (event.count >= 3 and view.recent(event, SOON))


def _judged(view: View, workload: Workload, which: str, event: Event) -> Iterator[Finding]:
    known = [probe for container in workload.containers if (probe := probe_of(container, which))]
    for probe in known or _told(workload, which, event):
        if not _concerns(event, probe, workload):
            continue
        container = probe.container
        cause, why, strength = judge(view, workload, probe, event)
        running = _running(workload, str(container.get("name")))
        yield found(f"{which}_{cause}", workload.entity,
                    f"{probe.told()} of {workload.name} fails: {why}; the kubelet says “{event.message.strip()}” (x{event.count})",
                    strength - (0 if running else 2.0), namespace=workload.namespace, refs=(workload.ref, event.ref), at=event.last)
        return


def _told(workload: Workload, which: str, event: Event) -> list[Probe]:
    """The probe as far as the event tells of it: a mesh or an operator may have written it into the pods alone."""
    pod = mapping_at(workload.pods[0], "spec") if workload.pods else {}
    in_pod = [probe for container in items_at(pod, "containers") if (probe := probe_of(container, which))]
    port = _PORT.search(event.message)
    if in_pod or port is None or not workload.containers:
        own = {each.get("name") for each in workload.containers}
        return [each for each in in_pod if each.container.get("name") in own]  # an injected sidecar declares no ports
    kind = "httpGet" if "http" in event.message.lower() else "grpc" if "failed to connect service" in event.message else "tcpSocket"
    return [Probe(which, workload.containers[0], {kind: {"port": int(port["port"])}})]


def probe_of(container: Object, which: str) -> Probe | None:
    """A container's probe of that kind."""
    spec = mapping_at(container, f"{which}Probe")
    return Probe(which, container, spec) if spec else None


def _concerns(event: Event, probe: Probe, workload: Workload) -> bool:
    """Of several containers, the one whose port the message names."""
    named = _PORT.search(event.message)
    return len(workload.containers) == 1 or not named or not isinstance(probe.port, int) or int(named["port"]) == probe.port


def _running(workload: Workload, container: str) -> bool:
    """Does the container run, or was it killed by its probe? Otherwise the probe fails because the program is gone."""
    for pod in workload.pods:
        for each in container_statuses(pod):
            if each.get("name") == container:
                last = mapping_at(each, "lastState", "terminated") or mapping_at(each, "state", "terminated")
                if at(each, "state", "waiting") and last and last.get("exitCode") not in {0, 137, 143, 2}:
                    return False
    return True


def judge(view: View, workload: Workload, probe: Probe, event: Event) -> tuple[str, str, float]:
    """(port | protocol | path | timing | failing, why, strength)."""
    ports = listening(view, workload, probe.container)
    message = event.message
    if _wrong_port(probe, ports):
        return "port", f"the container listens on {_list(ports)}, not on {probe.port}", STATED
    status = _STATUS.search(message)
    other = spoken(view, workload, probe)
    if _PROTOCOL.search(message) or (other and other[0] != probe.kind and probe.kind not in {"exec", "tcpSocket"} and not status):
        return "protocol", f"{probe.kind} is asked, {other[1] if other else 'the answer is not of that protocol'}", STATED
    if status:
        if other and other[0] != probe.kind:
            return "protocol", f"{probe.kind} is asked, {other[1]}", STATED - 0.5
        return "path" if status["code"].startswith("4") else "failing", f"the answer is {status['code']}", CONFIGURED
    if _hasty(probe) or (probe.which != "readiness" and _killed_young(workload, probe)):
        return "timing", f"it gives up after {probe.patience} s", CONFIGURED
    if _REFUSED.search(message) and not ports:
        return "port", f"nothing listens on {probe.port}", LIKELY
    if probe.which in {"liveness", "startup"} and any(restarts(pod) for pod in workload.pods):
        return "timing", f"port and protocol are right, it gives up after {probe.patience} s", LIKELY
    return "failing", "port and protocol are right", POSSIBLE if _REFUSED.search(message) else SYMPTOM


def _wrong_port(probe: Probe, ports: Mapping[int, str]) -> bool:
    if isinstance(probe.port, str):
        return probe.port not in {str(each.get("name")) for each in items_at(probe.container, "ports")}
    return bool(probe.port) and bool(ports) and probe.port not in ports


def listening(view: View, workload: Workload, container: Object) -> dict[int, str]:
    """Ports the container is said to listen on → who says so. What only a probe or the service says comes last."""
    ports: dict[int, str] = {}
    for each in items_at(container, "ports"):
        ports[int(each.get("containerPort") or 0)] = "its containerPort"
    for each in items_at(container, "env"):
        if re.fullmatch(r"(?:.*_)?PORT", str(each.get("name"))) and str(each.get("value") or "").isdigit() and str(each.get("name")) in {
                "PORT", "SERVER_PORT", "HTTP_PORT", "GRPC_PORT", "LISTEN_PORT"}:
            ports[int(str(each["value"]))] = f"its {each.get('name')}"
    if not ports:
        for service in view.state.of("services", workload.namespace):
            if workload in view.serving(service):
                for each in items_at(service, "spec", "ports"):
                    target = each.get("targetPort") or each.get("port")
                    if str(target).isdigit():
                        ports[int(str(target))] = "its service"
    ports.pop(0, None)
    return ports


def _list(ports: Mapping[int, str]) -> str:
    return ", ".join(f"{port} ({who})" for port, who in ports.items()) or "no known port"


def spoken(view: View, workload: Workload, probe: Probe) -> tuple[str, str] | None:
    """(probe kind that fits, who says so): what is spoken on the probed port."""
    for which in ("readiness", "liveness", "startup"):
        other = probe_of(probe.container, which)
        if other and which != probe.which and other.kind in {"grpc", "httpGet"} and other.port == probe.port:
            failing_too = any(_FAILED.match(each.message) and each.message.lower().startswith(which) and each.count >= 3
                              for each in view.events_about(workload))
            if not failing_too:
                return other.kind, f"the {which} probe asks {other.kind} there and passes"
    for service in view.state.of("services", workload.namespace):
        for port in items_at(service, "spec", "ports") if workload in view.serving(service) else ():
            kind = _kind_named(str(port.get("appProtocol") or port.get("name") or ""))
            if kind and str(port.get("targetPort") or port.get("port")) == str(probe.port):
                return kind, f"its service calls the port {port.get('appProtocol') or port.get('name')}"
    return None


def _kind_named(name: str) -> str:
    """Port names say the protocol (istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection)."""
    head = re.split(r"[-._/]", name.lower())[0] if "kubernetes.io" not in name else name.rsplit("/", 1)[1]
    return {"grpc": "grpc", "h2c": "grpc", "http": "httpGet", "https": "httpGet", "web": "httpGet"}.get(head, "")


def _hasty(probe: Probe) -> bool:
    """Gives up within what a program needs to start: less than ten seconds after it was created."""
    return probe.which != "readiness" and probe.patience < 10 or probe.number("timeoutSeconds", 1) < 1


def _killed_young(workload: Workload, probe: Probe) -> bool:
    """Was each instance killed about when the probe first gives up, never having answered?"""
    from signals.kube.clock import micros

    for pod in workload.pods:
        for each in container_statuses(pod):
            done = mapping_at(each, "lastState", "terminated")
            began, ended = micros(done.get("startedAt")), micros(done.get("finishedAt"))
            if each.get("name") == probe.container.get("name") and began and ended and done.get("exitCode") in {137, 143, 2, 0}:
                return (ended - began) / SECOND <= probe.patience + probe.number("periodSeconds", 10) + 35
    return False


RULES: tuple[Rule, ...] = (failing,)
