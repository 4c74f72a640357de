"""The objects of the double, and how lists of them are selected."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from threading import RLock
from typing import Any

from telemetry.sources.kubernetes.resources import MORE, RESOURCES, Resource

Object = dict[str, Any]
KNOWN = (*RESOURCES.values(), *MORE)
_KINDS = {one.kind: one for one in reversed(KNOWN)}
_GROUPED = {(one.group, one.kind): one for one in KNOWN}
_TERM = re.compile(r"(?P<key>[\w./-]+)\s+(?P<op>in|notin)\s+\((?P<values>[^)]*)\)|(?P<not>!)?(?P<name>[\w./-]+)(?:\s*(?P<eq>==|=|!=)\s*(?P<value>[^,]*))?")


class Objects:
    """Objects by resource, namespace and name; every change gets the next resource version."""

    def __init__(self, objects: Iterable[Mapping[str, Any]] = ()) -> None:
        self.lock = RLock()
        self.revision = 1000
        self._held: dict[tuple[str, str, str], Object] = {}
        for each in objects:
            self.put(each)

    def put(self, each: Mapping[str, Any], kind: str = "") -> Object:
        """Keep an object, new or in place of the one of its name. Raises KeyError for a kind that nobody knows."""
        named = kind or str(each["kind"])
        one = _GROUPED.get((str(each.get("apiVersion", "")).rpartition("/")[0], named)) or _KINDS[named]
        with self.lock:
            self.revision += 1
            held: Object = copy.deepcopy(dict(each))
            about = held.setdefault("metadata", {})
            about.setdefault("uid", f"uid-{one.plural}-{about.get('namespace', '')}-{about['name']}")
            about.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
            about["resourceVersion"] = str(self.revision)
            held["kind"] = one.kind
            held.setdefault("apiVersion", f"{one.group}/{one.versions[0]}" if one.group else one.versions[0])
            self._held[one.full, about.get("namespace", "") if one.namespaced else "", about["name"]] = held
            return held

    def remove(self, one: Resource, namespace: str, name: str) -> Object | None:
        """Drop an object; None when there was none."""
        with self.lock:
            self.revision += 1
            return self._held.pop((one.full, namespace, name), None)

    def get(self, one: Resource, namespace: str, name: str) -> Object | None:
        """A copy of one object."""
        with self.lock:
            return copy.deepcopy(self._held.get((one.full, namespace if one.namespaced else "", name)))

    def select(self, one: Resource, namespace: str, labels: str = "", fields: str = "") -> list[Object]:
        """Copies in the order of namespace and name."""
        with self.lock:
            found = [each for key, each in sorted(self._held.items()) if key[0] == one.full and namespace in {"", key[1]}]
            return [copy.deepcopy(each) for each in found if _labelled(each, labels) and _fields(each, fields)]


def _labelled(each: Object, selector: str) -> bool:
    """kubernetes.io/docs/concepts/overview/working-with-objects/labels: equality and set based terms, joined by commas."""
    own = each["metadata"].get("labels") or {}
    return all(_meets(own, match) for match in _TERM.finditer(selector) if match[0].strip())


def _meets(own: Mapping[str, str], match: re.Match[str]) -> bool:
    if match["op"]:
        within = own.get(match["key"]) in {value.strip() for value in match["values"].split(",")}
        return within if match["op"] == "in" else not within
    if match["eq"]:
        same = own.get(match["name"]) == match["value"].strip()
        return same if match["eq"] != "!=" else not same
    return (match["name"] in own) != bool(match["not"])


def _fields(each: Object, selector: str) -> bool:
    for term in filter(None, selector.split(",")):
        path, differs, value = re.split(r"(!=|==|=)", term, maxsplit=1)
        found: Any = each
        for key in path.split("."):
            found = found.get(key, "") if isinstance(found, dict) else ""
        if (str(found) == value) == (differs == "!="):
            return False
    return True
