"""The double's HTTP: paths, permissions, pages, metadata, logs, usage."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from telemetry.sources.kubernetes.resources import NODE_METRICS, POD_METRICS, RESOURCES, Resource
from tools.cluster.double.faults import Fault
from tools.cluster.double.objects import KNOWN, Object, Objects
from tools.cluster.double.replies import Asked, Reply, json_reply, status_reply
from tools.cluster.double.writing import Reaction, Writing

VERSION = "v1.34.0+oncalm-double"
_PATH = re.compile(r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>v[^/]+)(?:/namespaces/(?P<ns>[^/]+)(?=/))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>[^/]+))?")
_BY_PATH = {(one.group, one.plural): one for one in (*KNOWN, POD_METRICS, NODE_METRICS)}


class ApiDouble:
    """A running server; a context that stops it.

    ``allowed`` are (verb, resource, namespace) with ``*`` for any; None permits all. ``served`` narrows the versions of a
    resource (an empty tuple: not served). ``logs`` by (namespace, pod, container, previous).
    """

    def __init__(self, objects: Iterable[Mapping[str, Any]] = (), *, token: str = "", user: str = "system:serviceaccount:oncalm:oncalm",
                 certificate: tuple[Path, Path] | None = None) -> None:
        self.objects = Objects(objects)
        self._writing = Writing(self.objects)
        self.token, self.user = token, user
        self.allowed: set[tuple[str, str, str]] | None = None
        self.allowed_to: dict[str, set[tuple[str, str, str]]] = {}
        """What impersonated users may; who is not in it may what ``allowed`` says."""
        self.served: dict[str, tuple[str, ...]] = {}
        self.logs: dict[tuple[str, str, str, bool], str] = {}
        self.usage: dict[str, list[Object]] = {}
        """``pods`` and ``nodes`` of metrics.k8s.io; a key that is missing is not served."""
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.page = 500
        """At most so many objects on one page, whatever limit is asked for."""
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> ApiDouble:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: Asked, *, authorised: bool) -> Reply:
        """What a request gets."""
        if asked.path == "/version":
            return json_reply({"major": "1", "minor": "34", "gitVersion": VERSION})
        if not authorised:
            return status_reply(401, "Unauthorized", "Unauthorized")
        match = _PATH.fullmatch(asked.path)
        one = self._resource(match) if match else None
        if match is None or one is None:
            return status_reply(404, "NotFound", "the server could not find the requested resource")
        if not self._may(asked):
            return status_reply(403, "Forbidden", _forbidden(asked.user, asked, one))
        return self.read(asked, one) if asked.method == "GET" else self.write(asked, one)

    def read(self, asked: Asked, one: Resource) -> Reply:
        """Lists, single objects and logs."""
        if asked.resource == "pods/log":
            return self._log(asked)
        if one.group == "metrics.k8s.io":
            return self._usage(asked, one)
        return self._one(asked, one) if asked.name else self._list(asked, one)

    def write(self, asked: Asked, one: Resource) -> Reply:
        """Patches, deletions and evictions."""
        return self._writing.answer(asked, one)

    @property
    def reactions(self) -> list[Reaction]:
        """Called after each change, in the place of controllers."""
        return self._writing.reactions

    def _resource(self, match: re.Match[str]) -> Resource | None:
        one = _BY_PATH.get((match["group"] or "", match["plural"]))
        if one is None or match["version"] not in self.served.get(one.full, one.versions):
            return None
        return None if one.group == "metrics.k8s.io" and one.plural not in self.usage else one

    def _may(self, asked: Asked) -> bool:
        allowed = self.allowed_to.get(asked.user, self.allowed)
        return allowed is None or any(
            verb in {"*", asked.verb} and resource in {"*", asked.resource} and namespace in {"*", asked.namespace}
            for verb, resource, namespace in allowed)

    def _list(self, asked: Asked, one: Resource) -> Reply:
        found = self.objects.select(one, asked.namespace, asked.query.get("labelSelector", ""), asked.query.get("fieldSelector", ""))
        at = json.loads(base64.b64decode(asked.query["continue"]))["at"] if asked.query.get("continue") else 0
        size = min(int(asked.query.get("limit") or self.page), self.page)
        about: Object = {"resourceVersion": str(self.objects.revision)}
        if at + size < len(found):
            about["continue"] = base64.b64encode(json.dumps({"at": at + size}).encode()).decode()
            about["remainingItemCount"] = len(found) - at - size
        if "as=PartialObjectMetadataList" in asked.accept:
            items = [_metadata(each) for each in found[at:at + size]]
            return json_reply({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": about, "items": items})
        # In lists of the real server kind and apiVersion stand once, not on every object.
        items = [{k: v for k, v in each.items() if k not in {"kind", "apiVersion"}} for each in found[at:at + size]]
        return json_reply({"kind": f"{one.kind}List", "apiVersion": found[0]["apiVersion"] if found else "v1", "metadata": about, "items": items})

    def _one(self, asked: Asked, one: Resource) -> Reply:
        found = self.objects.get(one, asked.namespace, asked.name)
        if found is None:
            return status_reply(404, "NotFound", f'{one.full} "{asked.name}" not found', name=asked.name)
        return json_reply(_metadata(found) if "as=PartialObjectMetadata" in asked.accept else found)

    def _log(self, asked: Asked) -> Reply:
        previous = asked.query.get("previous") == "true"
        container = asked.query.get("container", "")
        text = self.logs.get((asked.namespace, asked.name, container, previous))
        if self.objects.get(RESOURCES["pods"], asked.namespace, asked.name) is None:
            return status_reply(404, "NotFound", f'pods "{asked.name}" not found', name=asked.name)
        if text is None:
            what = "previous terminated container" if previous else "container"
            return status_reply(400, "BadRequest", f'{what} "{container}" in pod "{asked.name}" not found')
        lines = text.splitlines(keepends=True)
        if asked.query.get("tailLines"):
            lines = lines[-int(asked.query["tailLines"]):]
        body = "".join(lines).encode()[:int(asked.query.get("limitBytes") or 1 << 30)]
        return Reply(200, body, {"Content-Type": "text/plain"})

    def _usage(self, asked: Asked, one: Resource) -> Reply:
        items = [each for each in self.usage[one.plural] if asked.namespace in {"", each["metadata"].get("namespace", "")}]
        return json_reply({"kind": f"{one.kind}List", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked has gone: with deadlines that is usual."""


