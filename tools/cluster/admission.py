"""``cluster.webhooks`` and ``cluster.service_accounts``: who may refuse a pod before it exists, and as whom pods run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from signals.kube.state import Object, at, items_at, mapping_at, name_of, namespace_of
from tools.cluster import inputs
from tools.cluster.asking import Asking
from tools.cluster.endpoints import addresses
from tools.result import Outcome

_SORTS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
WEBHOOKS = ("sort", "configuration", "webhook", "on failure", "timeout s", "asked about", "namespaces", "served by", "ready addresses", "wrong")
ACCOUNTS = ("namespace", "service account", "pull secrets", "mounts a token", "used by pods", "wrong")


def webhooks(asking: Asking, given: inputs.WebhooksInput) -> Outcome:
    """Admission webhooks with whether somebody answers them; a silent one with policy Fail refuses everything it is asked about."""
    lists = asking.all(_SORTS)
    found = [(sort, each, hook) for sort in _SORTS for each in lists.get(sort, ()) for hook in items_at(each, "webhooks")]
    asking.searched = len(found)
    chosen = [one for one in found if given.resource is None or _about(one[2], given.resource)]
    spaces = {str(at(hook, "clientConfig", "service", "namespace")) for _, _, hook in chosen if at(hook, "clientConfig", "service")}
    behind = {space: asking.all(("services", "endpointslices"), space) for space in sorted(spaces)}
    rows = [_webhook(sort, each, hook, behind) for sort, each, hook in chosen]
    rows.sort(key=lambda row: (not row[-1], row[1], row[2]))
    return asking.table(WEBHOOKS, rows, given.model_dump(mode="json"), why="no webhook is asked" + (f" about {given.resource}" if given.resource else ""))


def _webhook(sort: str, each: Object, hook: Object, behind: Mapping[str, Mapping[str, Sequence[Object]]]) -> list[object]:
    service = mapping_at(hook, "clientConfig", "service")
    lists = behind.get(str(service.get("namespace")), {})
    own = next((one for one in lists.get("services", ()) if name_of(one) == service.get("name")), None)
    counted = addresses(own, lists.get("endpointslices"), None) if own is not None else None
    policy = str(hook.get("failurePolicy") or "Fail")
    served = f"{service.get('namespace')}/{service.get('name')}:{service.get('port') or 443}" if service else str(at(hook, "clientConfig", "url") or "")
    rules = [f"{','.join(map(str, items_at(rule, 'operations')))} {','.join(map(str, items_at(rule, 'resources')))}" for rule in items_at(hook, "rules")]
    where = mapping_at(hook, "namespaceSelector")
    ready = counted[0] if counted is not None else "outside" if not service else "not known"
    return [sort.removesuffix("webhookconfigurations"), name_of(each), hook.get("name"), policy, hook.get("timeoutSeconds") or 10, "; ".join(rules),
            "selected ones" if where else "all", served, ready, "; ".join(_wrong(service, own, counted, policy, known="services" in lists))]


def _wrong(service: Object, own: Object | None, counted: tuple[int, int] | None, policy: str, *, known: bool) -> Iterator[str]:
    effect = "every request it is asked about is refused" if policy == "Fail" else "it is skipped"
    if service and known and own is None:
        yield f"its service does not exist: {effect}"
    elif counted is not None and not counted[0]:
        yield f"its service has no ready address: {effect}"


def _about(hook: Object, resource: str) -> bool:
    names = {str(one).split("/")[0] for rule in items_at(hook, "rules") for one in items_at(rule, "resources")}
    return bool({"*", resource.lower()} & names)


def service_accounts(asking: Asking, given: inputs.NamedInput) -> Outcome:
    """Service accounts, those that pods want and nobody made among them. What they may do (RBAC) is not looked at."""
    accounts = {(namespace_of(each), name_of(each)): each for each in asking.need("serviceaccounts", given.namespace or "")}
    wanted: dict[tuple[str, str], list[str]] = {}
    for each in [*asking.want("pods", given.namespace or ""), *_templates(asking, given.namespace or "")]:
        spec = mapping_at(each, "spec", "template", "spec") or mapping_at(each, "spec")
        key = namespace_of(each), str(spec.get("serviceAccountName") or "default")
        wanted.setdefault(key, []).append(name_of(each))
    rows: list[list[object]] = []
    for key in sorted(accounts.keys() | wanted.keys()):
        if given.name not in {None, key[1]}:
            continue
        account = accounts.get(key)
        pulls = ", ".join(str(one.get("name")) for one in items_at(account, "imagePullSecrets"))
        mounts = account is not None and account.get("automountServiceAccountToken") is not False
        users = wanted.get(key, [])
        said = "" if account is not None else f"it does not exist; wanted by {', '.join(users[:5])}: their pods cannot be created"
        rows.append([*key, pulls, mounts, len(users), said])
    rows.sort(key=lambda row: not row[-1])
    asking.notes.append("what an account may do (roles and bindings) is not looked at")
    return asking.table(ACCOUNTS, rows, given.model_dump(mode="json"), why="there is no such service account")


def _templates(asking: Asking, namespace: str) -> list[Object]:
    """Workloads, whose pods may not exist just because the account does not."""
    lists = asking.all(("deployments", "statefulsets", "daemonsets"), namespace)
    return [each for found in lists.values() for each in found]
