"""Attributes and other values as texts, without their secrets; and where a record comes from."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from telemetry.masks import HIDDEN, hides, masked

_NODES = ("k8s.node.name", "host.name", "host.id")
_SERVICES = ("service.name", "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.container.name", "faas.name")
_PODS = ("k8s.pod.name",)
_DEEP = 16
"""Levels of nested values that are kept; below, a value is written as ``…``."""
_NAMING, _VALUED = frozenset({"name", "key"}), frozenset({"value", "values", "val"})
_NUMBERED = re.compile(r"pass|pwd|secret", re.IGNORECASE)
"""Names whose numbers are secrets, too; tokens and keys as numbers are counted ones."""
_OPTION = re.compile(r"--?([A-Za-z][\w-]{0,60})")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
Plain = str | int | float | bool | list[Any] | dict[str, Any] | None


def plain(value: Any, name: str = "", deep: int = 0) -> Plain:
    """An ``AnyValue`` as JSON has it, secrets masked; bytes are base64, as in OTLP's JSON."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind in {"bool_value", "int_value", "double_value"}:
        number: Plain = getattr(value, kind)
        return HIDDEN if kind != "bool_value" and _NUMBERED.search(name) and hides(name) else number
    if hides(name):
        return HIDDEN
    if kind == "string_value":
        return masked(value.string_value)
    if kind == "bytes_value":
        return masked(base64.b64encode(value.bytes_value).decode())
    if deep >= _DEEP or kind not in {"array_value", "kvlist_value"}:
        return "…"
    if kind == "array_value":
        return _listed(value.array_value.values, name, deep + 1)
    return _keyed(value.kvlist_value.values, deep + 1)


def _listed(values: Iterable[Any], name: str, deep: int) -> list[Any]:
    """The items of a list; what follows an option like ``--password`` is its value."""
    found, option = [], ""
    for one in values:
        found.append(plain(one, option if option and hides(option) else name, deep))
        option = said[1] if (said := _OPTION.fullmatch(one.string_value)) else ""
    return found


def _keyed(values: Iterable[Any], deep: int) -> dict[str, Any]:
    """The items of a map; in ``{name: authorization, value: …}`` the name stands beside its value."""
    pairs = list(values)
    beside = next((one.value.string_value for one in pairs if one.key.lower() in _NAMING and hides(one.value.string_value)), "")
    return {masked(one.key): plain(one.value, beside if beside and one.key.lower() in _VALUED else one.key, deep) for one in pairs}


def text_of(value: Plain) -> str:
    """A value as text: texts as they are, ``true``, numbers, JSON for what is nested, "" for nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _encode(value)


def pairs(attributes: Iterable[Any]) -> dict[str, str]:
    """``KeyValue`` messages as texts; of a name that comes twice the last one counts."""
    return {masked(one.key): text_of(plain(one.value, one.key)) for one in attributes if one.key}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records come from: what the resource and the scope say."""

    service: str = ""
    pod: str = ""
    node: str = ""
    scope: str = ""
    rest: Mapping[str, str] = field(default_factory=dict)
    """The resource's other attributes, but not those of the SDK itself."""


def origin_of(resource: Any, scope: Any = None) -> Origin:
    """Read a resource and an instrumentation scope."""
    found = pairs(resource.attributes)
    service, pod, node = (_take(found, names) for names in (_SERVICES, _PODS, _NODES))
    rest = {name: value for name, value in found.items() if not name.startswith("telemetry.")}
    return Origin(service, pod, node, masked(scope.name) if scope is not None else "", rest)


def _take(found: dict[str, str], names: Iterable[str]) -> str:
    """The first that is there, which then is no attribute any more."""
    return next((value for name in names if (value := found.get(name)) and found.pop(name)), "")


def merged(origin: Origin, own: Mapping[str, str]) -> dict[str, str]:
    """A record's attributes with those of its resource and scope; its own come first."""
    scope = {"otel.scope.name": origin.scope} if origin.scope else {}
    return {**origin.rest, **scope, **own}


def hexed(ident: bytes, size: int) -> str:
    """An id in hex; "" when it is none: empty, of another length, or all zeros."""
    return ident.hex() if len(ident) == size and any(ident) else ""
