"""``cluster.top`` and ``cluster.quotas``: what is used, of what there is and what is allowed."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from signals.kube.quantities import quantity
from signals.kube.state import Object, Usage, at, items_at, mapping_at, name_of, namespace_of
from telemetry.sources.kubernetes.resources import NODE_METRICS, POD_METRICS
from tools.cluster import inputs
from tools.cluster.asking import Asking
from tools.result import Outcome

_MIB = 1 << 20
_FULL = 0.9
TOP_PODS = ("namespace", "pod", "cpu cores", "memory MiB", "cpu request", "cpu limit", "memory request MiB", "memory limit MiB", "of memory limit")
TOP_NODES = ("node", "cpu cores", "cpu allocatable", "cpu used", "memory MiB", "memory allocatable MiB", "memory used")
QUOTAS = ("namespace", "quota", "resource", "used", "hard", "share", "full")


def usage(asking: Asking, namespace: str = "", *, nodes: bool = True, pods: bool = True) -> list[Usage]:
    """What metrics-server says. Raises NotAssessed when it cannot be asked."""
    found: list[Usage] = []
    if pods:
        for each in asking.need(POD_METRICS, namespace):
            parts = [(str(one.get("name")), quantity(at(one, "usage", "cpu")), quantity(at(one, "usage", "memory"))) for one in items_at(each, "containers")]
            found.append(Usage("pod", name_of(each), _sum(cpu for _, cpu, _ in parts), _sum(memory for _, _, memory in parts), namespace_of(each)))
            found += [Usage("container", name_of(each), cpu, memory, namespace_of(each), name) for name, cpu, memory in parts]
    if nodes:
        found += [Usage("node", name_of(each), quantity(at(each, "usage", "cpu")), quantity(at(each, "usage", "memory")))
                  for each in asking.need(NODE_METRICS)]
    return found


def top(asking: Asking, given: inputs.TopInput) -> Outcome:
    """Pods or nodes by what they use now, beside what they asked for."""
    used = usage(asking, given.namespace or "", nodes=given.kind == "nodes", pods=given.kind == "pods")
    ordered = sorted((one for one in used if one.kind != "container"), key=lambda one: -(getattr(one, given.by) or 0.0))
    if given.kind == "nodes":
        nodes = {name_of(each): each for each in asking.want("nodes")}
        rows = [_node(one, nodes.get(one.name, {})) for one in ordered]
    else:
        pods = {(namespace_of(each), name_of(each)): each for each in asking.want("pods", given.namespace or "")}
        rows = [_pod(one, pods.get((one.namespace, one.name), {})) for one in ordered]
    why = "metrics-server has measured nothing here; a pod needs about a minute until it is measured"
    return asking.table(TOP_NODES if given.kind == "nodes" else TOP_PODS, rows[:given.limit], given.model_dump(mode="json"), total=len(rows), why=why)


def _node(one: Usage, node: Object) -> list[Any]:
    cpu, memory = (quantity(at(node, "status", "allocatable", key)) for key in ("cpu", "memory"))
    return [one.name, _round(one.cpu), cpu, _share(one.cpu, cpu), _mib(one.memory), _mib(memory), _share(one.memory, memory)]


def _pod(one: Usage, pod: Object) -> list[Any]:
    asked = {(part, key): _sum(quantity(at(each, "resources", part, key)) for each in items_at(pod, "spec", "containers"))
             for part in ("requests", "limits") for key in ("cpu", "memory")}
    limit = asked["limits", "memory"]
    return [one.namespace, one.name, _round(one.cpu), _mib(one.memory), asked["requests", "cpu"], asked["limits", "cpu"],
            _mib(asked["requests", "memory"]), _mib(limit), _share(one.memory, limit)]


def quotas(asking: Asking, given: inputs.InNamespace) -> Outcome:
    """What each quota allows and how much is taken, the fullest first; limit ranges in the notes."""
    rows = []
    for each in asking.need("resourcequotas", given.namespace or ""):
        hard, used = mapping_at(each, "status", "hard") or mapping_at(each, "spec", "hard"), mapping_at(each, "status", "used")
        for name, most in hard.items():
            share = _ratio(quantity(used.get(name, "0")), quantity(most))
            full = "" if share is None or share < _FULL else "full" if share >= 1 else "nearly"
            rows.append([namespace_of(each), name_of(each), name, used.get(name, "not counted yet"), most, None if share is None else round(share, 3), full])
    rows.sort(key=lambda row: -(row[5] if row[5] is not None else -1.0))
    asking.notes += _ranges(asking.want("limitranges", given.namespace or ""))
    return asking.table(QUOTAS, rows, given.model_dump(mode="json"), why="no quota limits anything here")


def _ranges(found: list[Object]) -> list[str]:
    told: dict[str, list[str]] = defaultdict(list)
    for each in found:
        for limit in items_at(each, "spec", "limits"):
            parts = [f"{key} {value}" for key, value in limit.items() if key != "type" and value]
            told[f"{namespace_of(each)}/{name_of(each)}"].append(f"{limit.get('type')}: {', '.join(parts)}")
    return [f"limit range {name}: {'; '.join(said)}" for name, said in sorted(told.items())]


def _sum(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _ratio(part: float | None, whole: float | None) -> float | None:
    if part is None or whole is None:
        return None
    return part / whole if whole else 1.0


def _share(part: float | None, whole: float | None) -> str:
    found = _ratio(part, whole) if whole else None
    return "" if found is None else f"{found:.0%}"


def _mib(value: float | None) -> float | None:
    return None if value is None else round(value / _MIB, 1)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
