"""``deploy/rbac-write.yaml`` grants what the actions ask for beside reading, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.tools.actions.worlds import CASES, EVICTION, Shop, inverse_of

DEPLOY = Path(__file__).parents[3] / "deploy"
Grant = tuple[str, str, str]


def _granted(manifest: str, *roles: str) -> set[Grant]:
    """(verb, resource, group) of roles of a manifest."""
    found = [one for one in yaml.safe_load_all((DEPLOY / manifest).read_text()) if one["kind"] == "ClusterRole" and one["metadata"]["name"] in roles]
    return {(verb, resource, group) for role in found for rule in role["rules"] for verb in rule["verbs"]
            for group in rule.get("apiGroups", ()) for resource in rule.get("resources", ())}


READ = _granted("rbac-read.yaml", "oncalm-read")
WRITE = _granted("rbac-write.yaml", "oncalm-write", "oncalm-write-nodes")


@pytest.fixture
def asked(shop: Shop) -> set[Grant]:
    """Everything that previews, actions and inverses ask a cluster for."""
    for case in (*CASES, EVICTION):
        effect = shop.actions.perform(shop.preview(*case).action)
        if case is not EVICTION:
            shop.actions.perform(inverse_of(effect.inverse))
    found = set()
    for one in shop.double.asked:
        plural, _, group = one.resource.partition(".")
        found.add((one.verb, plural, group))
    return found


def test_all_that_is_asked_for_is_granted(asked: set[Grant]) -> None:
    assert asked - READ - WRITE == set()


def test_all_that_is_granted_is_asked_for(asked: set[Grant]) -> None:
    assert WRITE - asked == set()
    assert set() == WRITE & READ


def test_nothing_is_deleted_created_or_updated_but_evictions() -> None:
    assert {one for one in WRITE if one[0] not in {"get", "patch"}} == {("create", "pods/eviction", "")}


def test_with_both_roles_every_action_is_done(shop: Shop) -> None:
    shop.double.allowed = {(verb, f"{resource}.{group}" if group else resource, "*") for verb, resource, group in READ | WRITE}

    for case in (*CASES, EVICTION):
        preview = shop.preview(*case)
        assert (case[0], preview.checked_by, preview.obstacles) == (case[0], "server", ())
        back = shop.actions.perform(preview.action).inverse
        if back is not None:
            shop.actions.perform(back)


def test_with_the_reading_role_alone_every_preview_is_made(shop: Shop) -> None:
    shop.double.allowed = {(verb, f"{resource}.{group}" if group else resource, "*") for verb, resource, group in READ}

    for case in (*CASES, EVICTION):
        if case[1].kind == "HTTPRoute.policy.linkerd.io":
            continue  # reading those is part of the writing role
        assert "forbidden" in [one.kind for one in shop.preview(*case).obstacles if not one.blocking]
