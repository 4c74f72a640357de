"""``cluster.storage``: claims, the volumes and classes behind them, and who waits for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from signals.kube.quantities import quantity
from signals.kube.state import Object, at, items_at, name_of, namespace_of
from tools.cluster import inputs
from tools.cluster.asking import Asking
from tools.result import Outcome

COLUMNS = ("namespace", "claim", "status", "asks for", "class", "volume", "mounted by", "wrong")
_DEFAULT = "storageclass.kubernetes.io/is-default-class"


def storage(asking: Asking, given: inputs.NamedInput) -> Outcome:
    """Claims with what is wrong; those that are troubled come first. Free volumes and classes stand in the notes."""
    claims = [each for each in asking.need("persistentvolumeclaims", given.namespace or "") if given.name in {None, name_of(each)}]
    lists = asking.all(("persistentvolumes", "storageclasses", "volumeattachments"))
    pods = asking.want("pods", given.namespace or "")
    rows = []
    for each in claims:
        users = [pod for pod in pods if namespace_of(pod) == namespace_of(each) and name_of(each) in mounted(pod)]
        asks = f"{at(each, 'spec', 'resources', 'requests', 'storage')} {','.join(map(str, items_at(each, 'spec', 'accessModes')))}"
        rows.append([namespace_of(each), name_of(each), at(each, "status", "phase") or "Unknown", asks, at(each, "spec", "storageClassName") or "",
                     at(each, "spec", "volumeName") or "", ", ".join(map(name_of, users)), "; ".join(wrong(each, users, lists))])
    rows.sort(key=lambda row: (not row[7], row[2] == "Bound", row[0], row[1]))
    asking.notes += _around(lists)
    return asking.table(COLUMNS, rows, given.model_dump(mode="json"), why="there is no claim" + (f" named {given.name}" if given.name else ""))


def mounted(pod: Object) -> set[str]:
    """The claims that a pod mounts."""
    return {str(at(each, "persistentVolumeClaim", "claimName")) for each in items_at(pod, "spec", "volumes") if at(each, "persistentVolumeClaim")}


def wrong(claim: Object, users: Sequence[Object], lists: Mapping[str, Sequence[Object]]) -> Iterator[str]:
    """What keeps a claim from serving."""
    phase, volume = at(claim, "status", "phase"), str(at(claim, "spec", "volumeName") or "")
    if phase == "Lost":
        yield f"its volume {volume} is gone"
    if phase == "Pending":
        yield from _pending(claim, lists)
    if at(claim, "metadata", "deletionTimestamp"):
        yield "it is being deleted and waits for its pods to end"
    nodes = {str(at(pod, "spec", "nodeName")) for pod in users if at(pod, "spec", "nodeName")}
    if len(nodes) > 1 and not {"ReadWriteMany", "ReadOnlyMany"} & set(map(str, items_at(claim, "spec", "accessModes"))):
        yield f"it may be mounted on one node at a time, and its pods are on {', '.join(sorted(nodes))}"
    for each in lists.get("volumeattachments", ()):
        if volume and at(each, "spec", "source", "persistentVolumeName") == volume:
            said = at(each, "status", "attachError", "message") or at(each, "status", "detachError", "message")
            if said:
                yield f"attaching to {at(each, 'spec', 'nodeName')} failed: {said}"


def _pending(claim: Object, lists: Mapping[str, Sequence[Object]]) -> Iterator[str]:
    wanted = at(claim, "spec", "storageClassName")
    classes = {name_of(each): each for each in lists.get("storageclasses", ())}
    if "storageclasses" in lists:
        default = [name for name, each in classes.items() if at(each, "metadata", "annotations", _DEFAULT) == "true"]
        if wanted and wanted not in classes:
            yield f"its class {wanted} does not exist (there are: {', '.join(sorted(classes)) or 'none'})"
        elif wanted is None and not default:
            yield "it names no class, and no class is the default"
        elif wanted and classes[wanted].get("volumeBindingMode") == "WaitForFirstConsumer":
            yield "its class binds when a pod that mounts it is scheduled"
    if "persistentvolumes" in lists:
        free = [each for each in lists["persistentvolumes"] if at(each, "status", "phase") == "Available" and (at(each, "spec", "storageClassName") or "") == (wanted or "")]
        reasons = [f"{name_of(each)}: {', '.join(_unfit(claim, each))}" for each in free if any(_unfit(claim, each))]
        if reasons:
            yield f"free volumes of its class do not fit: {'; '.join(reasons[:5])}"
        elif wanted == "" and not free:
            yield "it takes only volumes without a class, and none is free"


def _unfit(claim: Object, volume: Object) -> list[str]:
    missing = set(map(str, items_at(claim, "spec", "accessModes"))) - set(map(str, items_at(volume, "spec", "accessModes")))
    asks, has = quantity(at(claim, "spec", "resources", "requests", "storage")), quantity(at(volume, "spec", "capacity", "storage"))
    return ([f"it lacks {', '.join(sorted(missing))}"] if missing else []) + (
        [f"it has only {at(volume, 'spec', 'capacity', 'storage')}"] if asks and has and has < asks else [])


def _around(lists: Mapping[str, Sequence[Object]]) -> list[str]:
    found = []
    free = [f"{name_of(each)} ({at(each, 'spec', 'capacity', 'storage')}, {at(each, 'spec', 'storageClassName') or 'no class'})"
            for each in lists.get("persistentvolumes", ()) if at(each, "status", "phase") == "Available"]
    troubled = [f"{name_of(each)} {at(each, 'status', 'phase')}" for each in lists.get("persistentvolumes", ()) if at(each, "status", "phase") in {"Failed", "Released"}]
    if "persistentvolumes" in lists:
        found.append(f"free volumes: {', '.join(free[:10]) or 'none'}" + (f"; released or failed: {', '.join(troubled[:10])}" if troubled else ""))
    if "storageclasses" in lists:
        found.append(f"classes: {', '.join(_class(each) for each in lists['storageclasses']) or 'none'}")
    return found


def _class(each: Object) -> str:
    default: Any = at(each, "metadata", "annotations", _DEFAULT) == "true"
    return f"{name_of(each)} ({each.get('provisioner')}{', default' if default else ''})"
