"""People are told of actions over real HTTP, and no channel ever stands in the way of one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.actions.desk import Desk
from api.actions.notifications import Teller, read_channels
from api.actions.reconciler import Reconciler
from api.cli import app
from telemetry.errors import UsageError
from tests.agent.notifying.servers import Taken, http
from tests.tools.actions.worlds import Shop, target
from tools.cluster.double import ApiDouble

SCALE = ("propose", "scale", "Deployment/web", "-n", "shop", "-p", "replicas=5", "--json")


class Told:
    def __init__(self, folder: Path, shop: Shop, hook: Taken) -> None:
        self.home, self.shop, self.hook = folder / "home", shop, hook
        self.home.mkdir()
        self.channel(f"json://127.0.0.1:{hook.port}/")

    def channel(self, url: str) -> None:
        (self.home / "notifications.yaml").write_text(f"channels:\n  - name: hook\n    url: {url}\n")

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    def titles(self) -> list[str]:
        return [one["title"] for one in self.hook.messages]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    (tmp_path / "kube").mkdir()
    with ApiDouble() as double, http() as hook:
        shop = Shop(double, tmp_path / "kube")
        monkeypatch.setenv("ONCALM_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("ONCALM_KUBECONFIG", str(shop.access.kubeconfig))
        monkeypatch.setenv("ONCALM_ROLE", "approver")
        yield Told(tmp_path, shop, hook)
        shop.actions.close()


def test_an_approval_its_execution_and_its_rollback_are_told(told: Told) -> None:
    asked = json.loads(told(*SCALE).stdout)["approval"]
    assert told("approvals", "approve", asked["id"], "--digest", asked["preview"]["digest"]).exit_code == 0
    assert told("approvals", "rollback", asked["id"], "--reason", "no").exit_code == 0

    assert told.titles() == ["Approval wanted: scale on Deployment shop/web", "scale on Deployment shop/web: succeeded", "scale on Deployment shop/web: rolled back"]
    assert f"oncalm approvals show {asked['id']}" in told.hook.messages[0]["message"]
    assert {one["state"] for one in json.loads(told("notices", "list", "--json").stdout)} == {"sent"}


def test_a_dead_channel_delays_nothing_and_loses_nothing(told: Told) -> None:
    told.channel("json://127.0.0.1:9/")
    asked = told(*SCALE)
    assert asked.exit_code == 0, asked.output
    (row,) = json.loads(told("notices", "list", "--json").stdout)
    assert (row["state"], row["attempts"] >= 1) == ("waiting", True)

    told.channel(f"json://127.0.0.1:{told.hook.port}/")
    time.sleep(2.5)  # its pause
    assert told("notices", "send", "--seconds", "20").exit_code in {0, 1}
    assert len(told.titles()) <= 1


def test_every_channel_can_be_tried(told: Told) -> None:
    assert told("notices", "test").exit_code == 0
    assert told.titles() == ["OnCalm: a test"]


@pytest.mark.parametrize(("text", "says"), [
    ("channels: [", "not YAML"), ("chanels: []", "one key"), ("channels:\n - {name: a}", "say where it is"),
    ("channels:\n - {name: a, url: 'json://h', event: [x]}", "unknown keys: event"), ("channels:\n - {name: a, url: 'json://h', events: [paged]}", "unknown events paged"),
    ("channels:\n - {name: a, variable: NOT_SET_ANYWHERE}", "NOT_SET_ANYWHERE is not set"), ("channels:\n - {url: 'json://hunter2'}", "needs a name"),
])
def test_a_file_that_cannot_be_used_says_why_and_tells_no_url(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "n.yaml").write_text(text)

    with pytest.raises(UsageError) as raised:
        read_channels(tmp_path / "n.yaml", lambda _: None)

    assert says in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_caretaker_reminds_expires_and_verifies_what_a_process_left(told: Told) -> None:
    def teller() -> Teller:
        return made

    def desk() -> Desk:
        return Desk(told.home, told.shop.access, teller=teller)

    made = Teller(told.home, read_channels(told.home / "notifications.yaml", lambda _: None))
    with_desk: Any = desk()
    from agent.approvals.people import Person

    me = Person("ann", "approver")
    first = with_desk.propose("scale", target("Deployment", "web"), {"replicas": 5}, me).approval
    with_desk.approve(first.id, me, digest=first.line.digest)
    assert [one.approval for one in with_desk.unverified()] == [first.id]

    caretaker = Reconciler(desk, made, every=0.1)
    caretaker.start()
    try:
        end = time.monotonic() + 30
        while len(told.titles()) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert told.titles()[:2] == ["Approval wanted: scale on Deployment shop/web", "scale on Deployment shop/web: succeeded"]
        watching = [one.name for one in caretaker._watched.values() if one.is_alive()]
        assert watching == [f"verify-{first.id}"]
    finally:
        caretaker.stop()
    assert not any(one.is_alive() for one in caretaker._watched.values())
