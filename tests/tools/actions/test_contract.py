"""What holds for every action on a cluster, over real HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.tools.actions.worlds import CASES, EVICTION, Shop, case_id, inverse_of
from tools.actions.action import Target, preview_from
from tools.actions.catalogue import TYPES
from tools.actions.errors import RefusedError, UnknownOutcomeError, WorldChangedError
from tools.cluster.double import Fault

Case = tuple[str, Target, Mapping[str, Any]]
every = pytest.mark.parametrize("case", [*CASES, EVICTION], ids=case_id)
patches = pytest.mark.parametrize("case", CASES, ids=case_id)
WRITES = r"^(?!.*dryRun=All)"


def test_every_action_on_a_cluster_is_in_the_suite() -> None:
    inverses = {"resume_rollout", "uncordon_node", "restore"}

    assert {case[0] for case in (*CASES, EVICTION)} | inverses == set(TYPES)


@every
def test_a_preview_writes_nothing(shop: Shop, case: Case) -> None:
    before = shop.state()
    preview = shop.preview(*case)

    assert shop.state() == before
    assert all(one.method == "GET" or one.dry for one in shop.double.asked)
    assert (preview.obstacles, preview.checked_by, bool(preview.diff)) == ((), "server", True)
    assert preview.predicted
    assert preview.blast.statement
    assert preview.action.resource_version
    assert preview.action.uid


@every
def test_a_preview_survives_json(shop: Shop, case: Case) -> None:
    preview = shop.preview(*case)

    assert preview_from(json.loads(json.dumps(preview.document()))) == preview


@patches
def test_what_was_previewed_is_what_is_done_and_its_inverse_restores(shop: Shop, case: Case) -> None:
    before, preview = shop.specification(case[1]), shop.preview(*case)
    effect = shop.actions.perform(preview.action)
    after = shop.preview(*case) if case[0] not in {"restart_rollout", "undo_rollout"} else None

    assert shop.specification(case[1]) != before
    assert effect.resource_version == shop.held(case[1])["metadata"]["resourceVersion"]
    assert after is None or "unchanged" in [one.kind for one in after.obstacles]
    shop.actions.perform(inverse_of(effect.inverse))
    restored = shop.specification(case[1])
    assert restored == before if preview.reversible == "exactly" else restored["spec"] == before["spec"]


@every
def test_a_changed_target_is_told_and_left_alone(shop: Shop, case: Case) -> None:
    preview = shop.preview(*case)
    if case is EVICTION:
        held = shop.held(case[1])
        shop.double.objects.put({**held, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}})
    else:
        held = shop.held(case[1])
        held["spec"]["unschedulable" if case[1].kind == "Node" else "somebody"] = True if case[1].kind == "Node" else "else"
        shop.double.objects.put(held)
    before = shop.state()

    with pytest.raises(WorldChangedError, match="nothing was changed"):
        shop.actions.perform(preview.action)
    assert shop.state() == before


@every
def test_the_server_refuses_a_stale_version_with_409(shop: Shop, case: Case) -> None:
    preview = shop.preview(*case)
    real = shop.double.answer

    def meanwhile(asked: Any, *, authorised: bool) -> Any:
        if asked.method != "GET":
            shop.change(case[1], labels={"somebody": "else"})
        return real(asked, authorised=authorised)

    shop.double.answer = meanwhile  # type: ignore[method-assign]
    with pytest.raises(WorldChangedError, match="Operation cannot be fulfilled"):
        shop.actions.perform(preview.action)


@every
def test_a_status_that_moved_is_no_other_world(shop: Shop, case: Case) -> None:
    preview = shop.preview(*case)
    held = shop.held(case[1])
    shop.double.objects.put({**held, "status": {**held.get("status", {}), "observedGeneration": 7}})

    assert shop.actions.perform(preview.action).message


@every
@pytest.mark.parametrize(("how", "truth"), [("cut_before", "not_applied"), ("cut_after", "applied")])
def test_a_cut_connection_is_unknown_and_a_look_tells(shop: Shop, case: Case, how: Any, truth: str) -> None:
    preview = shop.preview(*case)
    shop.double.faults.append(Fault(WRITES, how, method="POST" if case is EVICTION else "PATCH"))
    sent = len(shop.double.asked)

    with pytest.raises(UnknownOutcomeError):
        shop.actions.perform(preview.action)
    assert [one.method for one in shop.double.asked[sent:]].count("POST" if case is EVICTION else "PATCH") == 1
    shop.double.faults.clear()
    assert shop.actions.settle(preview) == truth


@patches
@pytest.mark.parametrize(("how", "truth"), [("cut_before", "not_applied"), ("cut_after", "applied")])
def test_a_cut_rollback_is_settled_as_well(shop: Shop, case: Case, how: Any, truth: str) -> None:
    preview = shop.preview(*case)
    inverse = inverse_of(shop.actions.perform(preview.action).inverse)
    shop.double.faults.append(Fault(WRITES, how, method="PATCH"))

    with pytest.raises(UnknownOutcomeError):
        shop.actions.perform(inverse)
    shop.double.faults.clear()
    assert shop.actions.settle(preview, rollback=True) == truth


@every
def test_an_action_is_done_once(shop: Shop, case: Case) -> None:
    preview = shop.preview(*case)
    shop.actions.perform(preview.action)

    with pytest.raises(WorldChangedError):
        shop.actions.perform(preview.action)


@every
def test_a_dry_run_without_permission_falls_back_to_reading(shop: Shop, case: Case) -> None:
    whole = shop.preview(*case)
    shop.double.allowed = {("get", "*", "*"), ("list", "*", "*")}
    preview = shop.preview(*case)
    found = preview.obstacles[0]

    assert (preview.checked_by, found.kind, found.blocking) == ("reading", "forbidden", False)
    assert "deploy/rbac-write.yaml" in found.better
    assert preview.diff == whole.diff
    with pytest.raises(RefusedError, match=r"cannot (patch|create) resource"):
        shop.actions.perform(preview.action)


@every
def test_no_answer_in_time_is_unknown(shop: Shop, case: Case) -> None:
    if case[0] not in {"scale", "recreate_pod"}:
        pytest.skip("one patch and one eviction stand for all: it takes seconds")
    preview = shop.preview(*case)
    shop.double.faults.append(Fault(WRITES, "silent", seconds=4, method="POST" if case is EVICTION else "PATCH"))

    with pytest.raises(UnknownOutcomeError):
        shop.actions.perform(preview.action)
    assert shop.actions.settle(preview) == "applied"


@pytest.mark.parametrize(("code", "error"), [(500, UnknownOutcomeError), (503, UnknownOutcomeError), (422, RefusedError), (429, RefusedError), (302, RefusedError)])
def test_other_answers_are_told_once_and_in_full(shop: Shop, code: int, error: type[Exception]) -> None:
    preview = shop.preview(*CASES[0])
    long = "admission webhook said no because " + "of this and that " * 40 + "see ticket 77"
    shop.double.faults.append(Fault(WRITES, "status", code=code, text=long, method="PATCH"))
    sent = len(shop.double.asked)

    with pytest.raises(error, match="ticket 77" if code in {422, 429} else ".") as caught:
        shop.actions.perform(preview.action)
    assert (type(caught.value), sum(one.method == "PATCH" for one in shop.double.asked[sent:])) == (error, 1)


SCRIPT = """
import sys
from pathlib import Path
from telemetry.sources.kubernetes.configuration import Access
from tests.tools.actions.worlds import CASES
from tools.actions.catalogue import Catalogue, Systems
one = Catalogue(Systems(Access(sys.argv[1])))
print(*[one.preview(*case).digest for case in CASES])
"""


def test_digests_are_the_same_in_every_process(shop: Shop) -> None:
    here = [shop.preview(*case).digest for case in CASES]
    root = Path(__file__).parents[3]
    there = [subprocess.run([sys.executable, "-c", SCRIPT, str(shop.access.kubeconfig)], cwd=root, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
                            capture_output=True, text=True, check=True).stdout.split() for seed in ("1", "2")]

    assert there == [here, here]
    assert len(set(here)) == len(here)
