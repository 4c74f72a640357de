"""Claims that stay unbound, volumes that do not attach or mount, mounts nobody may write to.

A claim binds to a volume with the same class, all its access modes, at least its size, labels its selector matches, and no
other claim (kubernetes.io/docs/concepts/storage/persistent-volumes#binding;
kubernetes/pkg/controller/volume/persistentvolume/index.go, ``findBestMatchForClaim``). The cause is what keeps the claim
from the volume that fails the fewest of these conditions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from signals.kube.excerpts import Excerpt, excerpts
from signals.kube.finding import LIKELY, POSSIBLE, STATED, Finding, Rule, found
from signals.kube.matching import selector_matches
from signals.kube.quantities import quantity
from signals.kube.state import Object, at, items_at, mapping_at, name_of, namespace_of
from signals.kube.view import View, Workload

_ORDER = ("pv_occupied", "pvc_storage_class", "pvc_selector", "pvc_access_mode", "pvc_capacity")
_NO_PROVISIONER = "kubernetes.io/no-provisioner"
_ATTACH = ("FailedAttachVolume", "FailedMount", "FailedMapVolume")
_DENIED = re.compile(r"(permission denied|operation not permitted|read-only file system|EACCES|EROFS|AccessDenied(?:Exception)?\b)", re.I)


def unbound(view: View) -> Iterator[Finding]:
    """Pending claims that a workload mounts."""
    for claim in view.state.of("persistentvolumeclaims", view.namespace):
        if at(claim, "status", "phase") not in {"Pending", "Lost"}:
            continue
        users = tuple(_users(view, claim))
        said = "; ".join(f"“{each.message}”" for each in view.events_of("PersistentVolumeClaim", name_of(claim), namespace_of(claim))
                         if each.warning or each.reason in {"FailedBinding", "ProvisioningFailed", "WaitForFirstConsumer"})
        cause, why = mismatch(view, claim)
        if not cause and "waiting for" in said and "provision" not in said:
            continue  # WaitForFirstConsumer: the pod's own scheduling is the reason
        for user in users:
            yield found(cause or "pvc_unbound", user.entity,
                        f"claim {name_of(claim)} of {user.name} is {at(claim, 'status', 'phase')}: {why or 'nothing says why'}"
                        + (f"; {said}" if said else ""),
                        STATED + 0.5 if cause else POSSIBLE, namespace=user.namespace,
                        refs=(user.ref, f"kube:persistentvolumeclaims/{namespace_of(claim)}/{name_of(claim)}"))


def _users(view: View, claim: Object) -> Iterator[Workload]:
    """Workloads that mount a claim, by name or from a StatefulSet's claim template."""
    for workload in view.everywhere:
        if workload.namespace == namespace_of(claim) and (
                name_of(claim) in claims(workload) or any(name_of(claim).startswith(f"{name_of(each)}-{workload.name}-")
                                                          for each in items_at(workload.object, "spec", "volumeClaimTemplates"))):
            yield workload


def claims(workload: Workload) -> tuple[str, ...]:
    """Names of the claims in a workload's volumes."""
    named = (at(each, "persistentVolumeClaim", "claimName") for each in items_at(workload.spec, "volumes"))
    return tuple(str(each) for each in named if each)


def mismatch(view: View, claim: Object) -> tuple[str, str]:
    """(cause, why): what keeps the claim from the volume nearest to it."""
    volumes = view.state.of("persistentvolumes")
    failed = sorted(((len(bad), _rank(bad), name_of(each), bad) for each in volumes if (bad := conditions(claim, each))),
                    key=lambda each: each[:3])
    unknown = _class_unknown(view, claim)
    if failed and failed[0][0] == 1 and not (unknown and next(iter(failed[0][3])) == "pv_occupied"):
        cause, why = next(iter(failed[0][3].items()))
        return cause, f"volume {failed[0][2]} would do, but {why}" + (f"; {unknown}" if unknown else "")
    if unknown:
        return "pvc_storage_class", unknown
    if failed:
        bad = failed[0][3]
        cause = next(each for each in reversed(_ORDER) if each in bad) if "pv_occupied" not in bad else "pv_occupied"
        return cause, f"volume {failed[0][2]} is nearest, but {', and '.join(bad.values())}"
    return "", ""


def _rank(bad: Mapping[str, str]) -> int:
    return min(_ORDER.index(each) for each in bad)


