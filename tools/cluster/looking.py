"""``cluster.get`` and ``cluster.describe``: objects as rows, and one object with its events and owners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from signals.kube.state import Object, at, items_at, mapping_at, name_of, namespace_of
from telemetry.sources.answers import Trouble
from telemetry.sources.kubernetes.resources import Resource, resource
from tools.cluster import inputs
from tools.cluster.asking import AbsentError, Asking, kind_of
from tools.cluster.events import event_rows, fields_of
from tools.cluster.rows import cells, columns, head
from tools.result import Outcome, Passage, Passages

_NAMES_ONLY = frozenset({"secrets", "configmaps"})
_OWNERS = 5
_TEXT = 12_000
_EVENTS = 20


def get(asking: Asking, given: inputs.GetInput) -> Outcome:
    """Objects of a kind as rows."""
    kind = kind_of(given.kind)
    query = {**given.model_dump(mode="json"), "kind": kind.plural}
    header = ["namespace", "name", *columns(kind.plural), "age"]
    if given.name and (given.namespace or not kind.namespaced):
        try:
            found = [asking.one(kind, given.name, given.namespace)]
        except AbsentError as error:
            return asking.table(header, [], query, why=error.what)
    else:
        fields = f"metadata.name={given.name}" if given.name else ""
        found = asking.need(kind, given.namespace or "", labels=given.labels or "", fields=fields, metadata=kind.plural in _NAMES_ONLY)
    rows = [[*head(each), *cells(kind.plural, each), asking.age(at(each, "metadata", "creationTimestamp"))] for each in found[:given.limit]]
    if len(found) > given.limit:
        asking.notes.append(f"{len(found) - given.limit} more: give labels or a larger limit")
    return asking.table(header, rows, query, total=len(found), why=_why(asking, kind, given.namespace, given.labels))


def _why(asking: Asking, kind: Resource, namespace: str | None, labels: str | None) -> str:
    where = f" in {namespace}" if namespace and kind.namespaced else ""
    gone = asking.no_namespace(namespace) if where and namespace and not asking.searched else ""
    return f"there are no {kind.plural}{where}" + (f" with {labels}" if labels else "") + gone


def describe(asking: Asking, given: inputs.DescribeInput) -> Outcome:
    """One object, who owns it, and its events."""
    kind = kind_of(given.kind)
    each = asking.one(kind, given.name, given.namespace)
    namespace = namespace_of(each)
    chain = owners(asking, each)
    about = f"{kind.kind} {f'{namespace}/' if namespace else ''}{name_of(each)}"
    passages = [Passage(title=about, source="object", text=_object(each))]
    if chain:
        passages.append(Passage(title="owned by", source="owners", text="\n".join(chain)))
    events = asking.want("events", namespace, fields=fields_of(kind.kind, name_of(each)))
    rows = event_rows(events)
    told = [f"{row[0]} {row[1]} {row[2]} (x{row[4]}): {row[6]}" for row in rows[:_EVENTS]]
    if asking.knows("events"):
        passages.append(Passage(title="events, newest first", source="events", text="\n".join(told) or "none is kept (an API server keeps events for about an hour)"))
    asking.searched = 1 + len(events)
    query = asking.said({**given.model_dump(mode="json"), "kind": kind.plural})
    return Outcome(Passages(total=1, searched=asking.searched, passages=passages), query=query, notes=(*asking.short(), *asking.notes))


def owners(asking: Asking, each: Object) -> list[str]:
    """The chain of owners, the nearest first; an owner that is gone or cannot be read is told."""
    found: list[str] = []
    for _ in range(_OWNERS):
        refs = items_at(each, "metadata", "ownerReferences")
        ref: Mapping[str, Any] = next((one for one in refs if one.get("controller")), refs[0] if refs else {})
        kind = resource(str(ref.get("kind") or ""))
        if not ref:
            break
        said = f"{ref.get('kind')} {ref.get('name')}"
        if kind is None:
            found.append(f"{said} (a kind that OnCalm does not read: {ref.get('apiVersion')})")
            break
        try:
            owner = asking.cluster.object(asking.g, kind, str(ref.get("name")), namespace_of(each) if kind.namespaced else "")
        except Trouble as trouble:
            found.append(f"{said} (not assessed: {trouble.what})")
            break
        if owner is None:
            found.append(f"{said} (does not exist any more)")
            break
        found.append(f"{said}: " + ", ".join(f"{name} {cell}" for name, cell in zip(columns(kind.plural), cells(kind.plural, owner), strict=True) if cell != ""))
        each = owner
    return found


def _object(each: Object) -> str:
    """The object as YAML without what nobody reads, bounded."""
    about = {key: value for key, value in mapping_at(each, "metadata").items() if key not in {"managedFields", "selfLink", "generation"}}
    shown = {"kind": each.get("kind"), "metadata": about, **{k: v for k, v in each.items() if k not in {"kind", "apiVersion", "metadata"}}}
    text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=160, default_flow_style=None)
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}\n[+{len(text) - _TEXT} characters]"
