"""Logs of Kubernetes pods, read from the API server: containers that run and the ones that ran before them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from telemetry.formats import LineReader
from telemetry.formats.levels import from_message
from telemetry.sources.answers import Gathering, Trouble, integer, mapping, sequence, words
from telemetry.sources.elastic_fields import micros
from telemetry.sources.protocols import Answer, LogLine, LogQuery
from telemetry.sources.remote import SECOND, Remote
from telemetry.sources.web import Params, Web

CONTAINERS = 100
"""Containers of one question, and bytes of each."""
BYTES = 8 << 20
_PODS = 5_000
_APP = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app", "k8s-app", "app.kubernetes.io/component")
_HASH = re.compile(r"-[a-z0-9]{5,10}$")
_STAMP = re.compile(r"^(\S+Z) (.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a pod; ``previous``: its last run that ended, not the one of now."""

    namespace: str
    pod: str
    name: str
    node: str
    services: tuple[str, ...]
    previous: bool = False

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{quote(self.namespace, safe='')}/pods/{quote(self.pod, safe='')}/log"


class PodLogs(Remote):
    """The pods of some namespaces, or of all that may be listed."""

    def __init__(self, name: str, namespaces: tuple[str, ...], web: Web) -> None:
        super().__init__(name, "kubernetes", web)
        self.namespaces = namespaces
        self._reader = LineReader(())

    def check(self) -> Answer[str]:
        def work(g: Gathering[str]) -> None:
            for path in self._listings(""):
                self.web.json(g, path, {"limit": 1})
            g.records.append(f"the API server at {self.web.url} lists pods of {', '.join(self.namespaces) or 'all namespaces'}")

        return self._gather(work)

    def services(self, start: int, end: int) -> Answer[str]:
        def work(g: Gathering[str]) -> None:
            g.records += sorted({one.services[0] for one in self._containers(g, LogQuery(start, end)) if one.services})

        return self._gather(work)

    def lines(self, query: LogQuery) -> Answer[LogLine]:
        return self._gather(lambda g: self._lines(g, query))

    def _lines(self, g: Gathering[LogLine], query: LogQuery) -> None:
        if query.fields:
            raise Trouble("pods' logs have no fields to select by", status="not_assessed", remedy="select by service, pod, namespace or text")
        chosen = list(self._containers(g, query))
        if len(chosen) > CONTAINERS:
            g.gap(f"only {CONTAINERS} of {len(chosen)} containers were read: name a service, pod or namespace")
        found: list[LogLine] = []
        troubles: list[Trouble] = []
        for container in chosen[:CONTAINERS]:
            try:
                found += self._read(g, container, query)
            except Trouble as trouble:
                troubles.append(trouble)
                g.gap(f"{container.namespace}/{container.pod} {container.name}: {trouble.what}")
        if troubles and len(troubles) == len(chosen[:CONTAINERS]):
            raise troubles[0]
        g.note("a pod keeps its newest log files only, and none after it is deleted: older lines are not in this answer")
        found.sort(key=lambda line: line.time)
        if len(found) > query.limit:
            g.gap(f"there are more lines than the limit of {query.limit}")
        g.records += found[-query.limit:] if query.newest else found[:query.limit]

    def _listings(self, namespace: str) -> list[str]:
        wanted = [namespace] if namespace else list(self.namespaces)
        return [f"/api/v1/namespaces/{quote(one, safe='')}/pods" for one in wanted] or ["/api/v1/pods"]

    def _containers(self, g: Gathering[Any], query: LogQuery) -> Iterator[Container]:
        if query.namespace and self.namespaces and query.namespace not in self.namespaces:
            return
        for path in self._listings(query.namespace):
            for pod in self._pods(g, path):
                yield from _of(pod, query)

    def _pods(self, g: Gathering[Any], path: str) -> Iterator[Mapping[str, Any]]:
        """All pods, page by page."""
        more, count = "", 0
        while True:
            params: Params = {"limit": 500, **({"continue": more} if more else {})}
            page = mapping(self.web.json(g, path, params), "the answer")
            if page.get("kind") not in {"PodList", None}:
                raise Trouble(f"the answer is not what was asked for: a {words(page.get('kind'))}")
            for one in sequence(page.get("items"), "items"):
                count += 1
                yield mapping(one, "a pod")
            more = words(mapping(page.get("metadata") or {}, "metadata").get("continue"))
            if not more:
                return
            if count >= _PODS:
                g.gap(f"only the first {count} pods were looked at")
                return

    def _read(self, g: Gathering[Any], container: Container, query: LogQuery) -> list[LogLine]:
        since = f"{datetime.fromtimestamp(query.start // SECOND, UTC):%Y-%m-%dT%H:%M:%SZ}"
        params: Params = {"container": container.name, "timestamps": "true", "sinceTime": since, "limitBytes": BYTES,
                          **({"previous": "true"} if container.previous else {})}
        # The tail counts from the end of the log, so it helps only when nothing behind the window can be in it.
        if query.newest and query.end >= datetime.now(UTC).timestamp() * SECOND and not (query.contains or query.levels or query.trace_id):
            params = {**params, "tailLines": query.limit + 1}
        try:
            body = self.web.ask(g, container.path, params, headers={"Accept": "*/*"}).body
        except Trouble as trouble:
            if container.previous and trouble.code in {400, 404}:
                g.note(f"{container.pod} {container.name}: its last run left no log")
                return []
            raise
        if len(body) >= BYTES:
            g.gap(f"{container.pod} {container.name} wrote more than {BYTES:,} bytes: its later lines are missing")
        lines = (self._line(container, text) for text in body.decode("utf-8", "backslashreplace").split("\n") if text)
        return [line for line in lines if line and query.start <= line.time < query.end and _holds(line, query)]

    def _line(self, container: Container, text: str) -> LogLine | None:
        match = _STAMP.match(text)
        time = micros(match[1]) if match else None
        if match is None or time is None:
            return None  # the end of a line that limitBytes cut
        said = match[2]
        parsed = self._reader.parse(said)
        level = (parsed.level if parsed else None) or from_message(said) or ""
        return LogLine(time, said, level, container.services[0] if container.services else "", container.namespace, container.pod, container.node,
                       (parsed.text(said, "trace_id") if parsed else None) or "",
                       fields={"container": container.name, **({"previous": "true"} if container.previous else {})})