def conditions(claim: Object, volume: Object) -> dict[str, str]:
    """Cause → why, for each condition of binding that a volume fails."""
    bad: dict[str, str] = {}
    owner = at(volume, "spec", "claimRef", "name")
    phase = at(volume, "status", "phase")
    if (owner and (owner, at(volume, "spec", "claimRef", "namespace")) != (name_of(claim), namespace_of(claim))) or phase in {"Released", "Failed"}:
        bad["pv_occupied"] = f"it is {at(volume, 'status', 'phase') or 'bound'} for claim {owner}"
    wanted, has = str(at(claim, "spec", "storageClassName") or ""), str(at(volume, "spec", "storageClassName") or "")
    if wanted != has:
        bad["pvc_storage_class"] = f"the claim wants class “{wanted}”, the volume has “{has}”"
    selector = mapping_at(claim, "spec", "selector")
    if selector and not selector_matches(selector, mapping_at(volume, "metadata", "labels")):
        bad["pvc_selector"] = f"the claim's selector {_flat(selector)} does not match its labels {dict(mapping_at(volume, 'metadata', 'labels'))}"
    modes = set(items_at(claim, "spec", "accessModes")) - set(items_at(volume, "spec", "accessModes"))
    if modes:
        bad["pvc_access_mode"] = f"it does not offer {', '.join(sorted(map(str, modes)))}"
    asked = quantity(at(claim, "spec", "resources", "requests", "storage"))
    size = quantity(at(volume, "spec", "capacity", "storage"))
    if asked and size and asked > size:
        bad["pvc_capacity"] = (f"the claim asks for {at(claim, 'spec', 'resources', 'requests', 'storage')}, "
                               f"it has {at(volume, 'spec', 'capacity', 'storage')}")
    return bad


def _flat(selector: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in mapping_at(selector, "matchLabels").items()) or str(dict(selector))


def _class_unknown(view: View, claim: Object) -> str:
    """Why the claim's class provisions nothing."""
    wanted = str(at(claim, "spec", "storageClassName") or "")
    if not wanted or not view.state.knows("storageclasses"):
        return ""
    known = view.state.find("storageclasses", wanted)
    if known is None:
        return f"storage class “{wanted}” does not exist"
    return ""


def detached(view: View) -> Iterator[Finding]:
    """Volumes that do not attach or mount, for other reasons than a missing Secret or ConfigMap."""
    for workload in view.workloads:
        if workload.ready:
            continue
        for event in view.events_about(workload):
            if event.reason in _ATTACH and not re.search(r"(secret|configmap) .*not found|object .* not registered", event.message, re.I):
                denied = _DENIED.search(event.message)
                yield found("volume_permission" if denied else "volume_attach", workload.entity,
                            f"a volume of {workload.name} does not mount: “{event.message}”", STATED if denied else LIKELY,
                            namespace=workload.namespace, refs=(workload.ref, event.ref), at=event.last)
                break


def unwritable(view: View) -> Iterator[Finding]:
    """Permission denied in the log of a container that does not serve, for a path below one of its mounts."""
    for workload in view.workloads:
        if workload.ready and not any(_touches(each, workload) for each in excerpts(view, workload, _DENIED)):
            continue
        for each in excerpts(view, workload, _DENIED):
            mounted = _touches(each, workload)
            if mounted or not workload.ready:
                yield found("volume_permission", workload.entity,
                            f"{workload.name} may not write{f' below its mount {mounted}' if mounted else ''}: “{each.line}”"
                            f"{_identity(workload)}", (STATED if mounted else LIKELY) - (0 if not workload.ready else 1.5),
                            namespace=workload.namespace, refs=(workload.ref, each.ref), at=each.at)
                break


def _touches(each: Excerpt, workload: Workload) -> str:
    """The mount whose path the line names, or that is the only one beside the service account's."""
    mounts = [str(at(mount, "mountPath")) for container in workload.containers for mount in items_at(container, "volumeMounts")
              if "kubernetes.io/serviceaccount" not in str(at(mount, "mountPath"))]
    return next((path for path in mounts if path.rstrip("/") + "/" in each.line or each.line.rstrip("'\". :").endswith(path)
                 or f"{path}:" in each.line or f"'{path}'" in each.line or f'"{path}"' in each.line), "")


def _identity(workload: Workload) -> str:
    context = {**mapping_at(workload.spec, "securityContext"),
               **{key: value for each in workload.containers for key, value in mapping_at(each, "securityContext").items()}}
    told = [f"{key}={context[key]}" for key in ("runAsUser", "fsGroup", "readOnlyRootFilesystem") if key in context]
    return f" ({', '.join(told)})" if told else ""


RULES: tuple[Rule, ...] = (unbound, detached, unwritable)
