"""What was changed in a cluster, told from its objects: rollouts, scalings, settings, cordons.

Pure: objects in, :class:`telemetry.records.Change` out. Times come from ReplicaSets, events and ``managedFields`` (who wrote
which field last: kubernetes.io/docs/reference/using-api/server-side-apply#field-management), so only the last write of each
field is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telemetry.records import Change, ChangeKind
from telemetry.sources.elastic_fields import micros
from telemetry.sources.kubernetes.revisions import Object, Revision, at, differences, revisions

_SECOND = 1_000_000
_NEAR = 60 * _SECOND
"""Two traces of one scaling lie this near."""
_FRESH = 5 * _SECOND
"""Fields that were written so soon after an object was made came with it."""
_TOLD = 8
CORDON = "node.kubernetes.io/unschedulable"
WORKLOADS = ("deployments", "statefulsets", "daemonsets")
NEEDED = (*WORKLOADS, "replicasets", "controllerrevisions", "horizontalpodautoscalers", "configmaps", "secrets", "nodes", "events")
"""The kinds that changes are read from; those that are missing tell nothing."""


@dataclass(frozen=True, slots=True)
class Write:
    """The last write of some fields of an object."""

    manager: str
    time: int
    fields: Mapping[str, Any]
    part: str = ""


def changes(objects: Mapping[str, Sequence[Object]]) -> list[Change]:
    """All changes that the objects (by plural name) tell of, oldest first."""
    found = [*rollouts(objects), *scalings(objects), *settings(objects.get("configmaps", ())), *settings(objects.get("secrets", ())),
             *cordons(objects.get("nodes", ()))]
    return sorted({one.id: one for one in found}.values(), key=lambda one: (one.time, one.id))


def rollouts(objects: Mapping[str, Sequence[Object]]) -> Iterator[Change]:
    """A change for every revision whose time is known."""
    for plural in WORKLOADS:
        children = objects.get("replicasets" if plural == "deployments" else "controllerrevisions", ())
        for owner in objects.get(plural, ()):
            held = revisions(owner, children)
            for before, now in zip([None, *held], held, strict=False):
                if now.time is not None:
                    yield _rollout(owner, before, now, now is held[-1])


def _rollout(owner: Object, before: Revision | None, now: Revision, last: bool) -> Change:  # noqa: FBT001 - one of two sorts
    kind, name, namespace = _kind(owner), _name(owner), _namespace(owner)
    told = differences(before.template, now.template) if before else []
    how = "rolled back" if now.undo else "rolled out" if before else "created"
    what = "; ".join(map(str, told[:_TOLD])) or (", ".join(now.images) if not before else "only what is not shown differs")
    assert now.time is not None  # noqa: S101 - asked before
    actor = next((write.manager for write in writes(owner) if last and "f:spec" in write.fields and not write.part), "")
    return Change(
        f"kubernetes:{kind}/{namespace}/{name}@{now.number}", now.time, "deploy", f"{kind} {name} {how} (revision {now.number}): {what}"[:500],
        service=name, namespace=namespace, actor=actor, version=" ".join(now.images), before=" ".join(before.images) if before else "",
        source="kubernetes", attributes={"revision": str(now.number), **({"cause": now.cause} if now.cause else {})})


def scalings(objects: Mapping[str, Sequence[Object]]) -> Iterator[Change]:
    """By events of autoscalers, by their last scaling, and by who wrote the number of replicas."""
    seen: dict[tuple[str, str], list[int]] = {}
    for one in [*_rescaled(objects.get("events", ()), objects), *_last_scaled(objects), *_replicas_written(objects)]:
        near = seen.setdefault((one.namespace, one.service), [])
        if all(abs(one.time - other) > _NEAR for other in near):
            near.append(one.time)
            yield one


def _rescaled(events: Iterable[Object], objects: Mapping[str, Sequence[Object]]) -> Iterator[Change]:
    targets = {(_namespace(each), _name(each)): str(at(each, "spec", "scaleTargetRef", "name") or _name(each))
               for each in objects.get("horizontalpodautoscalers", ())}
    for each in events:
        about = at(each, "involvedObject") or {}
        time = _event_time(each)
        if each.get("reason") == "SuccessfulRescale" and time is not None:
            name, namespace = str(about.get("name")), str(about.get("namespace") or _namespace(each))
            yield _change("scale", namespace, targets.get((namespace, name), name), time, f"autoscaler {name}: {each.get('message')}", name)


def _last_scaled(objects: Mapping[str, Sequence[Object]]) -> Iterator[Change]:
    for each in objects.get("horizontalpodautoscalers", ()):
        time = micros(at(each, "status", "lastScaleTime"))
        if time is not None:
            target = str(at(each, "spec", "scaleTargetRef", "name") or _name(each))
            yield _change("scale", _namespace(each), target, time,
                          f"autoscaler {_name(each)} scaled {target} to {at(each, 'status', 'desiredReplicas')}", _name(each))


def _replicas_written(objects: Mapping[str, Sequence[Object]]) -> Iterator[Change]:
    for plural in ("deployments", "statefulsets"):
        for each in objects.get(plural, ()):
            for write in writes(each):
                if write.part == "scale" and "f:replicas" in (at(write.fields, "f:spec") or {}):
                    yield _change("scale", _namespace(each), _name(each), write.time,
                                  f"{_kind(each)} {_name(each)} scaled to {at(each, 'spec', 'replicas')}", write.manager)


def settings(objects: Iterable[Object]) -> Iterator[Change]:
    """The last write of what a ConfigMap or Secret holds, when it was not made with it. Values are not looked at."""
    for each in objects:
        created = micros(at(each, "metadata", "creationTimestamp")) or 0
        for write in writes(each):
            keys = sorted(key.removeprefix("f:") for part in ("f:data", "f:stringData", "f:binaryData")
                          for key in (write.fields.get(part) or {}) if key != ".")
            if keys and write.time > created + _FRESH:
                yield _change("config", _namespace(each), _name(each), write.time,
                              f"{_kind(each)} {_name(each)} written (keys {', '.join(keys[:_TOLD])}{' …' if len(keys) > _TOLD else ''})", write.manager)


def cordons(nodes: Iterable[Object]) -> Iterator[Change]:
    """Nodes that take no pods now, and since when."""
    for each in nodes:
        if at(each, "spec", "unschedulable") is not True:
            continue
        times = [micros(taint.get("timeAdded")) for taint in at(each, "spec", "taints") or () if taint.get("key") == CORDON]
        wrote = [write for write in writes(each) if "f:unschedulable" in (at(write.fields, "f:spec") or {})]
        time = next((one for one in [*times, *(write.time for write in wrote)] if one is not None), None)
        if time is not None:
            yield _change("other", "", _name(each), time, f"node {_name(each)} cordoned: no new pods go there", wrote[0].manager if wrote else "")


def writes(each: Object) -> list[Write]:
    """Who wrote which fields last, the newest first."""
    found = [Write(str(one.get("manager") or ""), time, one.get("fieldsV1") or {}, str(one.get("subresource") or ""))
             for one in at(each, "metadata", "managedFields") or () if isinstance(one, Mapping) and (time := micros(one.get("time"))) is not None]
    return sorted(found, key=lambda one: -one.time)


def _change(kind: ChangeKind, namespace: str, service: str, time: int, title: str, actor: str) -> Change:
    return Change(f"kubernetes:{kind}/{namespace}/{service}@{time}", time, kind, title[:500], service=service, namespace=namespace, actor=actor,
                  source="kubernetes")


def _event_time(each: Object) -> int | None:
    return next((time for field in (each.get("lastTimestamp"), at(each, "series", "lastObservedTime"), each.get("eventTime"))
                 if (time := micros(field)) is not None), None)


def _kind(each: Object) -> str:
    return str(each.get("kind") or "").lower()


def _name(each: Object) -> str:
    return str(at(each, "metadata", "name") or "")


def _namespace(each: Object) -> str:
    return str(at(each, "metadata", "namespace") or "")

