"""Objects of an API server: whole lists page by page, single objects, container logs. Nothing else can be asked here.

Protocol: kubernetes.io/docs/reference/using-api/api-concepts (chunks by ``limit`` and ``continue``, 410 for a token that
ran out, ``PartialObjectMetadata``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from telemetry.sources.answers import Gathering, Trouble, clean, mapping, sequence, words
from telemetry.sources.kubernetes.connection import ApiServer
from telemetry.sources.kubernetes.masking import without_secrets
from telemetry.sources.kubernetes.refusing import absent, told
from telemetry.sources.kubernetes.resources import RESOURCES, Resource
from telemetry.sources.web import Params

Object = dict[str, Any]
PAGE = 500
MOST = 20_000
"""Objects of one list that are read; a list that is longer says so."""
METADATA = "application/json;as=PartialObjectMetadata{list};g=meta.k8s.io;v=v1"
_CLOSED = frozenset({"secrets"})
"""Of these only the metadata is ever asked for."""
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9:._-]{0,251}[A-Za-z0-9])?")
_KEY = re.compile(r"f:(.+)", re.DOTALL)


class Unserved(Trouble):
    """The server does not know the kind at all: an extension is not installed, or the server is older."""


class Cluster:
    """What may be read of one cluster. Each call notes in its gathering what was asked and what went wrong."""

    def __init__(self, server: ApiServer, page: int = PAGE) -> None:
        self.server = server
        self.page = page
        self._served: dict[str, str] = {}

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Those that may be looked into; none: all."""
        return self.server.access.namespaces

    def close(self) -> None:
        self.server.close()

    def version(self, g: Gathering[Any]) -> str:
        """The server's version, as ``v1.34.2``. Raises Trouble."""
        return clean(mapping(self.server.json(g, "/version"), "the version").get("gitVersion") or "unknown", 40)

    def objects(
        self, g: Gathering[Any], kind: Resource | str, namespace: str = "", *, labels: str = "", fields: str = "", metadata: bool = False,
        most: int = MOST,
    ) -> list[Object]:
        """All objects of a kind: of a namespace, of those permitted, or of the whole cluster.

        What was read before something went wrong is given, and the rest told as a gap. Raises Trouble when nothing was.
        """
        one = RESOURCES[kind] if isinstance(kind, str) else kind
        found: list[Object] = []
        troubles: list[Trouble] = []
        places = self._places(one, namespace)
        for place in places:
            try:
                found += self._listed(g, one, place, {"labelSelector": labels, "fieldSelector": fields}, metadata=metadata, most=most - len(found))
            except Trouble as trouble:
                troubles.append(trouble)
                if trouble.status == "not_assessed" and not trouble.code:
                    break  # nobody there: the next namespace would not answer either
        if troubles and len(troubles) == len(places) or troubles and not found and not places[1:]:
            raise troubles[0]
        for one_trouble in troubles:
            g.gap(one_trouble.what)
        return found

    def object(self, g: Gathering[Any], kind: Resource | str, name: str, namespace: str = "", *, metadata: bool = False) -> Object | None:
        """One object, None when there is none of that name. Raises Trouble."""
        one = RESOURCES[kind] if isinstance(kind, str) else kind
        self.permitted(one, namespace, name)
        if one.plural in _CLOSED:  # by a list, so that one permission is enough
            return next(iter(self.objects(g, one, namespace, fields=f"metadata.name={name}")), None)
        for version in self._versions(one):
            try:
                found = self._json(g, one, "get", namespace, one.path(version, namespace, name), {}, accept=METADATA.format(list="") if metadata else "")
            except Trouble as trouble:
                if trouble.code != 404:
                    raise
                if not absent(trouble):
                    return None
                continue
            self._served[one.full] = version
            return self._object(one, found, closed=metadata)
        raise _unserved(one)

    def log(
        self, g: Gathering[Any], namespace: str, pod: str, container: str, *, previous: bool = False, tail: int | None = None,
        since: int | None = None, size: int = 1 << 20,
    ) -> str:
        """The newest lines of a container with the runtime's times; ``since`` in seconds. Raises Trouble (code 400: there is none)."""
        pods = RESOURCES["pods"]
        self.permitted(pods, namespace, pod)
        params: Params = {"container": container, "timestamps": "true", "limitBytes": size, **({"previous": "true"} if previous else {}),
                          **({"tailLines": tail} if tail is not None else {}), **({"sinceSeconds": since} if since is not None else {})}
        path = pods.path("v1", namespace, pod, "log")
        try:
            body = self.server.ask(g, path, params, headers={"Accept": "*/*"}).body
        except Trouble as trouble:
            raise told(trouble, "get", "pods/log", namespace) from None
        return body.decode("utf-8", "backslashreplace")

    def permitted(self, one: Resource, namespace: str, *names: str) -> None:
        """Raises Trouble for a namespace that OnCalm was not given, and for what no object can be named."""
        for name in (namespace, *names):
            if name and not _NAME.fullmatch(name):
                raise Trouble(f"{clean(name, 80)!r} is no name of Kubernetes", remedy="names have letters, digits, hyphens and dots")
        if one.namespaced and namespace and self.namespaces and namespace not in self.namespaces and one.plural != "leases":
            raise Trouble(f"the namespace {clean(namespace, 63)} is not one that OnCalm may look into", status="not_assessed",
                          remedy=f"it may look into {', '.join(self.namespaces)} (ONCALM_KUBE_NAMESPACES)")

    def _places(self, one: Resource, namespace: str) -> tuple[str, ...]:
        self.permitted(one, namespace)
        if not one.namespaced:
            return ("",)
        return (namespace,) if namespace else self.namespaces or ("",)

    def _versions(self, one: Resource) -> tuple[str, ...]:
        known = self._served.get(one.full)
        return (known,) if known else one.versions

    def _listed(
        self, g: Gathering[Any], one: Resource, namespace: str, selectors: Mapping[str, str], *, metadata: bool, most: int
    ) -> list[Object]:
        for version in self._versions(one):
            try:
                found = self._pages(g, one, one.path(version, namespace), namespace, selectors, closed=metadata or one.plural in _CLOSED, most=most)
            except Trouble as trouble:
                if not absent(trouble):
                    raise
                continue
            self._served[one.full] = version
            return found
        raise _unserved(one)

    def _pages(
        self, g: Gathering[Any], one: Resource, path: str, namespace: str, selectors: Mapping[str, str], *, closed: bool, most: int
    ) -> list[Object]:
        """Page by page; a token that ran out starts the list again, once. What came before a failure is kept, with the gap told."""
        found: list[Object] = []
        more, again = "", False
        while True:
            params: Params = {"limit": min(self.page, max(most, 1)), **{k: v for k, v in selectors.items() if v}, **({"continue": more} if more else {})}
            try:
                page = self._json(g, one, "list", namespace, path, params, accept=METADATA.format(list="List") if closed else "")
                found += [self._object(one, each, closed=closed, listed=page) for each in self._items(one, page)]
            except Trouble as trouble:
                if trouble.code == 410 and more and not again:
                    g.note(f"the list of {one.plural} changed while it was read and was begun again")
                    found, more, again = [], "", True
                    continue
                if not found:
                    raise
                g.gap(f"{one.plural}: only the first {len(found)} were read: {trouble.what}")
                return found
            more = words(mapping(page.get("metadata") or {}, "metadata").get("continue"))
            if not more:
                return found
            if len(found) >= most:
                g.gap(f"only the first {len(found)} {one.plural} were read")
                return found

    def _json(self, g: Gathering[Any], one: Resource, verb: str, namespace: str, path: str, params: Params, *, accept: str) -> Object:
        try:
            found = self.server.json(g, path, params, headers={"Accept": accept} if accept else None)
        except Trouble as trouble:
            raise told(trouble, verb, one.full, namespace) from None
        return dict(mapping(found, "the answer"))

    def _items(self, one: Resource, page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        if not words(page.get("kind")).endswith("List"):
            raise Trouble(f"the answer is not what was asked for: a {clean(page.get('kind') or 'map without kind', 60)}, not a list of {one.plural}",
                          remedy="check that the server of the kubeconfig is an API server")
        return (mapping(each, f"one of {one.plural}") for each in sequence(page.get("items"), "items"))

    def _object(self, one: Resource, each: Mapping[str, Any], *, closed: bool, listed: Mapping[str, Any] | None = None) -> Object:
        """The object without secrets. Raises Trouble for a server that sends Secrets whole."""
        if closed and ({"data", "stringData", "binaryData", "spec"} & each.keys()):
            raise Trouble(f"the server sent {one.plural} whole although only their names were asked for; they were thrown away",
                          status="not_assessed", remedy="use an API server of version 1.15 or newer")
        found = without_secrets({**each, "kind": one.kind})
        if closed:
            keys = keys_of(found)
            return {**found, "data": keys} if keys is not None else found
        if not isinstance(found.get("metadata"), dict):
            raise Trouble(f"the answer is not what was asked for: one of {one.plural} has no metadata")
        return found


def keys_of(each: Mapping[str, Any]) -> dict[str, str] | None:
    """The keys of a Secret or ConfigMap by who manages them, each with an empty value; None when nobody is known to."""
    found: dict[str, str] = {}
    for manager in sequence(mapping(each.get("metadata") or {}, "metadata").get("managedFields"), "managedFields"):
        fields = manager.get("fieldsV1") if isinstance(manager, dict) else None
        for part in ("f:data", "f:stringData", "f:binaryData"):
            own = fields.get(part) if isinstance(fields, dict) else None
            found |= {match[1]: "" for key in (own if isinstance(own, dict) else {}) if (match := _KEY.fullmatch(key))}
    return found or None


def size_of(each: Mapping[str, Any]) -> int:
    """About how many bytes an object takes as JSON."""
    return len(json.dumps(each, separators=(",", ":"), default=str))


def _unserved(one: Resource) -> Unserved:
    versions = ", ".join(f"{one.group or 'core'}/{version}" for version in one.versions)
    return Unserved(f"this API server does not serve {one.plural} ({versions})", status="not_assessed",
                   remedy="metrics-server is not installed" if one.group == "metrics.k8s.io" else "the API server is older or the extension is not installed")
