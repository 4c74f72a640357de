"""The pods' logs of a configured cluster, over the connection that all questions to a cluster share."""

from __future__ import annotations

from telemetry.sources.config import Kubernetes
from telemetry.sources.kubernetes.configuration import Access, usual_kubeconfig
from telemetry.sources.kubernetes.connection import ApiServer
from telemetry.sources.pods import PodLogs


def open_pods(entry: Kubernetes) -> PodLogs:
    """The pods' logs of an entry. What cannot be read of its configuration is said by every answer."""
    path = str(entry.kubeconfig) if entry.kubeconfig else usual_kubeconfig() if entry.context else None
    return PodLogs(entry.name, entry.namespaces, ApiServer(Access(path, entry.context, entry.namespaces, entry.commands)))