def kubeconfig(folder: Path, server: ApiDouble, *, ca: Path | None = None, name: str = "kubeconfig", user: Mapping[str, Any] | None = None,
               **cluster: Any) -> Path:
    """A kubeconfig for the double, with one context ``double``; ``user`` and more of ``cluster`` in place of the usual."""
    own = {"server": server.url, **({"certificate-authority-data": base64.b64encode(ca.read_bytes()).decode()} if ca else {}), **cluster}
    path = folder / name
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "double", "clusters": [{"name": "c", "cluster": own}],
        "users": [{"name": "u", "user": dict(user) if user is not None else {"token": server.token or "none"}}],
        "contexts": [{"name": "double", "context": {"cluster": "c", "user": "u"}}]}))
    return path


def _metadata(each: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": each["metadata"]}


def _forbidden(user: str, asked: Asked, one: Resource) -> str:
    """In the words of the RBAC authoriser (kubernetes/pkg/registry/rbac and apiserver's responsewriters)."""
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    name = f' "{asked.name}"' if asked.name else ""
    plural = asked.resource.split(".")[0]
    return f'{one.full}{name} is forbidden: User "{user}" cannot {asked.verb} resource "{plural}" in API group "{one.group}" {where}'


def _asked(method: str, target: str, headers: Mapping[str, str], body: bytes, user: str) -> Asked:
    parts = urlsplit(target)
    query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
    match = _PATH.fullmatch(parts.path)
    if match is None:
        return Asked(method, parts.path, query, headers.get("Accept", ""), user, body, verb=method.lower(), content=headers.get("Content-Type", ""))
    one = _BY_PATH.get((match["group"] or "", match["plural"]))
    full = one.full if one else f"{match['plural']}.{match['group']}" if match["group"] else match["plural"]
    name = unquote(match["name"] or "")
    verb = {"GET": "get" if name else "list", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(method, method)
    part = f"/{match['part']}" if match["part"] else ""
    plural, dot, group = full.partition(".")
    return Asked(method, parts.path, query, headers.get("Accept", ""), user, body, verb, f"{plural}{part}{dot}{group}", unquote(match["ns"] or ""), name,
                 headers.get("Content-Type", "").split(";")[0].strip())


def _handler(double: ApiDouble) -> type[BaseHTTPRequestHandler]:
    class Handling(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = _asked(self.command, self.path, dict(self.headers.items()), body, self.headers.get("Impersonate-User") or double.user)
            double.asked.append(asked)
            fault = next((one for one in double.faults if one.takes(self.path, self.command)), None)
            if fault is not None and fault.how == "cut_before":
                self._hang_up()
                return
            authorised = not double.token or self.headers.get("Authorization") == f"Bearer {double.token}"
            reply = double.answer(asked, authorised=authorised)
            if fault is not None:
                if fault.how == "cut":
                    self._cut(reply)
                    return
                if fault.how == "cut_after":
                    self._hang_up()
                    return
                reply = _faulty(fault, reply)
            self._write(reply.status, reply.headers, reply.body, len(reply.body))

        def _write(self, status: int, headers: Mapping[str, str], body: bytes, length: int) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(length)}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _hang_up(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def _cut(self, reply: Reply) -> None:
            self._write(reply.status, reply.headers, reply.body[:len(reply.body) // 2], len(reply.body))
            self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of http.server

    return Handling


def _faulty(fault: Fault, reply: Reply) -> Reply:
    match fault.how:
        case "html":
            return Reply(200, b"<!DOCTYPE html><html><title>Sign in</title></html>", {"Content-Type": "text/html"})
        case "truncated":
            return Reply(200, reply.body[:len(reply.body) // 2])
        case "busy":
            return Reply(429, b'{"kind":"Status","message":"too many requests","code":429}', {"Content-Type": "application/json", "Retry-After": "1"})
        case "gone":
            return status_reply(410, "Expired", "The provided continue parameter is too old to display a consistent list result.")
        case "silent":
            fault.wait()
            return reply
        case "redirect":
            return Reply(302, b"", {"Location": fault.text})
        case "status":
            return status_reply(fault.code, "Failure", fault.text)
        case _:
            return status_reply(500, "InternalError", "Internal error occurred: etcdserver: request timed out")
