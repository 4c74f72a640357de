"""The way to one API server: credentials of a kubeconfig or of the pod we run in, and GET requests with pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from telemetry.errors import SourceError
from tools.result import NotAssessed

CONNECT, READ = 3.05, 15.0
"""Seconds."""
PAGE = 500
MOST = 20_000
"""Objects of one kind that are read."""
NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Accept header by which the server sends metadata and leaves the rest out."""
_REFUSED, _FORBIDDEN, _ABSENT, _GONE = 401, 403, 404, 410


class UnreadableError(SourceError):
    """One request that could not be answered; others may be."""


class Cluster:
    """GET requests to one API server. Threads may share it."""

    def __init__(self, kubeconfig: Path | None = None, context: str | None = None) -> None:
        """Without a ``kubeconfig``: the pod's own credentials, else the user's default file. Raises NotAssessed."""
        from kubernetes import client, config
        from kubernetes.config.config_exception import ConfigException

        settings = client.Configuration()
        try:
            if kubeconfig is None and context is None and _inside_a_pod():
                config.load_incluster_config(client_configuration=settings)
            else:
                config.load_kube_config(str(kubeconfig) if kubeconfig else None, context, client_configuration=settings, persist_config=False)
        except (ConfigException, OSError, ValueError, TypeError, KeyError) as error:
            said = " ".join(str(error).split())[:300]
            raise NotAssessed(f"there are no usable credentials for a cluster: {said}", where=str(kubeconfig or "kubeconfig"),
                              remedy="set ONCALM_KUBECONFIG, and ONCALM_KUBE_CONTEXT for one of its contexts") from error
        settings.retries = False
        self._client = client.ApiClient(settings)
        self.where = str(settings.host)

    def get(self, path: str, query: Mapping[str, Any] | None = None, *, accept: str = "application/json") -> bytes:
        """The body of an answer. Raises UnreadableError, and NotAssessed when there is no server to ask."""
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        _, url, headers, _, _ = self._client.param_serialize(
            "GET", path, query_params=list((query or {}).items()), header_params={"Accept": accept}, auth_settings=["BearerToken"])
        try:
            answer = self._client.call_api("GET", url, header_params=headers, _request_timeout=(CONNECT, READ))
            body = answer.read()
        except ApiException as error:
            raise _told(error.status or 0, error.body, path, self.where) from error
        except (HTTPError, OSError) as error:
            raise NotAssessed(f"the cluster cannot be reached: {' '.join(str(error).split())[:200]}", where=self.where,
                              remedy="check the address, the network and the certificates") from error
        if not 200 <= answer.status < 300:
            raise _told(answer.status, body, path, self.where)
        return bytes(body or b"")

    def items(self, path: str, query: Mapping[str, Any] | None = None, *, names_only: bool = False) -> list[dict[str, Any]]:
        """All objects of a list, page by page; a list that went stale on the way is read anew, once."""
        try:
            return self._pages(path, query, names_only=names_only)
        except _StaleError:
            return self._pages(path, query, names_only=names_only)

    def _pages(self, path: str, query: Mapping[str, Any] | None, *, names_only: bool) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        following = ""
        while len(found) < MOST:
            asked = {**(query or {}), "limit": PAGE, **({"continue": following} if following else {})}
            page = _object(self.get(path, asked, accept=NAMES_ONLY if names_only else "application/json"), path)
            found += [one for one in page.get("items") or [] if isinstance(one, dict)]
            following = str((page.get("metadata") or {}).get("continue") or "")
            if not following:
                break
        return found

    def close(self) -> None:
        self._client.close()


class _StaleError(UnreadableError):
    """The continuation of a list has expired."""


def _object(body: bytes, path: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise UnreadableError(f"the answer is no JSON: {body[:80]!r}", where=path, remedy="is a proxy between?") from error
    if not isinstance(found, dict):
        raise UnreadableError("the answer is no object", where=path)
    return found


def _told(status: int, body: Any, path: str, where: str) -> UnreadableError:
    """What a refused request means, in the words of the API server."""
    try:
        said = str(json.loads(body or b"{}").get("message") or "")
    except (ValueError, AttributeError):
        said = ""
    said = said[:300] or f"status {status}"
    if status == _GONE:
        return _StaleError(said, where=path)
    remedies = {_REFUSED: "renew the credentials", _FORBIDDEN: "grant it: deploy/rbac-read.yaml", _ABSENT: "this API is not served here"}
    return UnreadableError(said, where=f"{where}{path}", remedy=remedies.get(status, "look at the API server"))


def _inside_a_pod() -> bool:
    return Path("/var/run/secrets/kubernetes.io/serviceaccount/token").exists()
