"""Secrets and ConfigMaps that are not there, and addresses in the environment that lead nowhere.

The kubelet reports a missing reference as ``CreateContainerConfigError`` with ``secret "x" not found`` or ``couldn't find
key K in Secret NS/NAME`` (kubernetes/pkg/kubelet/kubelet_pods.go), and a missing volume source as ``FailedMount``
(``MountVolume.SetUp failed for volume "v" : secret "x" not found``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from signals.kube.addresses import Address
from signals.kube.excerpts import Excerpt, excerpts
from signals.kube.finding import CONFIGURED, LIKELY, POSSIBLE, STATED, Finding, Rule, found
from signals.kube.matching import nearest
from signals.kube.state import Object, at, items_at, name_of
from signals.kube.view import View, Workload, waiting

_ABSENT = re.compile(r"(?P<kind>secret|configmap)s? \"(?P<name>[^\"]+)\" not found|"
                     r"couldn't find key (?P<key>\S+) in (?P<other>Secret|ConfigMap) (?:\S+/)?(?P<owner>[\w.-]+)|"
                     r"references non-existent (?P<what>secret|config) key: (?P<missing>\S+)", re.I)
_CONNECT = re.compile(r"connection refused|UnableToConnect|ECONNREFUSED|no such host|ENOTFOUND|EAI_AGAIN|Name or service not known|"
                      r"failed to connect|Unavailable|context deadline exceeded|i/o timeout|ConnectException|UnknownHostException|"
                      r"could not (?:resolve|translate)|timed out", re.I)


def absent(view: View) -> Iterator[Finding]:
    """What the kubelet says is not there."""
    for workload in view.workloads:
        if workload.ready:
            continue
        said = [message for pod in workload.pods for _, _, message in waiting(pod)]
        refs: tuple[str, ...] = (workload.ref,)
        for event in view.events_about(workload):
            if event.warning and event.reason in {"Failed", "FailedMount", "FailedToRetrieveImagePullSecret"}:
                said.append(event.message)
                refs = (workload.ref, event.ref)
        match = next((match for line in said if (match := _ABSENT.search(line)) and "image pull secret" not in line), None)
        if match is not None:
            kind = (match["kind"] or match["other"] or match["what"] or "").lower()
            cause = "secret_missing" if kind == "secret" else "configmap_missing"
            yield found(cause, workload.entity, f"{workload.name} cannot start: “{match[0]}”", STATED + 0.5,
                        namespace=workload.namespace, refs=refs)


def dangling(view: View) -> Iterator[Finding]:
    """References of a template to Secrets and ConfigMaps that do not exist, by the objects alone."""
    for workload in view.workloads:
        for kind, name in sorted(references(workload)):
            if view.state.knows(kind) and view.state.find(kind, name, workload.namespace) is None and not workload.ready:
                yield found("secret_missing" if kind == "secrets" else "configmap_missing", workload.entity,
                            f"{workload.name} refers to {kind[:-1]} {name}, which does not exist in {workload.namespace}",
                            LIKELY, namespace=workload.namespace, refs=(workload.ref,))


def references(workload: Workload) -> set[tuple[str, str]]:
    """(kind, name) of what the template must have, by environment and volumes; optional ones are left out."""
    names: set[tuple[str, str]] = set()
    for container in items_at(workload.spec, "initContainers") + workload.containers:
        for each in items_at(container, "envFrom"):
            names |= _required(each, "secretRef", "configMapRef")
        for each in items_at(container, "env"):
            names |= _required(at(each, "valueFrom"), "secretKeyRef", "configMapKeyRef")
    for volume in items_at(workload.spec, "volumes"):
        secret, config = at(volume, "secret"), at(volume, "configMap")
        if secret and at(secret, "optional") is not True and at(secret, "secretName"):
            names.add(("secrets", str(secret["secretName"])))
        if config and at(config, "optional") is not True and at(config, "name"):
            names.add(("configmaps", str(config["name"])))
    return names


def _required(each: Object | None, secret: str, config: str) -> set[tuple[str, str]]:
    pairs = (("secrets", at(each, secret)), ("configmaps", at(each, config)))
    return {(kind, str(at(ref, "name"))) for kind, ref in pairs if at(ref, "name") and at(ref, "optional") is not True}


def addresses(view: View) -> Iterator[Finding]:
    """Variables that name a service or port that is not there, while a like one is."""
    if not view.state.knows("services"):
        return
    for workload in view.workloads:
        for address in view.addresses_of(workload):
            why = wrong(view, workload, address)
            if why:
                told = complaint(view, workload, address)
                exists = view.service(address.service, address.namespace or workload.namespace) is not None
                strength = CONFIGURED + 1 if told else CONFIGURED if exists or ", but " in why else POSSIBLE - 1
                yield found("env_address", workload.entity,
                            f"{workload.name} is given {address.variable}={address.value}: {why}"
                            + (f"; its log: “{told.line}”" if told else ""),
                            strength, namespace=workload.namespace, refs=(workload.ref, *((told.ref,) if told else ())))


def complaint(view: View, workload: Workload, address: Address) -> Excerpt | None:
    """A line of its log that complains of that host or port. An address nobody uses hurts nobody."""
    port = rf"|:{address.port}\b" if address.port else ""
    about = re.compile(rf"\b{re.escape(address.service)}\b{port}", re.I)
    return next((each for each in excerpts(view, workload, _CONNECT) if about.search(each.match.string)), None) or next(
        (each for each in excerpts(view, workload, about) if _CONNECT.search(each.match.string)), None)


def wrong(view: View, workload: Workload, address: Address) -> str:
    """Why an address leads nowhere, or ""."""
    namespace = address.namespace or workload.namespace
    known = {name_of(each): each for each in view.state.of("services", namespace)}
    service = known.get(address.service)
    meant = _meant(address.variable, known)
    if service is None:
        like = meant or next((each for each in known if len(each) >= 5 and each in address.service), "") or nearest(address.service, list(known))
        owner = view.workload(address.service, namespace)
        if owner is not None or address.namespace and not known:
            return ""  # the workload exists and only its Service does not, or the namespace was not read: other rules
        if address.certain or like:
            return f"no service {address.service} in {namespace}" + (f", but {like}" if like else "")
        return ""
    if meant and meant != address.service:
        return f"service {address.service} is another one, but {meant} is what the variable is named after"
    ports = [int(each.get("port") or 0) for each in items_at(service, "spec", "ports")]
    if address.port is None or not ports or address.port in ports:
        return ""
    if _others_agree(view, workload, address):
        return ""  # then the service is what changed: see routing
    return f"service {address.service} listens on {', '.join(map(str, ports))}, not on {address.port}"


def _meant(variable: str, known: Iterable[str]) -> str:
    """The service a variable is named after: ``CART_SERVICE_ADDR`` after ``cartservice`` or ``cart-service``."""
    plain = re.sub(r"[^a-z0-9]", "", re.sub(r"(?i)[_.-]*(?:addr|address|host|hostname|url|uri|endpoint|server)$", "", variable).lower())
    return next((each for each in known if re.sub(r"[^a-z0-9]", "", each) == plain), "")


def _others_agree(view: View, workload: Workload, address: Address) -> bool:
    """Does every other client use that port too, or does the pod behind the service?"""
    others = [each.port for other in view.everywhere if other.name != workload.name and other.namespace == workload.namespace
              for each in view.addresses_of(other) if each.service == address.service and each.port is not None]
    service = view.service(address.service, address.namespace or workload.namespace)
    behind = {int(port.get("containerPort") or 0) for each in (view.serving(service) if service else ())
              for container in each.containers for port in items_at(container, "ports")}
    return all(each == address.port for each in others) if others else address.port in behind


RULES: tuple[Rule, ...] = (absent, dangling, addresses)
