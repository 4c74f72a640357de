"""Does it match? Label selectors, node selectors and affinity, taints and tolerations, as the API defines them.

Sources: kubernetes.io/docs/concepts/overview/working-with-objects/labels (selectors),
/docs/concepts/scheduling-eviction/assign-pod-node and /taint-and-toleration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from signals.kube.state import Object, at, items_at, mapping_at, name_of

Labels = Mapping[str, Any]
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"


def labels_match(wanted: Labels, labels: Labels) -> bool:
    """Are all the wanted labels there? An empty map matches nothing, as in a Service's selector."""
    return bool(wanted) and all(str(labels.get(key)) == str(value) for key, value in wanted.items() if key) and all(
        key in labels for key in wanted)


def selector_matches(selector: Mapping[str, Any], labels: Labels) -> bool:
    """A ``LabelSelector`` (matchLabels and matchExpressions); an empty one matches everything."""
    exact = mapping_at(selector, "matchLabels")
    return (not exact or labels_match(exact, labels)) and all(
        expression_matches(each, labels) for each in items_at(selector, "matchExpressions"))


def expression_matches(expression: Mapping[str, Any], labels: Labels) -> bool:
    """One requirement: key, operator, values. An operator that is not known matches."""
    key, operator = str(expression.get("key")), str(expression.get("operator"))
    values = [str(each) for each in items_at(expression, "values")]
    there = key in labels
    own = str(labels.get(key))
    if operator == "In":
        return there and own in values
    if operator == "NotIn":
        return not there or own not in values
    if operator in {"Exists", "DoesNotExist"}:
        return there == (operator == "Exists")
    if operator in {"Gt", "Lt"} and values:
        return there and _compares(own, operator, values[0])
    return True


def _compares(own: str, operator: str, bound: str) -> bool:
    if not (own.lstrip("-").isdigit() and bound.lstrip("-").isdigit()):
        return False
    return int(own) > int(bound) if operator == "Gt" else int(own) < int(bound)


def required_terms(pod_spec: Object) -> tuple[Any, ...]:
    """The ORed terms of the required node affinity."""
    return items_at(pod_spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")


def selected_by(pod_spec: Object, node: Object) -> bool:
    """Does the pod's ``nodeSelector`` allow the node?"""
    wanted = mapping_at(pod_spec, "nodeSelector")
    return not wanted or labels_match(wanted, mapping_at(node, "metadata", "labels"))


def attracted_to(pod_spec: Object, node: Object) -> bool:
    """Does the required node affinity of the pod allow the node?"""
    terms = required_terms(pod_spec)
    return not terms or any(term_matches(each, node) for each in terms)


def term_matches(term: Mapping[str, Any], node: Object) -> bool:
    """One node selector term: all its expressions and fields; an empty term matches no node."""
    labels, fields = mapping_at(node, "metadata", "labels"), {"metadata.name": name_of(node)}
    expressions, on_fields = items_at(term, "matchExpressions"), items_at(term, "matchFields")
    return bool(expressions or on_fields) and all(expression_matches(each, labels) for each in expressions) and all(
        expression_matches(each, fields) for each in on_fields)


def untolerated(pod_spec: Object, node: Object) -> tuple[Mapping[str, Any], ...]:
    """Taints that keep the pod off the node; cordoning's own taint is told apart by :func:`cordoned`."""
    tolerations = items_at(pod_spec, "tolerations")
    return tuple(taint for taint in items_at(node, "spec", "taints")
                 if str(at(taint, "effect")) in {"NoSchedule", "NoExecute"} and at(taint, "key") != UNSCHEDULABLE_TAINT
                 and not any(tolerates(each, taint) for each in tolerations))


def tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """An empty key with ``Exists`` tolerates everything, an empty effect every effect."""
    effect, key = toleration.get("effect"), toleration.get("key")
    if effect and effect != taint.get("effect"):
        return False
    if key and key != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(key) and str(toleration.get("value") or "") == str(taint.get("value") or "")


def cordoned(node: Object) -> bool:
    """``kubectl cordon`` sets ``spec.unschedulable`` and, through the node lifecycle controller, a taint."""
    return at(node, "spec", "unschedulable") is True or any(
        at(taint, "key") == UNSCHEDULABLE_TAINT for taint in items_at(node, "spec", "taints"))


def control_plane(node: Object) -> bool:
    """Is it a node that usually takes no workloads?"""
    labels = mapping_at(node, "metadata", "labels")
    return any(key in labels for key in CONTROL_PLANE) or labels.get("kubernetes.io/role") in {"master", "control-plane"}


def nearest(name: str, names: Sequence[str]) -> str:
    """The most alike name, or "" when none is alike enough."""
    import difflib

    found = difflib.get_close_matches(name, names, n=1, cutoff=0.85)
    return found[0] if found else ""
