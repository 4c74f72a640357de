"""The names of actions and cluster objects that rules and risks speak of, as the catalogue of actions has them."""

from __future__ import annotations

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
_SCALED = frozenset({"Deployment", "StatefulSet"})
NOTICES = frozenset({"notify_slack", "page_pagerduty"})
ACTIONS: dict[str, frozenset[str]] = {
    "scale": _SCALED, "set_autoscaler_bounds": frozenset({"HorizontalPodAutoscaler"}), "restart_rollout": WORKLOADS,
    "undo_rollout": WORKLOADS, "pause_rollout": frozenset({"Deployment"}), "resume_rollout": frozenset({"Deployment"}),
    "set_image": WORKLOADS, "raise_limit": WORKLOADS, "set_probe": WORKLOADS, "recreate_pod": frozenset({"Pod"}),
    "cordon_node": frozenset({"Node"}), "uncordon_node": frozenset({"Node"}),
    "shift_traffic": frozenset({"VirtualService", "HTTPRoute", "HTTPRoute.policy.linkerd.io"}),
    "set_outlier_detection": frozenset({"DestinationRule"}), "set_connection_pool": frozenset({"DestinationRule"}),
    "set_ingress_rate_limit": frozenset({"Ingress"}), "limit_nginx_rate": frozenset({"RateLimit"}),
    **dict.fromkeys(sorted(NOTICES), frozenset({"Channel"})),
    "run_probe": frozenset({"Node"}),
}
"""Action → kinds of its target. Another action, or another kind, is unknown and refused."""
PROTECTED = (
    "kube-system", "kube-public", "kube-node-lease", "istio-system", "linkerd", "linkerd-*", "cert-manager", "ingress-nginx",
    "calico-system", "tigera-operator", "cilium*", "gatekeeper-system", "kyverno", "argocd", "flux-system", "metallb-system",
    "rook-ceph", "longhorn-system", "velero", "vault", "external-secrets",
)
"""Namespaces that everything else rests on; a policy's ``protected`` replaces them."""
