"""Names that do not resolve.

Three places can be at fault (kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution): the cluster's DNS
(CoreDNS has no ready pod: every workload complains), the DNS settings of one pod (``dnsPolicy``, ``dnsConfig``: it alone
complains, of names that exist), or the name (no Service has it: all its callers complain).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from signals.kube.excerpts import Excerpt, excerpts
from signals.kube.finding import CONFIGURED, LIKELY, POSSIBLE, STATED, Finding, Rule, found
from signals.kube.state import at, items_at, mapping_at, name_of
from signals.kube.view import View, Workload

_UNRESOLVED = re.compile(
    r"lookup (?P<go>[\w.-]+?)\.?(?: on \S+)?: (?:no such host|server misbehaving|i/o timeout|read udp|dial udp|Temporary failure)|"
    r"(?:ENOTFOUND|EAI_AGAIN) (?P<node>[\w.-]+)|"
    r"UnknownHostException: (?P<java>[\w.-]+)|"
    r"Failed to resolve '(?P<netty>[\w.-]+)'|"
    r"could not translate host name \"(?P<pg>[\w.-]+)\"|Could not resolve host: (?P<curl>[\w.-]+)|"
    r"DNS resolution failed for (?P<grpc>[\w.-]+)|Unknown MySQL server host '(?P<mysql>[\w.-]+)'|"
    r"(?P<bare>Name or service not known|Temporary failure in name resolution|nodename nor servname|Name does not resolve|"
    r"Domain name not found|getaddrinfo failed|No such host is known)", re.I)
_CLUSTER_DNS = ("kube-dns", "coredns", "rke2-coredns-rke2-coredns")


def unresolved(view: View) -> Iterator[Finding]:
    """Workloads that go on complaining of names, and names that all callers complain of."""
    complaints = _complaints(view)
    of_name: dict[str, list[tuple[Workload, Excerpt]]] = defaultdict(list)
    for workload, name, hit in complaints:
        of_name[name].append((workload, hit))
    for workload in view.workloads:
        mine = {name: hit for other, name, hit in complaints if other is workload}
        alone = {name for name in mine if name and len(of_name[name]) == 1 and _exists(view, workload, name)}
        settings = odd_settings(workload)
        if not mine or not (alone or settings):
            continue
        hit = next(iter(mine.values()))
        others = any(workload.key in view.calls.get(each.key, frozenset()) for each in view.workloads)
        yield found("dns_resolution", workload.entity,
                    f"{workload.name} cannot resolve {', '.join(sorted(alone or set(filter(None, mine)))) or 'names'}, which exist"
                    f"{'; its pods have ' + settings if settings else ''}: “{hit.line}” (x{hit.count})",
                    STATED + (0.5 if settings else 0 if others or not workload.ready else -0.5), namespace=workload.namespace,
                    refs=(workload.ref, hit.ref), at=hit.at)
    yield from _names(view, of_name)


def _complaints(view: View) -> list[tuple[Workload, str, Excerpt]]:
    return [(workload, _name(hit), hit) for workload in view.workloads for hit in excerpts(view, workload, _UNRESOLVED)]


def _name(hit: Excerpt) -> str:
    named = next((value for key, value in hit.match.groupdict().items() if value and key != "bare"), "")
    return named.split(".")[0].lower()


def _exists(view: View, workload: Workload, name: str) -> bool:
    return view.service(name, workload.namespace) is not None


def _names(view: View, of_name: dict[str, list[tuple[Workload, Excerpt]]]) -> Iterator[Finding]:
    """A name that several complain of, or that no Service has while its workload runs."""
    for name, told in of_name.items():
        owner = view.workload(name, told[0][0].namespace) if name else None
        if owner is None:
            continue
        exists = _exists(view, owner, name)
        if not exists or len(told) > 1:
            client, hit = told[0]
            yield found("dns_resolution", owner.entity,
                        f"{len(told)} clients cannot resolve {name}{'' if exists else ', and no Service has that name'}; "
                        f"{client.name} logs “{hit.line}” (x{hit.count})", LIKELY if exists else STATED,
                        namespace=owner.namespace, refs=(owner.ref, hit.ref), at=hit.at)


def odd_settings(workload: Workload) -> str:
    """DNS settings that keep a pod from the cluster's names: policy Default, or None with name servers of its own."""
    policy, servers = at(workload.spec, "dnsPolicy"), items_at(workload.spec, "dnsConfig", "nameservers")
    if policy == "Default" or (policy == "ClusterFirst" and at(workload.spec, "hostNetwork") is True):
        return f"dnsPolicy {policy}"
    if policy == "None" or servers:
        return f"dnsPolicy {policy} with name servers {', '.join(map(str, servers)) or 'none'}"
    options = [each for each in items_at(workload.spec, "dnsConfig", "options") if at(each, "name") == "ndots" and str(at(each, "value")) == "0"]
    return "dnsConfig option ndots:0" if options else ""


def settings(view: View) -> Iterator[Finding]:
    """DNS settings that keep a pod that calls others from the cluster's names, without a log that tells."""
    for workload in view.workloads:
        odd = odd_settings(workload)
        if odd and at(workload.spec, "hostNetwork") is not True and view.calls.get(workload.key):
            yield found("dns_resolution", workload.entity, f"{workload.name} has {odd}, and calls services of the cluster by name",
                        CONFIGURED, namespace=workload.namespace, refs=(workload.ref,))


def cluster(view: View) -> Iterator[Finding]:
    """The cluster's own DNS without a ready pod."""
    for workload in view.everywhere:
        named = workload.name in _CLUSTER_DNS or mapping_at(workload.object, "metadata", "labels").get("k8s-app") == "kube-dns"
        if named and workload.namespace == "kube-system" and workload.kind != "Pod" and not any(
                at(pod, "status", "phase") == "Running" for pod in workload.pods):
            known = view.state.knows("pods") and any(name_of(pod) for pod in view.state.of("pods", "kube-system"))
            yield found("dns_resolution", workload.entity, f"{workload.name} of kube-system has no running pod: no name of the cluster resolves",
                        STATED + 0.5 if known or workload.desired == 0 else POSSIBLE, namespace="kube-system", refs=(workload.ref,))


RULES: tuple[Rule, ...] = (unresolved, settings, cluster)
