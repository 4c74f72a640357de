"""A probe from the proposal to the trace store: the real commands, a real daemon, a real kernel."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from telemetry.models import Window
from telemetry.store.beyond import RecordReader
from tests.ebpf.conftest import SERVER, Spawn, attached_to, free_port, group, kernel, spawn
from tests.ebpf.test_daemon import Daemon

__all__ = ["group", "kernel", "spawn"]  # fixtures
CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"


class Terminal:
    """A home, a daemon that trusts it, and the command."""

    def __init__(self, folder: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.daemon = folder / "home", daemon
        monkeypatch.setenv("ONCALM_HOME", str(self.home))
        monkeypatch.setenv("ONCALM_ROLE", "approver")
        (daemon.folder / "keys" / "home.pem").write_text(self("probe", "key").stdout)
        (self.home / "probes.yaml").write_text(f"nodes:\n- name: here\n  socket: {daemon.address.socket}\n")

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json").stdout)


@pytest.fixture
def terminal(kernel: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    daemon = Daemon(tmp_path)
    yield Terminal(tmp_path, daemon, monkeypatch)
    daemon.stop()


@pytest.fixture
def shop(group: Path, spawn: Spawn) -> tuple[int, int]:
    """Port and process of a server."""
    port = free_port()
    return port, spawn(SERVER, str(port), group=group).pid


def asking(port: int, stop: threading.Event) -> threading.Thread:
    def ask() -> None:
        while not stop.wait(0.05):
            httpx.get(f"http://127.0.0.1:{port}/orders/7?token=S3cretValue", headers={"traceparent": f"00-{CALLER}-00f067aa0ba902b7-01"}, trust_env=False)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_from_a_proposal_to_spans_in_the_trace_store(terminal: Terminal, group: Path, shop: tuple[int, int]) -> None:
    port, pid = shop
    asked = terminal.json("probe", "run", "http", "--node", "here", "--pid", str(pid), "--seconds", "3", "--service", "shop", "--overhead", "0.2")
    assert (asked["state"], attached_to(group)) == ("pending", 0)
    assert asked["preview"]["action"]["params"]["started"] > 0
    stop = threading.Event()
    thread = asking(port, stop)
    try:
        done = terminal("approvals", "approve", asked["id"], "--digest", asked["digest"], "--reason", "to see")
    finally:
        stop.set()
        thread.join()

    assert (done.exit_code, attached_to(group)) == (0, 0), done.output
    assert "approvals watch" not in done.output  # a look changes nothing that could be better or worse
    assert not list((terminal.home / "verifications").glob("*"))
    (session,) = terminal.json("probe", "results")
    told = terminal.json("probe", "results", session["session"])
    assert told["result"]["ended"] == "the time is over"
    assert told["head"]["approval"] == asked["id"]
    assert told["head"]["predicted"] is None or told["head"]["predicted"] > 0
    assert {(one["route"], one["status"]) for one in told["calls"]} == {("/orders/{id}", 200)}
    assert "S3cretValue" not in json.dumps(told)
    assert "GET /orders/{id}" in terminal("probe", "results", session["session"][:6]).stdout
    now = datetime.now(UTC)
    with closing(RecordReader(terminal.home)) as records:
        spans = records.spans(window=Window(start=now - timedelta(minutes=5), end=now + timedelta(minutes=1)))
    assert {(one.service, one.operation, one.trace_id, one.parent_id) for one in spans} == {("shop", "GET /orders/{id}", CALLER, "00f067aa0ba902b7")}
    assert len(spans) == len(told["calls"])
    assert terminal.json("audit", "verify")["sound"]


def test_what_is_rejected_attaches_nothing(terminal: Terminal, group: Path, shop: tuple[int, int]) -> None:
    asked = terminal.json("probe", "run", "http", "--node", "here", "--pid", str(shop[1]))
    terminal("approvals", "reject", asked["id"], "--reason", "not now")

    assert terminal("approvals", "run", asked["id"]).exit_code != 0
    assert attached_to(group) == 0
    assert terminal("probe", "results").exit_code == 3


@pytest.mark.parametrize(("words", "told"), [
    (("http", "--pid", "999999"), "there is no process 999999"),
    (("http", "--node", "there", "--port", "80"), "no probe daemon of a node there"),
    (("kprobe", "--port", "80"), "there is no probe"),
    (("http", "--port", "80", "--seconds", "6000"), "seconds"),
    (("http", "--port", "80", "--overhead", "0.9"), "this node allows"),
])
def test_what_cannot_be_is_said_before_anybody_is_asked(terminal: Terminal, words: tuple[str, ...], told: str) -> None:
    named = words if "--node" in words else (*words, "--node", "here")
    done = terminal("probe", "run", *named)

    assert done.exit_code != 0
    assert told in f"{done.output}{done.exception}"
    assert terminal("approvals", "list").exit_code == 3


def test_nodes_tell_what_they_are(terminal: Terminal) -> None:
    (node,) = terminal.json("probe", "nodes")

    assert node["node"] == "here"
    assert node["probes"]["http"] == []


def test_a_node_that_is_gone_is_named(terminal: Terminal) -> None:
    terminal.daemon.stop()

    done = terminal("probe", "nodes")

    assert done.exit_code == 1
    assert "cannot be reached" in done.stdout


def test_the_agent_asks_people_for_a_few_probes_and_no_more(terminal: Terminal, shop: tuple[int, int]) -> None:
    from api.actions.desk import Desk
    from api.probes.requests import WAITING, asking

    desk = Desk(terminal.home, None)
    try:
        propose = asking(desk)
        told = [propose("here", {"probe": "http", "pid": shop[1], "seconds": 1 + number}, "why") for number in range(WAITING + 2)]
    finally:
        desk.close()

    assert [one["approval"] is not None for one in told] == [True] * WAITING + [False] * 2
    assert "wait for an answer already" in told[-1]["why"]
    assert len(terminal.json("approvals", "list")) == WAITING


@pytest.mark.parametrize(("role", "offered"), [("viewer", False), ("responder", True), ("approver", True), (None, True)])
def test_for_who_may_not_propose_the_agent_asks_nobody(tmp_path: Path, role: Any, offered: bool) -> None:
    from agent.approvals.people import Person
    from api.actions.desk import Desk
    from api.wiring.product import Product

    (tmp_path / "probes").mkdir()
    product = Product(tmp_path, desk=Desk(tmp_path, None))

    names = product._probe_tools(Person("ann", role) if role else None).names()

    assert "probe.results" in names
    assert ("probe.propose" in names) == offered