def _of(pod: Mapping[str, Any], query: LogQuery) -> Iterator[Container]:
    """The containers of a pod that the query means, those of earlier runs first."""
    about = mapping(pod.get("metadata"), "metadata")
    spec, status = mapping(pod.get("spec") or {}, "spec"), mapping(pod.get("status") or {}, "status")
    name, namespace = words(about.get("name")), words(about.get("namespace"))
    services = _services(about)
    if (query.pod and query.pod != name) or (query.namespace and query.namespace != namespace):
        return
    for listed in ("initContainerStatuses", "containerStatuses"):
        for one in sequence(status.get(listed), listed):
            state = mapping(one, "a container's status")
            container = words(state.get("name"))
            if query.service and query.service not in {*services, container}:
                continue
            found = Container(namespace, name, container, words(spec.get("nodeName")), services)
            if integer(state.get("restartCount") or 0, "restartCount"):
                yield Container(namespace, name, container, found.node, services, previous=True)
            if not mapping(state.get("state") or {}, "state").get("waiting"):
                yield found


def _services(about: Mapping[str, Any]) -> tuple[str, ...]:
    """What a pod's service may be called: its labels, and the workload that owns it."""
    labels = mapping(about.get("labels") or {}, "labels")
    found = [words(labels[name]) for name in _APP if labels.get(name)]
    for one in sequence(about.get("ownerReferences"), "ownerReferences"):
        owner = mapping(one, "an owner")
        name = words(owner.get("name"))
        found.append(_HASH.sub("", name) if owner.get("kind") == "ReplicaSet" else name)
    return tuple(dict.fromkeys(found))


def _holds(line: LogLine, query: LogQuery) -> bool:
    text = line.text.casefold()
    return (all(one.casefold() in text for one in query.contains) and (not query.levels or line.level in query.levels)
            and (not query.trace_id or query.trace_id.casefold() in text))
