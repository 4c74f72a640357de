"""``deploy/rbac-read.yaml`` grants what the code asks for, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from telemetry.sources.answers import Gathering
from telemetry.sources.kubernetes.resources import NODE_METRICS, POD_METRICS, RESOURCES
from tests.tools.cluster.shops import Held
from tests.tools.cluster.test_secrets import CALLS, plant
from tools.cluster.permissions import readable

MANIFEST = Path(__file__).parents[3] / "deploy" / "rbac-read.yaml"
Grant = tuple[str, str, str]


def _granted(role: str) -> set[Grant]:
    """(verb, resource, group) of a role of the manifest."""
    found = next(one for one in yaml.safe_load_all(MANIFEST.read_text()) if one["kind"] == "ClusterRole" and one["metadata"]["name"] == role)
    return {(verb, resource, group) for rule in found["rules"] for verb in rule["verbs"] for group in rule.get("apiGroups", ())
            for resource in rule.get("resources", ())}


@pytest.fixture
def asked(held: Held) -> set[Grant]:
    """Everything the code asks a cluster for: all tools, objects of every kind by list and by name, what doctor looks at."""
    plant(held)
    for name, arguments in CALLS:
        held.call(name, **arguments)
    for kind in RESOURCES.values():
        held.call("get", kind=kind.plural)
        held.call("describe", kind=kind.plural, name="x", namespace="shop")
    readable(held.cluster)
    return set(_grants(held))


def _grants(held: Held) -> Iterator[Grant]:
    for one in held.double.asked:
        if one.resource:
            plural, _, group = one.resource.partition(".")
            yield one.verb, plural, group


def test_all_that_is_asked_for_is_granted(asked: set[Grant]) -> None:
    assert asked - _granted("oncalm-read") - _granted("oncalm-secret-names") == set()


def test_all_that_is_granted_is_asked_for(asked: set[Grant]) -> None:
    assert _granted("oncalm-read") - asked == set()
    assert _granted("oncalm-secret-names") - asked == set()


def test_the_bound_role_has_no_secrets_and_no_verb_that_writes() -> None:
    granted = _granted("oncalm-read")

    assert {verb for verb, _, _ in granted} == {"get", "list"}
    assert not [one for one in granted if one[1].startswith("secrets")]


def test_only_the_role_without_secrets_is_bound() -> None:
    bindings = [one for one in yaml.safe_load_all(MANIFEST.read_text()) if "Binding" in one["kind"]]

    assert [one["roleRef"]["name"] for one in bindings] == ["oncalm-read"]


def _permit(held: Held, *roles: str) -> None:
    held.double.allowed = {(verb, f"{resource}.{group}" if group else resource, "*") for role in roles for verb, resource, group in _granted(role)}


def test_with_the_bound_role_alone_every_tool_answers_but_for_secrets(held: Held) -> None:
    plant(held)
    _permit(held, "oncalm-read")
    refused = {(name, str(arguments.get("kind"))) for name, arguments in CALLS if held.call(name, **arguments).status not in {"found", "nothing_found"}}

    assert refused == {("get", "secrets"), ("get", "secret"), ("describe", "secret")}


def test_doctor_tells_what_may_be_read_and_what_not(held: Held) -> None:
    held.load()
    _permit(held, "oncalm-read")
    held.double.served["virtualservices.networking.istio.io"] = ()
    found = readable(held.cluster)

    assert "pods" in found.may
    assert list(found.refused) == ["secrets"]
    assert set(found.absent) == {"virtualservices.networking.istio.io", POD_METRICS.full, NODE_METRICS.full}


def test_logs_that_may_not_be_read_are_told_apart_from_pods(held: Held) -> None:
    held.load()
    held.double.allowed = {("list", "pods", "*")}
    found = readable(held.cluster)

    assert found.may == ("pods",)
    assert "pods/log" in found.refused


def test_the_version_needs_no_permission(held: Held) -> None:
    held.double.allowed = set()
    g: Gathering[Any] = Gathering("cluster")

    assert held.cluster.version(g).endswith("oncalm-double")
