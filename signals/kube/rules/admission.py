"""Objects the API server refuses to create.

Controllers record the refusal as ``FailedCreate`` and, for a Deployment, as the condition ``ReplicaFailure``
(kubernetes/pkg/controller/replicaset). The words are those of the admission plugins: ``exceeded quota: NAME, requested:
R=V, used: R=V, limited: R=V`` (pkg/quota, resourcequota/controller.go), ``error looking up service account``
(serviceaccount/admission.go), ``violates PodSecurity`` (pod-security-admission), ``failed calling webhook``.
What is refused to a person leaves no event: a missing Service or claim beside a quota that is used up tells of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from signals.kube.finding import CONFIGURED, LIKELY, STATED, Finding, Rule, found
from signals.kube.quantities import quantity
from signals.kube.rules.storage import claims
from signals.kube.state import Object, at, items_at, mapping_at, name_of, namespace_of
from signals.kube.view import Event, View, Workload
from signals.observed import Entity

_EXCEEDED = re.compile(r"exceeded quota: (?P<quota>[\w.-]+), requested: (?P<asked>.*?), used: (?P<used>.*?), limited: (?P<hard>[^\s]+)")
_MUST = re.compile(r"failed quota: (?P<quota>[\w.-]+): must specify (?P<asked>[\w./]+)")
_ACCOUNT = re.compile(r"error looking up service account (?P<account>\S+?): |serviceaccount \"(?P<name>[^\"]+)\" not found")
RESOURCES = (("quota_cpu", ("cpu", "requests.cpu", "limits.cpu")), ("quota_memory", ("memory", "requests.memory", "limits.memory")),
             ("quota_pods", ("pods", "count/pods")),
             ("quota_services", ("services", "count/services", "services.nodeports", "services.loadbalancers")),
             ("quota_storage", ("requests.storage", "persistentvolumeclaims", "count/persistentvolumeclaims", "requests.ephemeral-storage")))
REFUSALS = (("webhook_failing", r"failed calling webhook"), ("webhook_denied", r"admission webhook .* denied the request|denied by"),
            ("pod_security", r"violates PodSecurity|unable to validate against any (?:pod security policy|security context constraint)"),
            ("limit_range", r"(?:minimum|maximum) \S+ usage per|max limit to request ratio"))


def refused(view: View) -> Iterator[Finding]:
    """What controllers were told when they wanted to create a pod or a claim."""
    for workload in view.workloads:
        for event in _refusals(view, workload):
            cause, about = read(event.message)
            if not cause or _served(workload):
                continue
            entity = Entity("namespace", workload.namespace) if cause.startswith("quota_") or cause == "limit_range" else workload.entity
            yield found(cause, entity, f"pods of {workload.name} are refused{about}: “{event.message}”", STATED + 0.5,
                        namespace=workload.namespace, refs=(workload.ref, event.ref), at=event.last)
            break


def _refusals(view: View, workload: Workload) -> Iterator[Event]:
    yield from (each for each in view.events_about(workload) if each.reason in {"FailedCreate", "FailedUpdate"} or "forbidden" in each.message)
    for each in items_at(workload.object, "status", "conditions"):
        if at(each, "type") == "ReplicaFailure" and at(each, "status") == "True":
            yield Event(workload.kind, workload.name, workload.namespace, "FailedCreate", str(at(each, "message") or ""), warning=True, count=1,
                        first=None, last=None)


def _served(workload: Workload) -> bool:
    """Has it all the pods it wants? A refusal before that is over."""
    return bool(workload.pods) and len(workload.pods) >= (workload.desired or 1)


def read(message: str) -> tuple[str, str]:
    """(cause, which limit) of a refusal."""
    account = _ACCOUNT.search(message)
    if account:
        return "service_account_missing", f", service account {account['name'] or account['account']} does not exist"
    exceeded = _EXCEEDED.search(message) or _MUST.search(message)
    if exceeded:
        return _exceeded(exceeded), f" by quota {exceeded['quota']}"
    return next((cause for cause, words in REFUSALS if re.search(words, message)), ""), ""


def _exceeded(match: re.Match[str]) -> str:
    """The resource whose request does not fit: the one farthest over its limit when several are named."""
    parts = {name: _amounts(match[name]) for name in ("asked", "used", "hard") if name in match.re.groupindex}
    over = {each: (amount + parts.get("used", {}).get(each, 0.0)) / max(parts.get("hard", {}).get(each, 1.0), 1e-9)
            for each, amount in parts["asked"].items()}
    worst = max(over, key=lambda each: over[each]) if over else match["asked"]
    return quota_cause(worst)


def quota_cause(resource: str) -> str:
    """The cause for a resource of a quota."""
    return next((cause for cause, names in RESOURCES if resource.strip() in names or any(resource.endswith(f"/{each}") for each in names)),
                "quota_other")


def _amounts(text: str) -> dict[str, float]:
    pairs = (each.partition("=") for each in text.split(","))
    return {name.strip(): quantity(value) or 0.0 for name, _, value in pairs}


def accounts(view: View) -> Iterator[Finding]:
    """Templates that name a service account nobody has, and have no pods for it."""
    if not (view.state.knows("serviceaccounts") and view.state.knows("pods")):
        return
    for workload in view.workloads:
        name = str(at(workload.spec, "serviceAccountName") or at(workload.spec, "serviceAccount") or "")
        if name and not _served(workload) and view.state.find("serviceaccounts", name, workload.namespace) is None:
            yield found("service_account_missing", workload.entity,
                        f"{workload.name} wants service account {name}, which does not exist, and has {len(workload.pods)} pods",
                        CONFIGURED, namespace=workload.namespace, refs=(workload.ref,))


def exhausted(view: View) -> Iterator[Finding]:
    """Quotas that are used up, when something is missing that they would count."""
    for quota in view.state.of("resourcequotas", view.namespace):
        namespace = namespace_of(quota)
        hard = mapping_at(quota, "status", "hard") or mapping_at(quota, "spec", "hard")
        for resource, limit in hard.items():
            used = at(quota, "status", "used", resource)
            missing = _missing(view, namespace, quota_cause(resource), _left(limit, used))
            if missing:
                tight = _left(limit, used) <= 0
                yield found(quota_cause(resource), Entity("namespace", namespace),
                            f"quota {name_of(quota)} has used {used} of {limit} {resource}, and {missing}", STATED + 0.5 if tight else CONFIGURED + 0.5,
                            namespace=namespace, refs=(f"kube:resourcequotas/{namespace}/{name_of(quota)}",))


def _left(limit: object, used: object) -> float:
    return (quantity(limit) or 0.0) - (quantity(used) or 0.0)


def _missing(view: View, namespace: str, cause: str, left: float) -> str:
    """What a used-up resource keeps from existing."""
    workloads = [each for each in view.workloads if each.namespace == namespace]
    if cause == "quota_services" and left < 1:
        names = absent_services(view, namespace)
        return f"these are called and have no Service: {', '.join(names)}" if names else ""
    if cause == "quota_storage":
        known = {name_of(each) for each in view.state.of("persistentvolumeclaims", namespace)}
        names = sorted({claim for each in workloads for claim in claims(each)} - known)
        return f"these claims do not exist: {', '.join(names)}" if names and view.state.knows("persistentvolumeclaims") else ""
    if cause in {"quota_cpu", "quota_memory", "quota_pods"}:
        short = [each for each in workloads if each.desired and len(each.pods) < each.desired] if view.state.knows("pods") else []
        resource = {"quota_cpu": "cpu", "quota_memory": "memory"}.get(cause, "")
        blocked = [each.name for each in short if left < _wants(each, resource)]
        return f"these lack pods: {', '.join(blocked)}" if blocked else ""
    return ""


def _wants(workload: Workload, resource: str) -> float:
    if not resource:
        return 1.0
    return max(sum(quantity(at(each, "resources", kind, resource)) or 0.0 for each in workload.containers) for kind in ("requests", "limits")) or 1e-9


def absent_services(view: View, namespace: str) -> list[str]:
    """Services that do not exist: named by an environment, or of a workload whose neighbours all have one."""
    if not view.state.knows("services"):
        return []
    there = {name_of(each) for each in view.state.of("services", namespace)}
    called = {each.service for workload in view.everywhere if workload.namespace == namespace
              for each in view.addresses_of(workload) if each.certain and each.namespace in ("", namespace)}
    called |= {callee for targets in view.calls.values() for callee in targets}
    workloads = {each.name: each for each in view.everywhere if each.namespace == namespace}
    return sorted(name for name in called - there if name in workloads and not _selected(view, workloads[name]))


def _selected(view: View, workload: Workload) -> bool:
    return any(workload in view.serving(each) for each in view.state.of("services", workload.namespace))


def webhooks(view: View) -> Iterator[Finding]:
    """Webhooks that must answer (failurePolicy Fail) and whose service does not exist or has no endpoint."""
    for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        for each in view.state.of(kind):
            for hook in items_at(each, "webhooks"):
                service = mapping_at(hook, "clientConfig", "service")
                if service and at(hook, "failurePolicy") != "Ignore" and not _answers(view, service):
                    yield found("webhook_failing", Entity("deployment", str(service.get("name"))),
                                f"webhook {at(hook, 'name')} of {name_of(each)} must answer, and its service "
                                f"{service.get('namespace')}/{service.get('name')} has no ready endpoint", LIKELY,
                                namespace=str(service.get("namespace") or ""), refs=(f"kube:{kind}/{name_of(each)}",))


def _answers(view: View, service: Mapping[str, object]) -> bool:
    known: Object | None = view.service(str(service.get("name")), str(service.get("namespace")))
    if known is None:
        return not view.state.knows("services")
    return not mapping_at(known, "spec", "selector") or any(each.ready for each in view.serving(known)) or not view.serving(known)


RULES: tuple[Rule, ...] = (refused, accounts, exhausted, webhooks)
