"""``cluster.events``: what the cluster's parts said lately."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from signals.kube.clock import SECOND, micros, written
from signals.kube.state import Object, at, mapping_at
from tools.cluster import inputs
from tools.cluster.asking import Asking, kind_of
from tools.result import Outcome

COLUMNS = ("last", "type", "reason", "object", "count", "first", "message")
_KEPT = "an API server keeps events for about an hour unless it is told otherwise"


def events(asking: Asking, given: inputs.EventsInput) -> Outcome:
    """Events, the newest first."""
    kind = kind_of(given.kind).kind if given.kind else None
    terms = [f"type={'Warning'}"] if given.warnings_only else []
    terms += [f"involvedObject.kind={kind}"] if kind else []
    found = asking.need("events", given.namespace or "", fields=",".join(terms))
    since = asking.now - (given.since_minutes or 0) * 60 * SECOND if given.since_minutes else None
    chosen = [each for each in found if _about(each, given.name) and (since is None or (last_seen(each) or asking.now) >= since)]
    rows = event_rows(chosen)
    if len(rows) > given.limit:
        asking.notes.append(f"{len(rows) - given.limit} older ones: give a name, warnings_only or a larger limit")
    why = f"no event meets this; {_KEPT}" if found else f"there are no such events; {_KEPT}"
    if given.namespace and not found:
        why += asking.no_namespace(given.namespace)
    return asking.table(COLUMNS, rows[:given.limit], given.model_dump(mode="json"), total=len(rows), why=why)


def _about(each: Object, name: str | None) -> bool:
    said = str(at(each, "involvedObject", "name") or "")
    return name is None or said == name or said.startswith(f"{name}-")


def event_rows(found: Sequence[Object]) -> list[list[Any]]:
    """Rows for :data:`COLUMNS`, the newest first."""
    ordered = sorted(found, key=lambda each: -(last_seen(each) or 0))
    return [_row(each) for each in ordered]


def _row(each: Object) -> list[Any]:
    about = mapping_at(each, "involvedObject")
    namespace = about.get("namespace") or at(each, "metadata", "namespace") or ""
    last, first = last_seen(each), micros(each.get("firstTimestamp") or each.get("eventTime"))
    return [written(last) if last else "", each.get("type") or "", each.get("reason") or "", f"{about.get('kind')} {namespace}/{about.get('name')}",
            each.get("count") or at(each, "series", "count") or 1, written(first) if first else "", each.get("message") or each.get("note") or ""]


def last_seen(each: Object) -> int | None:
    """When an event was last seen, µs since 1970."""
    return next((time for field in (each.get("lastTimestamp"), at(each, "series", "lastObservedTime"), each.get("eventTime"),
                                    at(each, "metadata", "creationTimestamp")) if (time := micros(field)) is not None), None)


def fields_of(kind: str, name: str) -> str:
    """A field selector for the events of one object."""
    return f"involvedObject.kind={kind},involvedObject.name={name}"
