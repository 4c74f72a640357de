"""Pure: from two states of an object to the patch between them, to the lines of a diff, and to what names a state.

Patches are JSON Patches (RFC 6902) with paths as JSON Pointers (RFC 6901): one kind that built-in and custom resources take
alike, that changes single members of lists and fails whole. They set the resource version they were made for, so that a
server answers 409 when the object is another by now.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from telemetry.masks import HIDDEN
from telemetry.sources.kubernetes.masking import APPLIED, without_secrets
from tools.actions.action import Edit, Json, canonical

Object = Mapping[str, Any]
MARKER = "oncalm.dev/action"
"""The annotation that says which action changed the object last."""
_ABSENT: Any = object()
_SERVERS = frozenset({"resourceVersion", "generation", "managedFields", "uid", "creationTimestamp", "selfLink"})
_CONTROLLERS = frozenset({"deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation", APPLIED})
_KEYED = ("name", "type", "host", "key", "containerPort", "mountPath")


def json_patch(before: Object, after: Object, *, version: str) -> list[dict[str, Json]]:
    """The operations that make ``before`` into ``after``, if it still has that resource version."""
    steps = list(_steps(before, after, ""))
    return [{"op": "replace", "path": "/metadata/resourceVersion", "value": version}, *steps]


def _steps(before: Any, after: Any, at: str) -> Iterator[dict[str, Json]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            yield from _member(before.get(key, _ABSENT), after.get(key, _ABSENT), f"{at}/{escaped(key)}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _member(old, new, f"{at}/{number}")
    elif before != after:
        yield {"op": "replace", "path": at, "value": copy.deepcopy(after)}


def _member(old: Any, new: Any, at: str) -> Iterator[dict[str, Json]]:
    if old is _ABSENT:
        yield {"op": "add", "path": at, "value": copy.deepcopy(new)}
    elif new is _ABSENT:
        yield {"op": "remove", "path": at}
    elif type(old) is not type(new) and not (isinstance(old, int | float) and isinstance(new, int | float)):
        yield {"op": "replace", "path": at, "value": copy.deepcopy(new)}
    else:
        yield from _steps(old, new, at)


def escaped(key: str) -> str:
    """A key as a part of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def edits(before: Object, after: Object) -> tuple[Edit, ...]:
    """What differs, leaf by leaf, without the server's own bookkeeping and without secrets: a changed secret shows as one."""
    old, new = dict(_leaves(_spoken(before))), dict(_leaves(_spoken(after)))
    shown_old, shown_new = dict(_leaves(_spoken(without_secrets(before)))), dict(_leaves(_spoken(without_secrets(after))))
    return tuple(Edit(path, shown_old.get(path, HIDDEN) if path in old else None, shown_new.get(path, HIDDEN) if path in new else None)
                 for path in sorted(old.keys() | new.keys()) if old.get(path, _ABSENT) != new.get(path, _ABSENT))


def _spoken(each: Object) -> dict[str, Any]:
    about = {key: value for key, value in (each.get("metadata") or {}).items() if key not in _SERVERS}
    return {**{key: value for key, value in each.items() if key not in {"status", "metadata", "kind", "apiVersion"}}, "metadata": about}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping) and value:
        for key, one in value.items():
            yield from _leaves(one, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        for name, one in zip(_names(value), value, strict=True):
            yield from _leaves(one, f"{path}[{name}]")
    else:
        yield path, dict(value) if isinstance(value, Mapping) else value


def _names(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """The members of a list by their names, where each has one of its own; else by their place."""
    for key in _KEYED:
        names = [one.get(key) for one in items]
        if all(isinstance(name, str | int) for name in names) and len(set(names)) == len(names):
            return [str(name) for name in names]
    return [str(number) for number in range(len(items))]


def changed_paths(before: Object, after: Object) -> tuple[tuple[str, ...], ...]:
    """The keys that lead to each changed value, lists taken whole."""
    def walk(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            for key in sorted(old.keys() | new.keys()):
                yield from walk(old.get(key), new.get(key), (*path, key))
        elif old != new:
            yield path

    return tuple(walk(before, after, ()))


def fingerprint(value: object) -> str:
    """Names a JSON value: SHA-256 over its one spelling, as 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def basis(each: Object, *, replicas: bool) -> str:
    """Names what an object is apart from what servers and controllers write of their own accord.

    That is the status, the version, a Deployment's revision number, a node's taints by its conditions; and without
    ``replicas`` the number of pods, which an autoscaler moves.
    """
    kind, about = str(each.get("kind")), each.get("metadata") or {}
    spec = dict(each.get("spec") or {})
    if kind == "Node":
        taints = [one for one in spec.get("taints") or () if not str(one.get("key", "")).startswith("node.kubernetes.io/")]
        return fingerprint({"uid": about.get("uid"), "unschedulable": bool(spec.get("unschedulable")), "taints": taints, "mark": marked_by(each)})
    if kind == "Pod":
        return fingerprint({"uid": about.get("uid"), "leaving": about.get("deletionTimestamp"), "ready": ready(each)})
    if not replicas and kind in {"Deployment", "StatefulSet"}:
        spec.pop("replicas", None)
    notes = {key: value for key, value in (about.get("annotations") or {}).items() if key not in _CONTROLLERS}
    return fingerprint({"uid": about.get("uid"), "spec": spec, "labels": about.get("labels") or {}, "annotations": notes,
                        "owners": about.get("ownerReferences") or [], "leaving": about.get("deletionTimestamp")})


def ready(pod: Object) -> bool:
    """Whether a pod takes requests."""
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in (pod.get("status") or {}).get("conditions") or ())


def marked(each: Object, marker: str) -> dict[str, Any]:
    """The object with the annotation that names an action."""
    found = copy.deepcopy(dict(each))
    about = found.setdefault("metadata", {})
    about["annotations"] = {**(about.get("annotations") or {}), MARKER: marker}
    return found


def marked_by(each: Object) -> str:
    """Which action changed it last; "" for none."""
    return str(((each.get("metadata") or {}).get("annotations") or {}).get(MARKER) or "")
