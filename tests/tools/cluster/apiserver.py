"""A small Kubernetes API server over real HTTP: lists with pages, metadata alone, logs, refusals and broken answers."""

from __future__ import annotations

import json
import threading
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class ApiServer:
    """``objects`` by list path without namespace (``/api/v1/pods``); ``logs`` by (namespace, pod, container, previous)."""

    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    logs: dict[tuple[str, str, str, bool], str] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    """Plurals that may not be listed."""
    broken: dict[str, bytes] = field(default_factory=dict)
    """Plurals whose answer is this."""
    page: int = 2
    expire_once: bool = False
    """Whether the first continuation has expired."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(path with query, Accept) of every request."""

    def start(self) -> str:
        """Serve until :meth:`stop`; returns the address."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.requests.append((self.path, self.headers.get("Accept", "")))
                status, kind, body = server.answer(self.path, self.headers.get("Accept", ""))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, target: str, accept: str) -> tuple[int, str, bytes]:
        """Status, content type and body of a request."""
        url = urllib.parse.urlparse(target)
        query = dict(urllib.parse.parse_qsl(url.query))
        parts = url.path.split("/")
        if url.path.endswith("/log"):
            held = self.logs.get((parts[4], parts[6], query["container"], query.get("previous") == "true"))
            return (200, "text/plain", held.encode()) if held is not None else _status(400, "previous terminated container not found")
        plural = parts[-1]
        if plural in self.broken:
            return 200, "application/json", self.broken[plural]
        if plural in self.forbidden:
            return _status(403, f'{plural} is forbidden: User "night" cannot list resource "{plural}"')
        namespace = parts[parts.index("namespaces") + 1] if "namespaces" in parts[:-1] else None
        everything = self.objects.get("/".join(part for at, part in enumerate(parts) if namespace is None or at not in _scope(parts)))
        if everything is None:
            return _status(404, "the server could not find the requested resource")
        chosen = [one for one in everything if namespace is None or one["metadata"].get("namespace") == namespace]
        at = int(query.get("continue") or 0)
        if at and self.expire_once:
            self.expire_once = False
            return _status(410, "The provided continue parameter is too old")
        size = min(self.page, int(query.get("limit") or 500))
        shown = chosen[at:at + size]
        if "PartialObjectMetadataList" in accept:
            shown = [{"metadata": one["metadata"]} for one in shown]
        following = {"continue": str(at + size)} if at + size < len(chosen) else {}
        return 200, "application/json", json.dumps({"metadata": following, "items": shown}).encode()


def _scope(parts: list[str]) -> tuple[int, int]:
    at = parts.index("namespaces")
    return at, at + 1


def _status(code: int, message: str) -> tuple[int, str, bytes]:
    return code, "application/json", json.dumps({"kind": "Status", "code": code, "message": message}).encode()


def kubeconfig(path: Path, server: str) -> Path:
    """A kubeconfig for a server, with one context."""
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server}}], "users": [{"name": "u", "user": {"token": "night-token"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}]}))
    return path
