"""From an alert to an action, and to the verdict on it by the same alert: over HTTP, a real Prometheus and doubles that lie or hang."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.approvals.people import Person
from agent.approvals.record import Approval
from agent.incidents.settings import AlertSettings
from agent.verification.state import State
from agent.verification.verifier import Limits
from api.actions.config import read
from api.actions.desk import Desk
from api.actions.proposals import ask
from api.cli import app
from api.incidents.alerting import by_product
from api.wiring.product import Product
from telemetry.errors import OnCalmError
from telemetry.sources.opening import open_alert_servers
from tests.api.alert_server import Serving
from tests.api.alert_server import serving as alerts
from tests.investigating import failing_cart
from tests.investigating.failing_cart import ago, killed, limit
from tests.telemetry.sources.prometheus_server import alerting, prometheus
from tests.telemetry.sources.serving import Request, Response, as_json, serving
from tests.tools.cluster.shops import Held

ANA, BEN = Person("ana", "responder"), Person("ben", "approver")
LABELS = {"alertname": "CartDown", "service": "cart", "severity": "critical"}
QUICK = Limits(settle=0.01, every=0.1, within=1, hold=0.2, rolling=0.2, rollback=1, undo="never")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Held]:
    with failing_cart.cluster(tmp_path) as one:
        killed(one, "cart")
        one.load()
        yield one


def alert(**changed: Any) -> dict[str, Any]:
    """One that fires since a quarter of an hour."""
    return {"status": "firing", "labels": LABELS, "annotations": {"summary": "web fails: it cannot reach cart"}, "startsAt": ago(15).isoformat(), "fingerprint": "f1", **changed}


def body(**changed: Any) -> dict[str, Any]:
    return {"version": "4", "status": "firing", "alerts": [alert(**changed)]}


def product(folder: Path, sources: str = "") -> Product:
    """With alert servers as ``sources.yaml`` names them."""
    if not sources:
        return failing_cart.product(folder)
    (folder / "sources.yaml").write_text(sources)
    return failing_cart.product(folder, alert_servers=lambda: open_alert_servers(folder / "sources.yaml", lambda _: None))


def asked(made: Product, **alert: Any) -> tuple[Desk, Approval]:
    """The approval of an investigation that began with an alert."""
    desk = made.desk
    assert desk is not None
    found = {**made.investigate("web fails since 20 minutes"), "alert": {"labels": LABELS, "incident": "", **alert}}
    ident = ask(found, desk, ANA)
    assert ident is not None
    return desk, desk.approvals.show(ident)


def carried_out(desk: Desk, approval: Approval) -> State:
    """How things were before, as the verification keeps it."""
    assert desk.approve(approval.id, BEN, digest=approval.line.digest).state == "succeeded"
    state = desk.verification(approval.id)
    assert state is not None
    return state


def verified(desk: Desk, approval: Approval) -> dict[str, Any]:
    """What the last look said of the alert."""
    state = desk.watch(desk.approvals.show(approval.id), QUICK, wait=_pause, tell=lambda _: None)
    (check,) = [one for one in state.checks if one["kind"] == "alert"]
    return dict(check)


def _pause(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + 60
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.1)
    assert found, "it did not come true in time"
    return found


def test_a_real_prometheus_tells_whether_the_action_helped(tmp_path: Path, shop: Held) -> None:
    with prometheus(tmp_path) as url:
        made = product(tmp_path, f"sources:\n  m: {{kind: prometheus, url: '{url}'}}\n")
        desk, approval = asked(made)
        alerting(tmp_path, "vector(1)", service="cart")
        until(lambda: desk_fires(desk, approval))
        state = carried_out(desk, approval)
        alerting(tmp_path, "vector(0) > 1", service="cart")
        until(lambda: desk_fires(desk, approval) is False)

        check = verified(desk, approval)

    assert (state.alert, check["result"]) == (True, "confirmed")
    assert "does not fire, before the action it fired" in check["statement"]


def desk_fires(desk: Desk, approval: Approval) -> bool | None:
    from api.actions.alert_status import AlertEyes
    from api.actions.verification import incident_of

    eyes = AlertEyes(desk.alert_servers, desk.incidents.alerts_open)
    try:
        return eyes.of(incident_of(approval).alert, None)()
    finally:
        eyes.close()


def test_an_alertmanager_tells_that_it_still_fires(tmp_path: Path, shop: Held) -> None:
    with serving(manager([alert(endsAt=ago(-60).isoformat())])) as server:
        desk, approval = asked(product(tmp_path, f"sources:\n  am: {{kind: alertmanager, url: '{server.url}'}}\n"))
        state = carried_out(desk, approval)

        assert (state.alert, verified(desk, approval)["result"]) == (True, "unchanged")


def manager(found: list[dict[str, Any]]) -> Callable[[Request], Response]:
    return lambda request: as_json({"uptime": "2026-01-01T00:00:00Z"} if request.path == "/api/v2/status" else found)


def _hangs(handler: Any) -> None:
    time.sleep(60)


@pytest.mark.parametrize("answer", [
    Response(raw=_hangs), Response(b"<html>sign in</html>", 200, {"Content-Type": "text/html"}), as_json({"data": []}), as_json([1, 2]), as_json([{"labels": {"alertname": "X"}}]),
    Response(b"x" * (5 << 20)), Response(b'[{"labels":', 200, {"Content-Type": "application/json"}), as_json({}, 503, **{"Retry-After": "1000"}),
], ids=["hangs", "a page", "an object", "numbers", "another alert", "huge", "cut", "later"])
def test_an_alert_server_that_lies_or_hangs_is_not_assessed_in_bounded_time(tmp_path: Path, shop: Held, answer: Response) -> None:
    with serving(lambda _: answer) as server:
        desk, approval = asked(product(tmp_path, f"sources:\n  am: {{kind: alertmanager, url: '{server.url}', timeouts: {{read: 300, total: 600}}}}\n"))
        began = time.monotonic()
        state = carried_out(desk, approval)

        assert state.alert is None
        assert time.monotonic() - began < 50  # two bounded questions, not the file's ten minutes
        assert verified(desk, approval)["result"] == "not_assessed"


def test_a_source_file_that_cannot_be_read_stops_no_action(tmp_path: Path, shop: Held) -> None:
    desk, approval = asked(product(tmp_path, "sources: [not a map]\n"))

    assert carried_out(desk, approval).alert is None
    check = verified(desk, approval)
    assert (check["result"], "the list of sources cannot be used" in check["statement"]) == ("not_assessed", True)


def test_evidence_that_was_edited_is_refused_before_any_server_is_asked(tmp_path: Path, shop: Held) -> None:
    """Whoever can write the database could else name an alert that never fires, and have the action called a cure."""
    from sqlalchemy import text

    with serving(manager([])) as server:
        desk, approval = asked(product(tmp_path, f"sources:\n  am: {{kind: alertmanager, url: '{server.url}'}}\n"))
        carried_out(desk, approval)
        before = len(server.requests)
        with desk.journal.database.writing() as connection:
            connection.execute(text("UPDATE approvals SET record = replace(record, 'CartDown', 'NeverFires')"))

        with pytest.raises(OnCalmError, match="changed since it was written"):
            verified(desk, approval)
        assert len(server.requests) == before


def incident(running: Serving, **changed: Any) -> str:
    return str(running.post("alertmanager", body(**changed), role="responder").json()["incidents"][0])


@pytest.fixture
def policy(tmp_path: Path) -> Callable[[str], None]:
    def write(decision: str) -> None:
        (tmp_path / "home").mkdir(exist_ok=True)
        (tmp_path / "home" / "policy.yaml").write_text(f"version: 1\nrules:\n  - {{name: memory, decision: {decision}, actions: [raise_limit], namespaces: [shop]}}\n")

    return write


def served(folder: Path, made: Product, *, propose: bool) -> Any:
    desk = made.desk
    assert desk is not None
    return alerts(folder / "home", AlertSettings(propose=propose), investigate=by_product(made, desk.incidents, desk if propose else None))


def investigated(running: Serving, ident: str) -> dict[str, Any]:
    return until(lambda: (found := running.incident("GET", f"/{ident}").json())["investigation"]["state"] in {"done", "failed"} and found)  # type: ignore[no-any-return]


def test_an_alert_over_http_becomes_an_approval_that_carries_its_labels(tmp_path: Path, shop: Held) -> None:
    made = product(tmp_path)
    with served(tmp_path, made, propose=True) as running:
        began = ago(15).isoformat()
        ident = incident(running, startsAt=began)
        found = investigated(running, ident)
        desk, approval = made.desk, found["investigation"]["result"]["approval"]
        assert desk is not None
        record = desk.approvals.show(approval).record
        (told,) = [one for one in record["evidence"] if one["kind"] == "incident"]
        assert (told["alert"], record["requester"]) == ({"labels": LABELS, "incident": ident}, "oncalm")
        assert [one["body"]["approval"] for one in found["timeline"] if one["kind"] == "approval"] == [approval]

        state = carried_out(desk, desk.approvals.show(approval))
        silent = verified(desk, desk.approvals.show(approval))
        incident(running, startsAt=began, status="resolved", endsAt=datetime.now(UTC).isoformat())
        assert (state.alert, silent["result"]) == (True, "not_assessed")  # nobody told its end, nor that it still fires
        assert desk_fires(desk, desk.approvals.show(approval)) is False


def test_an_incident_asks_once_and_what_a_rule_allows_is_done_once(tmp_path: Path, shop: Held, policy: Callable[[str], None]) -> None:
    policy("allow")
    made = product(tmp_path)
    desk = made.desk
    assert desk is not None
    before = limit(shop, "cart")
    with served(tmp_path, made, propose=True) as running:
        ident = incident(running)
        found = investigated(running, ident)["investigation"]["result"]
        assert (found["approval_outcome"]["state"], limit(shop, "cart") != before) == ("succeeded", True)

        after = limit(shop, "cart")
        again = by_product(made, desk.incidents, desk)("web fails since 20 minutes", ago(15), ident)  # as after a crash of the worker
    assert limit(shop, "cart") == after
    assert again.get("approval") in {None, found["approval"]}
    assert len(desk.approvals.list(("pending", "approved", "succeeded", "confirmed", "failed"))) == 1


def test_unless_it_is_set_an_alert_asks_for_nothing(tmp_path: Path, shop: Held) -> None:
    made = product(tmp_path)
    with served(tmp_path, made, propose=False) as running:
        found = investigated(running, incident(running))["investigation"]["result"]

    assert found["proposals"]
    assert "approval" not in found
    assert made.desk is not None
    assert made.desk.approvals.list() == []


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str, given: str | None = None) -> Any:
    monkeypatch.setenv("ONCALM_HOME", str(folder / "home"))
    monkeypatch.setenv("ONCALM_KUBECONFIG", str(folder / "kube" / "kubeconfig"))
    return CliRunner().invoke(app, list(words), input=given)


@pytest.mark.parametrize("written", [
    body, lambda: [alert(status={"state": "active"}, endsAt="2126-01-01T00:00:00Z")],
    lambda: {"title": "CartDown", "service": "cart", "starts_at": ago(15).isoformat(), "labels": LABELS, "description": "web fails: it cannot reach cart"}],
    ids=["webhook", "alertmanager's list", "generic"])
def test_an_investigation_may_begin_with_an_alert_of_a_file(tmp_path: Path, shop: Held, monkeypatch: pytest.MonkeyPatch, written: Callable[[], Any]) -> None:
    product(tmp_path)
    (tmp_path / "alert.json").write_text(json.dumps(written()))

    done = run(tmp_path, monkeypatch, "investigate", "--alert", str(tmp_path / "alert.json"), "--propose", "--json")
    found = json.loads(done.stdout)
    shown = json.loads(run(tmp_path, monkeypatch, "approvals", "show", found["approval"], "--json").stdout)

    assert found["alert"]["labels"] == LABELS
    assert [one["alert"]["labels"] for one in shown["evidence"] if one["kind"] == "incident"] == [LABELS]


def test_the_command_carries_out_what_a_rule_allows_and_says_so(tmp_path: Path, shop: Held, monkeypatch: pytest.MonkeyPatch, policy: Callable[[str], None]) -> None:
    product(tmp_path)
    policy("allow")
    before = limit(shop, "cart")

    done = run(tmp_path, monkeypatch, "investigate", "--alert", "-", "--propose", given=json.dumps(body()))

    assert (done.exit_code, limit(shop, "cart") != before) == (0, True), done.output
    assert "executed once, as approved by policy" in " ".join(done.stdout.split())
    assert "waits for approval" not in done.stdout


@pytest.mark.parametrize(("text", "says"), [("", "expecting value"), ("{}", "title"), ('{"alerts": []}', "no alert"), ('{"alerts": [{"labels": {}}]}', "label"), ("[" * 100_000, "nests")])
def test_a_file_that_holds_no_alert_is_refused_with_the_reason(tmp_path: Path, shop: Held, monkeypatch: pytest.MonkeyPatch, text: str, says: str) -> None:
    product(tmp_path)
    (tmp_path / "alert.json").write_text(text)

    done = run(tmp_path, monkeypatch, "investigate", "--alert", str(tmp_path / "alert.json"))

    assert isinstance(done.exception, OnCalmError)
    assert says in str(done.exception)


def test_owners_are_told_where_nothing_surely_helps(tmp_path: Path, shop: Held, policy: Callable[[str], None]) -> None:
    """A missing secret is mended by hand: whoever looks after it gets the facts, once, and no verification waits for a cure."""
    got: list[Request] = []
    with serving(lambda request: got.append(request) or Response(b"ok")) as server:  # type: ignore[func-returns-value]
        (tmp_path / "actions.yaml").write_text("channels:\n  - {name: shop, slack: HOOK, namespaces: [shop]}\n")
        made = failing_cart.product(tmp_path, also=lambda: read(tmp_path / "actions.yaml", {"HOOK": f"{server.url}/services/hunter2"}.get))
        desk = made.desk
        assert desk is not None
        missing_secret(shop)
        found = made.investigate("web fails since 20 minutes")
        (proposal,) = found["proposals"]
        ident = ask(found, desk, ANA)
        assert ident is not None
        before = len(got)
        done = desk.approve(ident, BEN, digest=desk.approvals.show(ident).line.digest)

    assert (proposal["action"], proposal["target"]["name"], before, done.state, len(got)) == ("notify_slack", "shop", 0, "succeeded", 1)
    assert "secret" in got[0].json()["text"]
    assert desk.unverified() == []
    assert "hunter2" not in json.dumps(found) + json.dumps(done.document(), default=str)


def missing_secret(shop: Held) -> None:
    pod = shop.shop.pods("cart")[0]
    pod["status"]["containerStatuses"][0] |= {"restartCount": 0, "lastState": {}, "state": {"waiting": {
        "reason": "CreateContainerConfigError", "message": 'secret "cart-tls" not found'}}}
    shop.load()
