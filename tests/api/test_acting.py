"""Actions from the terminal, over real HTTP to a double of an API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from tests.tools.actions.worlds import Shop
from tools.cluster.double import ApiDouble


class Terminal:
    """A home, a cluster and the command."""

    def __init__(self, folder: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.shop, self._patch = folder / "home", shop, monkeypatch
        monkeypatch.setenv("ONCALM_HOME", str(self.home))
        monkeypatch.setenv("ONCALM_KUBECONFIG", str(shop.access.kubeconfig))
        monkeypatch.setenv("ONCALM_ROLE", "approver")

    def __call__(self, *words: str, said: str = "") -> Result:
        return CliRunner().invoke(app, list(words), input=said)

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json").stdout)

    def role(self, role: str) -> None:
        self._patch.setenv("ONCALM_ROLE", role)

    def replicas(self) -> int:
        from tools.actions.world import kind_of

        found = self.shop.double.objects.get(kind_of("Deployment"), "shop", "web")
        assert found is not None
        return int(found["spec"]["replicas"])

    def asked(self) -> Any:
        return self.json("propose", "scale", "Deployment/web", "-n", "shop", "-p", "replicas=5", "--cause", "saturation", "--confidence", "0.9")["approval"]


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    (tmp_path / "kube").mkdir()
    with ApiDouble(token="t0ken-of-oncalm") as double:
        shop = Shop(double, tmp_path / "kube")
        yield Terminal(tmp_path, shop, monkeypatch)
        shop.actions.close()


def test_from_a_preview_to_the_rollback_and_its_proof(terminal: Terminal) -> None:
    seen = terminal("propose", "scale", "deployment/web", "-n", "shop", "-p", "replicas=5", "--preview")
    assert (seen.exit_code, terminal.replicas()) == (0, 3)
    assert "spec.replicas: 3 → 5" in seen.stdout

    asked = terminal.asked()
    assert (asked["state"], terminal.replicas()) == ("pending", 3)
    assert asked["id"] in terminal("approvals", "list").stdout
    done = terminal("approvals", "approve", asked["id"][:10], said="y\n")
    assert (done.exit_code, terminal.replicas()) == (0, 5), done.output
    again = terminal("approvals", "approve", asked["id"], "--digest", asked["preview"]["digest"])
    assert isinstance(again.exception, Exception)
    assert terminal.replicas() == 5

    back = terminal("approvals", "rollback", asked["id"], "--reason", "slower than before")
    assert (back.exit_code, terminal.replicas()) == (0, 3), back.output
    terminal("approvals", "judge", asked["id"], "--effect", "harmful")
    (kept,) = terminal.json("history")
    assert (kept["rolled_back"], kept["effect_verdict"]) == (True, "harmful")
    assert terminal.json("audit", "verify")["sound"]
    assert "rolled_back" in terminal("audit", "export").stdout


def test_no_is_no(terminal: Terminal) -> None:
    asked = terminal.asked()

    unsaid = terminal("approvals", "approve", asked["id"], said="n\n")
    rejected = terminal.json("approvals", "reject", asked["id"], "--reason", "at night")

    assert "NOT executed" in unsaid.stdout
    assert (rejected["state"], terminal.replicas()) == ("rejected", 3)


@pytest.mark.parametrize("digest", ["0" * 64, "abc"])
def test_another_digest_than_that_of_the_action_is_refused(terminal: Terminal, digest: str) -> None:
    asked = terminal.asked()

    assert terminal("approvals", "approve", asked["id"], "--digest", digest).exit_code != 0
    assert terminal.replicas() == 3


def test_a_viewer_may_neither_propose_nor_approve(terminal: Terminal) -> None:
    asked = terminal.asked()
    terminal.role("viewer")

    assert terminal("propose", "scale", "Deployment/web", "-n", "shop", "-p", "replicas=4").exit_code != 0
    assert terminal("approvals", "approve", asked["id"], "--digest", asked["preview"]["digest"]).exit_code != 0
    assert terminal.replicas() == 3


def test_a_policy_allows_refuses_and_is_asked_again_before_anything_is_done(terminal: Terminal) -> None:
    asked = terminal.asked()
    (terminal.home / "policy.yaml").write_text("version: 1\nrules:\n  - {name: freeze, decision: refuse, why: the sale is on}\n")

    late = terminal("approvals", "approve", asked["id"], "--digest", asked["preview"]["digest"])
    refused = terminal("propose", "scale", "Deployment/web", "-n", "shop", "-p", "replicas=4")

    assert (terminal.json("approvals", "show", asked["id"])["state"], late.exit_code) == ("rejected", 0)
    assert (refused.exit_code, "the sale is on" in refused.stdout, "NOT queued" in refused.stdout) == (1, True, True)
    assert terminal.replicas() == 3

    (terminal.home / "policy.yaml").write_text("version: 1\nrules:\n  - {name: more, decision: allow, actions: [scale], namespaces: [shop]}\n")
    allowed = terminal.json("propose", "scale", "Deployment/web", "-n", "shop", "-p", "replicas=4")
    assert (allowed["approval"]["state"], terminal.replicas()) == ("succeeded", 4)


def test_a_wrong_policy_stops_everything_and_is_told_with_its_line(terminal: Terminal) -> None:
    terminal.home.mkdir()
    (terminal.home / "policy.yaml").write_text("version: 1\nrules:\n  - {name: x, decison: ask}\n")

    found = terminal("propose", "scale", "Deployment/web", "-n", "shop", "-p", "replicas=4")

    assert "line 3" in str(found.exception)
    assert terminal.replicas() == 3


def test_an_edit_of_the_audit_is_found(terminal: Terminal) -> None:
    import sqlite3

    terminal.asked()
    with sqlite3.connect(terminal.home / "state.db") as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute("UPDATE audit SET actor = 'mallory' WHERE seq = 1")

    found = terminal("audit", "verify")

    assert (found.exit_code, "NOT sound" in found.stdout) == (1, True)


def test_what_cannot_be_read_says_what_to_write(terminal: Terminal) -> None:
    for words, told in ((("propose", "scal", "Deployment/web"), "there are"), (("propose", "scale", "Node/n1"), "Deployment/NAME"),
                        (("propose", "scale", "Deployment/web", "-p", "replicas"), "NAME=VALUE"), (("approvals", "show", "nope"), "nope")):
        assert told in str(terminal(*words).exception), words


def rolled(terminal: Terminal, ready: int, *, crashing: bool = False) -> None:
    """What a controller would write: so many pods of the target are ready, the others wait or crash."""
    from tools.actions.world import kind_of

    objects = terminal.shop.double.objects
    found = objects.get(kind_of("Deployment"), "shop", "web")
    assert found is not None
    wanted = int(found["spec"]["replicas"])
    objects.put({**found, "status": {"replicas": wanted, "updatedReplicas": wanted, "readyReplicas": ready, "observedGeneration": 99}})
    for number in range(3):
        pod = objects.get(kind_of("Pod"), "shop", f"web-{number}")
        assert pod is not None
        state = {"waiting": {"reason": "CrashLoopBackOff"}} if crashing else {"running": {}}
        objects.put({**pod, "status": {**pod["status"], "containerStatuses": [{"name": "web", "restartCount": 7 * crashing, "state": state}]}})


def approved(terminal: Terminal) -> str:
    asked = terminal.asked()
    done = terminal("approvals", "approve", asked["id"], "--digest", asked["preview"]["digest"])
    assert terminal.replicas() == 5, done.output
    return str(asked["id"])


QUICK = ("--interval", "0.2", "--hold", "0.4", "--patience", "2")


def test_an_action_that_helped_and_keeps_helping_is_confirmed(terminal: Terminal) -> None:
    rolled(terminal, 1)
    ident = approved(terminal)
    rolled(terminal, 5)

    seen = terminal("approvals", "watch", ident, *QUICK)

    assert (seen.exit_code, terminal.json("approvals", "show", ident)["state"]) == (0, "confirmed"), seen.output
    assert terminal.json("history")[0]["verified"] == "confirmed"


def test_an_action_that_made_it_worse_is_taken_back(terminal: Terminal) -> None:
    rolled(terminal, 3)
    ident = approved(terminal)
    rolled(terminal, 0, crashing=True)

    seen = terminal("approvals", "watch", ident, *QUICK)

    assert (seen.exit_code, terminal.json("approvals", "show", ident)["state"], terminal.replicas()) == (1, "rolled_back", 3), seen.output
    (kept,) = terminal.json("history")
    assert (kept["verified"], kept["rolled_back"]) == ("worse", True)
    assert terminal.json("audit", "verify")["sound"]


def test_what_was_not_carried_out_is_not_verified(terminal: Terminal) -> None:
    assert "nothing to verify" in str(terminal("approvals", "watch", terminal.asked()["id"]).exception)


def test_what_was_approved_before_a_kill_is_carried_out_once_when_asked(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = terminal.asked()
    with monkeypatch.context() as killed:
        killed.setattr("agent.executor.executor.Executor.run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        terminal("approvals", "approve", asked["id"], "--digest", asked["preview"]["digest"])
    assert (terminal.json("approvals", "show", asked["id"])["state"], terminal.replicas()) == ("approved", 3)
    assert f"oncalm approvals run {asked['id']}" in terminal("approvals", "show", asked["id"]).stdout.replace("\n", " ")

    terminal.role("viewer")
    assert terminal("approvals", "run", asked["id"]).exit_code != 0
    terminal.role("responder")
    first, second = terminal("approvals", "run", asked["id"]), terminal("approvals", "run", asked["id"])

    assert (first.exit_code, second.exit_code, terminal.replicas()) == (0, 0, 5)
    assert sum('"executing"' in line for line in terminal("audit", "export").stdout.splitlines()) == 1


def test_what_nobody_approved_is_not_run(terminal: Terminal) -> None:
    asked = terminal.asked()

    assert "NOT executed" in str(terminal("approvals", "run", asked["id"]).exception)
    assert terminal.replicas() == 3


def test_a_secret_in_a_reason_is_kept_nowhere(terminal: Terminal) -> None:
    asked = terminal.json("propose", "scale", "Deployment/web", "-n", "shop", "-p", "replicas=5", "--reason", "login with password=hunter2Xtra99")["approval"]
    terminal("approvals", "reject", asked["id"], "--reason", "Authorization: Bearer ghp_16C7e42F292c6912E7710c838347Ae178B4a")

    held = b"".join(path.read_bytes() for path in terminal.home.rglob("*") if path.is_file())
    assert b"hunter2Xtra99" not in held
    assert b"16C7e42F292c6912E77" not in held
