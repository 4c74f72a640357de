"""The rules, a module per family. Each rule reads a :class:`~signals.kube.view.View` and yields findings."""

from __future__ import annotations

from signals.kube.finding import Rule
from signals.kube.rules import (
    admission,
    config,
    databases,
    dns,
    gateways,
    image,
    nodes,
    performance,
    probes,
    routing,
    runtime,
    scheduling,
    storage,
)

FAMILIES: dict[str, tuple[Rule, ...]] = {
    "scheduling": scheduling.RULES, "storage": storage.RULES, "image": image.RULES, "admission": admission.RULES,
    "probes": probes.RULES, "config": config.RULES, "databases": databases.RULES, "routing": routing.RULES, "dns": dns.RULES,
    "gateways": gateways.RULES, "runtime": runtime.RULES, "nodes": nodes.RULES, "performance": performance.RULES,
}
"""Family → its rules."""
