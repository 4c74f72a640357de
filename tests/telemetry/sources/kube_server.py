"""The two calls of an API server that pods' logs need, over lines in memory, and a kubeconfig for it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from telemetry.sources.elastic_fields import micros
from telemetry.sources.protocols import LogLine
from tests.telemetry.sources.elastic_server import stamp
from tests.telemetry.sources.serving import Request, Response, as_json

LEVELS = {"error": "ERROR", "warn": "WARN", "info": "INFO"}


class KubeServer:
    """Each pod has one container ``main``; the lines of the pods in ``restarted`` before their time are of an earlier run."""

    def __init__(self, lines: Sequence[LogLine], restarted: dict[str, int] | None = None, token: str = "") -> None:
        self.lines: dict[str, list[LogLine]] = defaultdict(list)
        for line in lines:
            self.lines[line.pod].append(line)
        self.restarted, self.token = restarted or {}, token
        self.forbidden: set[str] = set()

    def __call__(self, request: Request) -> Response:
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return as_json({"kind": "Status", "message": "Unauthorized", "code": 401}, 401)
        if match := re.fullmatch(r"/api/v1/(?:namespaces/([^/]+)/)?pods", request.path):
            return self._pods(request, match[1])
        if match := re.fullmatch(r"/api/v1/namespaces/([^/]+)/pods/([^/]+)/log", request.path):
            return self._log(request, match[2])
        return as_json({"kind": "Status", "message": "the server could not find the requested resource", "code": 404}, 404)

    def _pods(self, request: Request, namespace: str | None) -> Response:
        names = sorted(name for name in self.lines if namespace in {None, self.lines[name][0].namespace})
        at = int(request.one("continue", "0"))
        size = min(2, int(request.one("limit")))  # small pages, so that there are several
        more = {"continue": str(at + size)} if at + size < len(names) else {}
        return as_json({"kind": "PodList", "metadata": more, "items": [self._pod(name) for name in names[at:at + size]]})

    def _pod(self, name: str) -> dict[str, Any]:
        first = self.lines[name][0]
        status = {"name": "main", "restartCount": int(name in self.restarted), "state": {"running": {}}}
        return {"metadata": {"name": name, "namespace": first.namespace, "labels": {"app": first.service}}, "spec": {"nodeName": "node-1"},
                "status": {"containerStatuses": [status]}}

    def _log(self, request: Request, pod: str) -> Response:
        if pod in self.forbidden:
            return as_json({"kind": "Status", "message": f'pods "{pod}" is forbidden: cannot get resource "pods/log"', "code": 403}, 403)
        edge, since = self.restarted.get(pod, 0), micros(request.one("sinceTime")) or 0
        before = request.one("previous") == "true"
        own = [line for line in self.lines[pod] if (line.time < edge) == before and line.time >= since]
        text = [f"{stamp(line.time)} {LEVELS[line.level]}: {line.text}{f' trace_id={line.trace_id}' if line.trace_id else ''}" for line in own]
        if tail := request.one("tailLines"):
            text = text[-int(tail):]
        return Response("".join(f"{line}\n" for line in text).encode(), 200, {"Content-Type": "text/plain"})


def kubeconfig(folder: Path, url: str) -> Path:
    """A kubeconfig in JSON, which YAML takes."""
    path = folder / "kubeconfig"
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "test", "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}], "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}]}))
    return path
