"""The receiver over real HTTP: what it answers, what it keeps, and that it keeps it exactly once."""

from __future__ import annotations

import gzip
import json
import signal
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from api.routes.otlp import Limits, router
from telemetry.inbox.inbox import Inbox
from telemetry.models import Window
from telemetry.store.beyond import RecordReader
from telemetry.store.manifest import Manifest
from telemetry.store.reader import Reader
from tests.operations.command import Done, document, end, lines_of, oncalm, wait_until
from tests.operations.receiving import (
    JSON,
    PROTOBUF,
    acknowledged,
    free_port,
    orders,
    receiver,
    sender,
    start,
)
from tests.telemetry.otlp.requests import logs, metrics, otlp_json, traces


def post(url: str, signal_name: str, body: bytes, headers: dict[str, str], **more: str) -> httpx.Response:
    return httpx.post(f"{url}/v1/{signal_name}", content=body, headers={**headers, **more}, timeout=30)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A receiver that many tests share."""
    with receiver(tmp_path_factory.mktemp("shared") / "home") as found:
        yield found


def test_real_exporters_are_understood_and_answers_rest_on_what_they_sent(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with receiver(home) as url:
        out, err = sender(url, 5).communicate(timeout=120)

    assert acknowledged(out, "span") == acknowledged(out, "log") == [0, 1, 2, 3, 4], err
    assert orders(home) == [0, 1, 2, 3, 4]
    with RecordReader(home) as records, closing(Reader(home)) as reader:
        spans = {span.trace_id: span for span in records.spans(Window())}
        found = reader.rows(f"SELECT trace_id, level, service, host, logger FROM {reader._scan(reader.segments)} ORDER BY line_no")
        assert all(s.values.min() > 0 for s in records.series(Window(), "orders"))
    assert [(trace in spans, *rest) for trace, *rest in found] == [(True, "error", "checkout", "checkout-1", "shop.cart")] * 5
    answer = document(oncalm(home, "ask", "how many errors per service", "--json"))
    assert answer["result"]["rows"] == [["checkout", 5]]
    assert document(oncalm(home, "templates", "--json"))["templates"][0]["display"] == "order <order> refused by the bank"
    assert oncalm(home, "doctor").returncode == 0


@pytest.mark.parametrize("headers", [PROTOBUF, JSON])
def test_partial_success_is_told_in_the_encoding_of_the_request(url: str, headers: dict[str, str]) -> None:
    request = traces({}, {"trace_id": b"\1"})
    body = otlp_json(request) if headers is JSON else request.SerializeToString()

    found = post(url, "traces", body, headers)

    assert (found.status_code, found.headers["content-type"]) == (200, headers["content-type"])
    if headers is JSON:
        assert found.json()["partialSuccess"]["rejectedSpans"] == "1"
    else:
        assert ExportTraceServiceResponse.FromString(found.content).partial_success.rejected_spans == 1


def test_full_success_is_an_empty_message(url: str) -> None:
    assert post(url, "logs", logs({}).SerializeToString(), PROTOBUF).content == b""
    assert post(url, "logs", b"", PROTOBUF).status_code == 200
    assert post(url, "metrics", otlp_json(metrics()[0]), JSON).json() == {}
    packed = post(url, "traces", gzip.compress(traces({}).SerializeToString()), PROTOBUF, **{"content-encoding": "gzip"})
    assert ExportLogsServiceResponse.FromString(packed.content) == ExportLogsServiceResponse()


@pytest.mark.parametrize(("body", "headers", "more", "status"), [
    (b"\xff\xff", PROTOBUF, {}, 400), (b"{", JSON, {}, 400), (b"x", {"content-type": "text/plain"}, {}, 415),
    (b"x", {}, {}, 415), (b"x", PROTOBUF, {"content-encoding": "br"}, 415), (b"x", PROTOBUF, {"content-encoding": "gzip"}, 400),
    (b"x" * (17 << 20), PROTOBUF, {}, 413), (gzip.compress(bytes(80 << 20)), PROTOBUF, {"content-encoding": "gzip"}, 413),
], ids=["no protobuf", "no json", "text", "no type", "brotli", "no gzip", "large", "bomb"])
def test_a_bad_request_gets_its_status_and_the_reason(
    url: str, body: bytes, headers: dict[str, str], more: dict[str, str], status: int
) -> None:
    found = post(url, "traces", body, headers, **more)

    assert found.status_code == status
    said = Status.FromString(found.content) if headers is PROTOBUF else None
    assert len(said.message if said else found.json()["message"]) > 10


def test_a_large_body_without_a_length_is_cut_off(url: str) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(40):
            yield bytes(1 << 20)

    with suppress(httpx.WriteError):  # it had stopped listening already
        assert httpx.post(f"{url}/v1/logs", content=parts(), headers=PROTOBUF, timeout=30).status_code == 413


def test_other_paths_methods_and_hosts_are_refused(url: str) -> None:
    assert httpx.get(f"{url}/v1/logs").status_code == 405
    assert httpx.post(f"{url}/v1/profiles").status_code == 404
    assert post(url, "logs", b"", PROTOBUF, host="evil.example").status_code == 421
    assert post(url, "logs", b"", PROTOBUF, origin="http://evil.example").status_code == 403


def test_other_machines_need_a_token(tmp_path: Path) -> None:
    refused = oncalm(tmp_path / "home", "receive", "--host", "0.0.0.0", "--port", "0")
    (tmp_path / "token").write_text("0123456789abcdef")
    with receiver(tmp_path / "home", "--token-file", tmp_path / "token") as url:
        without = post(url, "logs", b"", PROTOBUF)
        given = post(url, "logs", b"", PROTOBUF, authorization="Bearer 0123456789abcdef")

    assert (refused.returncode, without.status_code, given.status_code) == (2, 401, 200)
    assert "--token-file" in refused.stderr


def test_two_receivers_of_one_home_are_refused(tmp_path: Path) -> None:
    with receiver(tmp_path / "home"):
        second = oncalm(tmp_path / "home", "receive", "--port", "0")

    assert second.returncode == 1
    assert "receives into this home" in second.stderr


def test_while_another_process_writes_the_inbox_waits_and_says_when_it_is_full(tmp_path: Path) -> None:
    home, done = tmp_path / "home", list[Done]()
    Manifest(home, write=True).close()
    writing = Manifest(home, write=True)
    with receiver(home, "--inbox", "2KB", done=done) as url:
        first = post(url, "traces", traces({"attributes": {"order": 1, "pad": "x" * 900}}).SerializeToString(), PROTOBUF)
        time.sleep(3)
        second = post(url, "traces", traces({"span_id": b"\5" * 8, "attributes": {"order": 2, "pad": "x" * 900}}).SerializeToString(), PROTOBUF)
        writing.close()
        wait_until(lambda: orders(home) == [1])
        third = post(url, "traces", traces({"span_id": b"\6" * 8, "attributes": {"order": 3}}).SerializeToString(), PROTOBUF)

    assert (first.status_code, second.status_code, third.status_code) == (200, 503, 200)
    assert int(second.headers["retry-after"]) > 0
    assert "try again" in Status.FromString(second.content).message
    assert orders(home) == [1, 3]
    assert done[0].stderr.count("waits in the inbox") == 1
    assert "being emptied again" in done[0].stderr


def test_an_end_while_another_process_writes_leaves_the_inbox_for_the_next(tmp_path: Path) -> None:
    home = tmp_path / "home"
    writing = Manifest(home, write=True)
    done = list[Done]()
    with receiver(home, done=done) as url:
        post(url, "traces", traces({"attributes": {"order": 1}}).SerializeToString(), PROTOBUF)
    writing.close()
    waiting = {c["check"]: c["seen"] for c in document(oncalm(home, "doctor", "--json"))["checks"]}["inbox"]
    with receiver(home):
        pass
    emptied = {c["check"]: c["seen"] for c in document(oncalm(home, "doctor", "--json"))["checks"]}["inbox"]

    assert waiting.endswith("bytes wait for the store")
    assert emptied == "everything received is in the store"
    assert "the next `oncalm receive` puts them into the store" in done[0].stderr
    assert orders(home) == [1]


def test_a_request_sent_again_after_a_kill_counts_once(tmp_path: Path) -> None:
    home, request = tmp_path / "home", logs({"body": "paid"}, {"body": "shipped"}).SerializeToString()
    for _ in range(3):
        process, url = start(home)
        assert post(url, "logs", request, PROTOBUF).status_code == 200
        wait_until(lambda: not list((home / "inbox").glob("*.wal")))
        assert post(url, "logs", request, PROTOBUF).status_code == 200
        end(process, signal.SIGKILL)

    with receiver(home):
        pass

    assert [json.loads(line)["message"] for line in lines_of(home)] == ["paid", "shipped"]


def test_kills_at_any_time_lose_and_double_nothing(tmp_path: Path) -> None:
    home, port, count = tmp_path / "home", free_port(), 120
    process, url = start(home, port=port)
    client = sender(url, count, 0.08)
    for wait in (2.3, 1.1, 3.1, 0.4, 2.2):
        time.sleep(wait)
        end(process, signal.SIGKILL)
        process, _ = start(home, port=port)
    out, err = client.communicate(timeout=200)
    done = end(process)

    told = {kind: acknowledged(out, kind) for kind in ("span", "log")}
    kept = {"span": orders(home), "log": [int(json.loads(line)["message"].split()[1]) for line in lines_of(home)]}
    for kind, stored in kept.items():
        assert len(told[kind]) > count * 0.9, err
        assert len(stored) == len(set(stored))
        assert set(told[kind]) <= set(stored) <= set(range(count))
    assert done.returncode == 0
    assert list((home / "inbox").glob("*.wal")) == list((home / "inbox").glob("*.jsonl")) == []
    assert oncalm(home, "doctor").returncode == 0


def asked(inbox: Inbox, limits: Limits, body: bytes) -> Any:
    """One request to the routes alone, as a server of ours mounts them."""
    import asyncio

    app = FastAPI()
    app.include_router(router(inbox, limits))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.post("/v1/traces", content=body, headers=PROTOBUF)

    return asyncio.run(ask())


def test_too_much_at_once_is_told_to_come_again(tmp_path: Path) -> None:
    with closing(Inbox(tmp_path)) as inbox:
        found = asked(inbox, Limits(in_flight=0), traces({}).SerializeToString())

    assert (found.status_code, found.headers["retry-after"]) == (429, "1")


def test_a_broken_disk_is_no_acknowledgement(tmp_path: Path) -> None:
    with closing(Inbox(tmp_path)) as inbox:
        (tmp_path / "inbox").rename(tmp_path / "gone")
        found = asked(inbox, Limits(), traces({}).SerializeToString())

    assert (found.status_code, found.headers["retry-after"]) == (503, "30")
