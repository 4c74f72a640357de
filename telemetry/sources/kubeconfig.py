"""A connection to an API server from a kubeconfig or the pod's own service account, as the official client reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from telemetry.sources.answers import Trouble, clean
from telemetry.sources.config import Kubernetes
from telemetry.sources.pods import PodLogs
from telemetry.sources.web import Limits, Web


def open_pods(entry: Kubernetes) -> PodLogs:
    """The pods' logs of an entry. What cannot be read of its configuration is said by every answer."""
    try:
        found = _configuration(entry)
    except Trouble as trouble:
        return PodLogs(entry.name, entry.namespaces, Web("http://127.0.0.1:9", headers=_raising(trouble)))

    def headers() -> Mapping[str, str]:
        """Asked anew each time: the client renews tokens that run out."""
        return {one["key"]: one["value"] for one in found.auth_settings().values() if one["in"] == "header" and one["value"]}

    pair = (found.cert_file, found.key_file) if found.cert_file and found.key_file else None
    return PodLogs(entry.name, entry.namespaces, Web(
        found.host, headers=headers, limits=Limits(), ca_file=found.ssl_ca_cert, pair=pair, verify=bool(found.verify_ssl)))


def _configuration(entry: Kubernetes) -> Any:
    from kubernetes import client, config

    found = client.Configuration()
    try:
        if entry.kubeconfig is None and entry.context is None:
            config.load_incluster_config(found)
        else:
            path = str(entry.kubeconfig) if entry.kubeconfig else None
            config.load_kube_config(path, context=entry.context, client_configuration=found, persist_config=False)
    except (config.ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        where = str(entry.kubeconfig or "the pod's service account")
        raise Trouble(f"{where} cannot be used: {clean(error, 200)}", status="not_assessed",
                      remedy="name a kubeconfig and a context that it has") from None
    return found


def _raising(trouble: Trouble) -> Any:
    def headers() -> Mapping[str, str]:
        raise trouble

    return headers
