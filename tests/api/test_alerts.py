"""Webhooks over real HTTP: taken when they prove who they are, refused and counted when not, and never lost."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.incidents.alert import SOURCES
from agent.incidents.senders import sign
from agent.incidents.settings import AlertSettings, Sender
from agent.incidents.tables import alerts
from agent.state_db.database import Database
from tests.agent.databases import postgres, url
from tests.agent.forks import child, ended
from tests.agent.incidents.making import alertmanager, event, webhook
from tests.api.alert_server import Serving, serving

__all__ = ["postgres", "url"]
GUARDED = AlertSettings(senders={
    "alertmanager": Sender(bearer=("alertmanager-token",), basic=(("am", "alertmanager-pw"),), hmac=("alertmanager-key",)),
    "grafana": Sender(hmac=("grafana-key",), timestamp_header="X-Grafana-Alerting-Timestamp"),
    "pagerduty": Sender(hmac=("pagerduty-key",), routing_keys=("r" * 32,)), "generic": Sender(hmac=("generic-key",))})


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path, GUARDED) as running:
        yield running


def signed(body: bytes, *, ago: float = 0, nonce: str = "nonce-0001", key: str = "generic-key") -> dict[str, str]:
    at = int(datetime.now(UTC).timestamp() - ago)
    return {"X-OnCalm-Signature": sign(key, body, at=at, nonce=nonce), "X-OnCalm-Timestamp": str(at), "X-OnCalm-Nonce": nonce}


def grafana(body: bytes) -> dict[str, str]:
    at = int(datetime.now(UTC).timestamp())
    return {"X-Grafana-Alerting-Signature": hmac.new(b"grafana-key", f"{at}:".encode() + body, hashlib.sha256).hexdigest(), "X-Grafana-Alerting-Timestamp": str(at)}


def test_every_sender_makes_an_incident(plain: Serving) -> None:
    bodies: dict[str, Any] = {"alertmanager": alertmanager({}), "grafana": alertmanager({"service": "web"}), "pagerduty": event(), "generic": {"title": "Queue is full"}}
    answers = {source: plain.post(source, bodies[source], role="responder") for source in SOURCES}
    listed = plain.incident("GET", role="viewer").json()["items"]

    assert {source: answer.status_code for source, answer in answers.items()} == dict.fromkeys(SOURCES, 202)
    assert {one["id"] for one in listed} == {ident for answer in answers.values() for ident in answer.json()["incidents"]}
    assert answers["pagerduty"].json()["dedup_key"] == "db/1"


@pytest.mark.parametrize(("role", "status"), [("", 401), ("viewer", 403), ("responder", 202), ("admin", 202)])
def test_without_secrets_it_takes_the_role_responder(plain: Serving, role: str, status: int) -> None:
    assert plain.post("generic", {"title": "x"}, role=role).status_code == status


@pytest.mark.parametrize("source", SOURCES)
def test_with_secrets_a_role_is_no_proof(guarded: Serving, source: str) -> None:
    answer = guarded.post(source, alertmanager({}), role="admin")

    assert (answer.status_code, guarded.alerting.receiver.counts[source, "forged"]) == (401, 1)  # type: ignore[index] # one of them
    assert guarded.incident("GET").json()["items"] == []


@pytest.mark.parametrize(("by", "role", "status"), [("key", "responder", 202), ("token", "admin", 202), ("key", "viewer", 403), ("session", "admin", 401), ("local", "admin", 401)])
def test_with_secrets_an_api_key_is_proof_too(guarded: Serving, by: str, role: str, status: int) -> None:
    assert guarded.post("generic", {"title": "x"}, role=role, headers={"x-test-by": by}).status_code == status


def test_tokens_passwords_and_signatures_open(guarded: Serving) -> None:
    body = json.dumps(alertmanager({})).encode()
    token = guarded.post("alertmanager", body, headers={"Authorization": "Bearer alertmanager-token"})
    password = guarded.client.post("/v1/alerts/alertmanager", content=body, auth=("am", "alertmanager-pw"), headers={"content-type": "application/json"})
    ours = guarded.post("alertmanager", body, headers=signed(body, key="alertmanager-key"))
    theirs = guarded.post("grafana", body, headers=grafana(body))
    key = guarded.post("pagerduty", event())

    assert [one.status_code for one in (token, password, ours, theirs, key)] == [202] * 5
    assert [one.json()["new"] for one in (token, password, ours, theirs, key)] == [1, 0, 0, 1, 1]


def test_pagerduty_signs_with_one_of_several_keys(guarded: Serving) -> None:
    body = json.dumps(webhook()).encode()
    right = hmac.new(b"pagerduty-key", body, hashlib.sha256).hexdigest()
    first = guarded.post("pagerduty", body, headers={"X-PagerDuty-Signature": f"v1={'0' * 64},v1={right}"})
    again = guarded.post("pagerduty", body, headers={"X-PagerDuty-Signature": f"v1={right}"})
    changed = guarded.post("pagerduty", body + b" ", headers={"X-PagerDuty-Signature": f"v1={right}"})

    assert [first.status_code, again.status_code, changed.status_code] == [202, 202, 401]
    assert (first.json()["new"], again.json()["new"], again.json()["duplicate"]) == (1, 0, 1)


def test_forged_late_and_replayed_are_refused_and_counted(guarded: Serving) -> None:
    body = b'{"title": "x"}'
    good = signed(body)
    answers = [guarded.post("generic", body, headers=headers) for headers in (
        good, good, signed(body, ago=400, nonce="nonce-0002"), signed(body, ago=-400, nonce="nonce-0003"), signed(b"{}", nonce="nonce-0004"), {})]
    counts = guarded.alerting.receiver.counts

    assert [one.status_code for one in answers] == [202, 401, 401, 401, 401, 401]
    assert (counts["generic", "replayed"], counts["generic", "late"], counts["generic", "forged"], counts["generic", "accepted"]) == (1, 2, 2, 1)


def test_one_nonce_is_good_once_for_many_at_once(guarded: Serving) -> None:
    body = b'{"title": "x"}'
    headers = signed(body)
    with ThreadPoolExecutor(8) as pool:
        codes = Counter(pool.map(lambda _: guarded.post("generic", body, headers=headers).status_code, range(24)))

    assert codes == {202: 1, 401: 23}


@pytest.mark.parametrize(("body", "media", "status"), [
    (b"{", "application/json", 400), (b"", "application/json", 400), (b"\xff\xfe", "application/json", 400), (b"[" * 9_000, "application/json", 400),
    (b"{}", "application/json", 422), (b'{"alerts": [{"labels": 1}]}', "application/json", 422), (b'{"alerts": []}', "text/plain", 415),
    (b'{"alerts": []}', "", 415), (b"a=b", "application/x-www-form-urlencoded", 415), (b" " * (5 << 20), "application/json", 413),
])
def test_malformed_bodies_are_told_field_and_reason(plain: Serving, body: bytes, media: str, status: int) -> None:
    answer = plain.post("alertmanager", body, role="responder", headers={"content-type": media})

    assert answer.status_code == status
    assert all(one["field"] and one["reason"] for one in answer.json()["errors"])
    assert answer.json()["errors"]


def test_a_body_of_unsaid_length_is_bounded(plain: Serving) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * (1 << 16)

    answer = plain.client.post("/v1/alerts/generic", content=endless(), headers={"content-type": "application/json", "x-test-role": "responder"})

    assert (answer.status_code, plain.post("generic", {"title": "x"}, role="responder").status_code) == (413, 202)


def test_what_is_good_of_a_body_is_kept(plain: Serving) -> None:
    body = alertmanager({"pod": "a"}, {"pod": "b"})
    body["alerts"].append({"status": "firing"})
    answer = plain.post("alertmanager", body, role="responder").json()

    assert (answer["new"], answer["refused"]) == (2, [{"field": "alerts[2].labels", "reason": "is needed"}])


def test_a_database_that_cannot_be_written_is_no_success(plain: Serving) -> None:
    other = Database(f"sqlite:///{plain.alerting.incidents.database.url.database}")
    other.engine.dispose()
    with plain.alerting.incidents.database.writing() as connection:
        connection.exec_driver_sql("CREATE TRIGGER full BEFORE INSERT ON incident_alerts BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
    refused = plain.post("generic", {"title": "x"}, role="responder")
    with plain.alerting.incidents.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")
    again = plain.post("generic", {"title": "x"}, role="responder")

    assert (refused.status_code, again.status_code, again.json()["new"]) == (503, 202, 1)


def test_text_of_an_attacker_is_kept_as_data(plain: Serving) -> None:
    nasty = "<script>alert(1)</script>\x00\ud800 '; DROP TABLE incidents; -- {{7*7}}"
    body = json.dumps({"title": nasty, "labels": {nasty: nasty}, "url": "javascript:alert(1)"}).encode()
    ident = plain.post("generic", body, role="responder").json()["incidents"][0]
    found = plain.incident("GET", f"/{ident}").json()

    assert "DROP TABLE incidents" in found["title"]
    assert found["alert_list"][0]["url"] == ""


def test_each_new_incident_is_investigated_once(tmp_path: Path) -> None:
    asked: list[str] = []
    with serving(tmp_path, investigate=lambda symptom, at, incident: asked.append(incident) or {"answer": "the pool is empty", "suspects": []}) as running:  # type: ignore[func-returns-value] # appended
        ident = running.post("alertmanager", alertmanager({}), role="responder").json()["incidents"][0]
        running.post("alertmanager", alertmanager({}), role="responder")
        until = time.monotonic() + 20
        while (found := running.incident("GET", f"/{ident}").json())["investigation"]["state"] != "done" and time.monotonic() < until:
            time.sleep(0.05)

    assert (asked, found["investigation"]["result"]["answer"], found["state"]) == ([ident], "the pool is empty", "investigating")


def test_a_thousand_alerts_lose_none_and_make_one_incident_a_group(tmp_path: Path, url: str | None) -> None:
    with serving(tmp_path, url=url) as running:
        began = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            codes = Counter(pool.map(lambda n: running.post("alertmanager", alertmanager({"service": f"s{n % 25}", "pod": f"p{n}"}, fingerprint=f"f{n}"),
                                                            role="responder").status_code, range(1_000)))
        seconds = time.monotonic() - began
        found = running.incident("GET", "?limit=500").json()["items"]

    assert codes == {202: 1_000}
    assert sorted((one["service"], one["alerts"], one["firing"]) for one in found) == sorted((f"s{n}", 40, 40) for n in range(25))
    assert seconds < 60, "the bench measures; here a stuck queue is seen"


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    ports = tmp_path / "port"

    def serve() -> None:
        with serving(tmp_path) as running:
            ports.with_suffix(".new").write_text(str(running.client.base_url))
            ports.with_suffix(".new").rename(ports)
            threading.Event().wait(120)

    server, acknowledged = child(serve), []
    while not ports.exists():
        time.sleep(0.02)
    base = ports.read_text()

    def post(n: int) -> None:
        with httpx.Client(base_url=base, timeout=20) as client:
            answer = client.post("/v1/alerts/generic", json={"title": f"t{n}", "fingerprint": f"f{n}", "service": f"s{n % 5}", "starts_at": "2026-11-26T14:00:00Z"},
                                 headers={"x-test-role": "responder"})
        if answer.status_code == 202:
            acknowledged.append(f"f{n}")
        if n == 60:
            os.kill(server, signal.SIGKILL)

    with ThreadPoolExecutor(8) as pool:
        for task in [pool.submit(post, n) for n in range(120)]:
            task.exception()
    code = ended(server)
    database = Database.at(tmp_path)
    with database.reading() as connection:
        kept = {json.loads(row.document)["fingerprint"] for row in connection.execute(alerts.select())}
    database.close()

    assert (code, len(acknowledged) > 20, set(acknowledged) - kept) == (-signal.SIGKILL, True, set())


def test_a_client_that_leaves_does_not_stop_the_others(plain: Serving) -> None:
    host, port = str(plain.client.base_url.host), plain.client.base_url.port or 0
    with socket.create_connection((host, port)) as gone:
        gone.sendall(b"POST /v1/alerts/generic HTTP/1.1\r\nHost: x\r\nx-test-role: responder\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{")

    assert plain.post("generic", {"title": "x"}, role="responder").status_code == 202
