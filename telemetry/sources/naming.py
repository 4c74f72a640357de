"""Which of a server's labels or fields holds what: names that the usual shippers and schemas use, best first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from telemetry.formats import levels

LABELS: Mapping[str, tuple[str, ...]] = {
    "service": ("service_name", "service", "app", "app_kubernetes_io_name", "application", "container", "container_name", "job", "component"),
    "namespace": ("namespace", "k8s_namespace_name", "service_namespace", "kubernetes_namespace"),
    "pod": ("pod", "k8s_pod_name", "pod_name", "kubernetes_pod_name", "instance"),
    "host": ("host", "node_name", "node", "hostname", "k8s_node_name", "host_name"),
    "level": ("level", "detected_level", "severity", "severity_text", "lvl", "loglevel"),
    "trace_id": ("trace_id", "traceid", "traceID", "traceId", "trace"),
    "span_id": ("span_id", "spanid", "spanID", "spanId"),
}
"""Of Loki and Prometheus: the OpenTelemetry conventions as both write them, promtail, Alloy, the Kubernetes labels."""
FIELDS: Mapping[str, tuple[str, ...]] = {
    "time": ("@timestamp", "timestamp", "time", "ts", "datetime", "date", "eventTime"),
    "message": ("message", "body.text", "body", "msg", "log", "log.message", "event.original", "text"),
    "service": ("service.name", "resource.attributes.service.name", "resource.service.name", "service", "kubernetes.labels.app",
                "kubernetes.labels.app_kubernetes_io/name", "kubernetes.deployment.name", "kubernetes.container.name",
                "kubernetes.container_name", "container.name", "app", "application", "fields.service"),
    "namespace": ("kubernetes.namespace", "kubernetes.namespace_name", "k8s.namespace.name", "resource.attributes.k8s.namespace.name", "namespace"),
    "pod": ("kubernetes.pod.name", "kubernetes.pod_name", "k8s.pod.name", "resource.attributes.k8s.pod.name", "pod"),
    "host": ("host.name", "host.hostname", "kubernetes.node.name", "kubernetes.host", "hostname", "host", "agent.hostname"),
    "level": ("log.level", "level", "severity_text", "severity.text", "severity", "loglevel", "levelname"),
    "trace_id": ("trace.id", "trace_id", "traceId", "traceid"),
    "span_id": ("span.id", "span_id", "spanId", "spanid"),
}
"""Of Elasticsearch and OpenSearch: ECS, OpenTelemetry's mapping, Fluent Bit and Fluentd, and plain names."""


def pick(role: str, known: Mapping[str, str], given: Mapping[str, str], table: Mapping[str, tuple[str, ...]]) -> str:
    """The value of a role in a record's labels: the configured name, else the first usual one that is there."""
    names: Sequence[str] = (given[role],) if role in given else table.get(role, ())
    return next((known[name] for name in names if known.get(name)), "")


def level_of(text: str) -> str:
    """One of the store's levels for a server's word or OpenTelemetry's number; empty for none."""
    return levels.from_word(text) or levels.from_digits("otel", text) or ""


def spellings(wanted: Iterable[str]) -> list[str]:
    """Every word that means one of the levels, in small letters, sorted."""
    chosen = set(wanted)
    return sorted({word for word, level in levels.words() if level in chosen})
