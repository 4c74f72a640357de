"""Whatever a server does, every source says so: failed, partial or not assessed with the reason; nothing is raised."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from telemetry.interrupt import CURRENT, Interrupt
from telemetry.sources.protocols import Answer, LogQuery, MetricQuery, TraceQuery
from tests.telemetry.sources.opened import opened
from tests.telemetry.sources.serving import Request, Response, Served, as_json, serving

SECOND = 1_000_000
KINDS = ("loki", "elasticsearch", "opensearch", "jaeger", "tempo", "prometheus")
SWIFT: Mapping[str, Any] = {"timeouts": {"connect": 1, "read": 0.3, "total": 0.8}, "max_bytes": 10_000}
ASK: Mapping[str, Callable[[Any], Answer[Any]]] = {
    **dict.fromkeys(("loki", "elasticsearch", "opensearch"), lambda s: s.lines(LogQuery(0, 60 * SECOND))),
    **dict.fromkeys(("jaeger", "tempo"), lambda s: s.traces(TraceQuery(0, 60 * SECOND, service="web"))),
    "prometheus": lambda s: s.series(MetricQuery(0, 60 * SECOND, "up"))}


def asked(kind: str, url: str, **more: Any) -> Answer[Any]:
    """The main question of a kind; the check must not raise, either."""
    source = opened(kind, url, **{**SWIFT, **more})
    try:
        source.check()
        return ASK[kind](source)
    finally:
        source.close()


def _raw(send: Callable[[BaseHTTPRequestHandler], None]) -> Response:
    return Response(raw=send)


def _cut(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"data": [')


def _silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1.2)


def _drip(handler: BaseHTTPRequestHandler) -> None:
    """Always a byte in time, never an end: only a bound of the whole ends it."""
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n")
        for _ in range(40):
            handler.wfile.write(b" ")
            time.sleep(0.1)
    except OSError:
        pass


def _slow_head(handler: BaseHTTPRequestHandler) -> None:
    try:
        for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 50:
            handler.wfile.write(bytes([letter]))
            time.sleep(0.1)
    except OSError:
        pass


PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>"
HTML = {"Content-Type": "text/html"}
BOMB = gzip.compress(b" " * 50_000_000)
MISDEEDS: Mapping[str, tuple[Response, str, str]] = {
    "a web page": (Response(PAGE, 200, HTML), "failed", "web page (Sign in)"),
    "wants credentials": (Response(b"no", 401), "not_assessed", "401"),
    "forbids": (as_json({"error": {"reason": "action is unauthorized for role"}}, 403), "not_assessed", "action is unauthorized"),
    "is broken": (Response(b"upstream went away", 502, {"Content-Type": "text/plain"}), "failed", "upstream went away"),
    "is broken with a page": (Response(PAGE, 503, HTML), "failed", "503"),
    "refuses": (as_json({"status": "error", "error": "parse error: unexpected brace"}, 422), "failed", "unexpected brace"),
    "is cut": (_raw(_cut), "failed", "cut"),
    "is silent": (_raw(_silent), "failed", "nothing for 0.3 s"),
    "drips": (_raw(_drip), "failed", "within 0.8 s"),
    "drips its headers": (_raw(_slow_head), "failed", "within 0.8 s"),
    "says nothing": (Response(b"", 200, {"Content-Type": "application/json"}), "failed", "empty"),
    "is half a document": (Response(b'{"data": [1, 2', 200, {"Content-Type": "application/json"}), "failed", "no JSON"),
    "nests without end": (Response(b"[" * 9_000, 200, {"Content-Type": "application/json"}), "failed", "no JSON"),
    "is a list": (as_json([1, 2]), "failed", "not what was asked for"),
    "is another thing": (as_json({"status": "success", "data": 5, "fields": 5, "traces": 5, "hits": 5}), "failed", "not what was asked for"),
    "is too large": (as_json({"data": "x" * 20_000}), "failed", "larger than 10,000 bytes"),
    "is a bomb": (Response(BOMB, 200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}), "failed", "larger than 10,000 bytes"),
    "is half packed": (Response(gzip.compress(b'{"data": []}' * 50)[:30], 200, {"Content-Encoding": "gzip"}), "failed", "cut"),
    "is packed strangely": (Response(b"abc", 200, {"Content-Encoding": "br"}), "failed", "not asked for"),
    "sends elsewhere": (Response(b"", 302, {"Location": "http://login.example/oauth"}), "not_assessed", "login.example"),
    "sends to and fro": (Response(b"", 307, {"Location": "/again"}), "failed", "without end"),
    "is asked too often": (Response(b"slow down", 429, {"Retry-After": "0"}), "failed", "429"),
    "is asked far too often": (Response(b"slow down", 429, {"Retry-After": "3600"}), "failed", "come again in 3600 s"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_a_server_that(kind: str, misdeed: str) -> None:
    response, status, reason = MISDEEDS[misdeed]
    with serving(lambda _: response) as served:
        answer = asked(kind, served.url)

    assert (answer.status, answer.records) == (status, ()), answer
    assert reason in answer.reason
    assert answer.asked


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_there_is_not_assessed(kind: str) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        answer = asked(kind, f"http://127.0.0.1:{one.getsockname()[1]}")

    assert answer.status == "not_assessed"
    assert "cannot connect" in answer.reason
    assert answer.remedy


def _counting(first: Response, then: Response) -> Callable[[Request], Response]:
    left = [first]
    return lambda _: left.pop() if left else then


def test_a_busy_server_is_asked_once_more_when_it_says() -> None:
    fine = as_json({"data": ["web"]})
    with serving(_counting(Response(b"", 429, {"Retry-After": "0"}), fine)) as served:
        source = opened("jaeger", served.url)
        answer = source.services(0, SECOND)
        source.close()

    assert (answer.status, answer.records, len(served.requests)) == ("complete", ("web",), 2)
    assert "asked again" in answer.notes[0]


def test_a_redirect_within_the_server_is_followed() -> None:
    fine = as_json({"data": ["web"]})
    with serving(_counting(Response(b"", 301, {"Location": "/jaeger/api/services"}), fine)) as served:
        source = opened("jaeger", served.url)
        answer = source.services(0, SECOND)
        source.close()

    assert answer.records == ("web",)
    assert served.requests[1].path == "/jaeger/api/services"


def test_credentials_never_follow_a_redirect_to_another_server() -> None:
    with serving(lambda _: as_json({})) as other, serving(lambda _: Response(b"", 302, {"Location": f"{other.url}/x"})) as served:
        answer = asked("jaeger", served.url, auth={"bearer": {"env": "TOKEN"}})

    assert not other.requests
    assert answer.status == "not_assessed"


def test_pages_that_came_before_a_failure_are_a_partial_answer() -> None:
    values = [[str(10**9 + n), f"line {n}"] for n in range(1000)]
    page = as_json({"status": "success", "data": {"resultType": "streams", "result": [{"stream": {"app": "a"}, "values": values}]}})
    first = [page]

    def answer(request: Request) -> Response:
        if request.path.endswith("query_range"):
            return first.pop() if first else Response(b"ingester gone", 500)
        return as_json({"status": "success", "data": ["app"]})

    with serving(answer) as served:
        source = opened("loki", served.url, selector='{app="a"}')
        found = source.lines(LogQuery(0, 60 * SECOND, limit=5000))
        source.close()

    assert (found.status, len(found.records)) == ("partial", 1000)
    assert "ingester gone" in found.reason


@pytest.mark.parametrize(("state", "reason"), [
    ({"_shards": {"total": 5, "failed": 2, "failures": [{"reason": {"reason": "node left"}}]}}, "2 of 5 shards failed: node left"),
    ({"timed_out": True}, "ran out of its time"), ({"_clusters": {"total": 3, "skipped": 1}}, "1 skipped")])
@pytest.mark.parametrize("kind", ["elasticsearch", "opensearch"])
def test_a_search_that_did_not_reach_everything_is_partial(kind: str, state: dict[str, Any], reason: str) -> None:
    def answer(request: Request) -> Response:
        if request.path.endswith("_field_caps"):
            return as_json({"indices": ["a"], "fields": {"@timestamp": {"date": {}}}})
        return as_json({"id": "p", "pit_id": "p", "hits": {"hits": []}, **state})

    with serving(answer) as served:
        found = asked(kind, served.url)

    assert found.status == "partial"
    assert reason in found.reason


def test_an_index_that_is_not_there_is_not_assessed() -> None:
    with serving(lambda _: as_json({"indices": [], "fields": {}})) as served:
        found = asked("elasticsearch", served.url, index="nothing-*")

    assert (found.status, "no index matches nothing-*" in found.reason) == ("not_assessed", True)


def test_errors_inside_a_good_answer_of_jaeger_make_it_partial() -> None:
    with serving(lambda _: as_json({"data": [], "errors": [{"code": 500, "msg": "storage timeout"}]})) as served:
        found = asked("jaeger", served.url)

    assert (found.status, "storage timeout" in found.reason) == ("partial", True)


def test_a_trace_that_tempo_gives_in_part_is_partial() -> None:
    from tests.telemetry.sources.corpus import SPANS, TRACE
    from tests.telemetry.sources.tempo_server import TempoServer

    for form in ("v2-protobuf", "v2-json"):
        server = TempoServer(SPANS, form)  # type: ignore[arg-type]
        server.partial = True
        with serving(server) as served:
            source = opened("tempo", served.url)
            found = source.trace(TRACE)
            source.close()
        assert (found.status, len(found.records)) == ("partial", 3)


def _sent(served: Served) -> Mapping[str, str]:
    return served.requests[-1].headers


@pytest.mark.parametrize(("auth", "header"), [
    ({"bearer": {"env": "TOKEN"}}, "Bearer s3cret-value"), ({"basic": {"user": "me", "password": {"env": "TOKEN"}}}, "Basic bWU6czNjcmV0LXZhbHVl"),
    ({"api_key": {"env": "TOKEN"}}, "ApiKey s3cret-value")])
def test_credentials_go_to_the_server_and_nowhere_else(auth: dict[str, Any], header: str) -> None:
    with serving(lambda _: Response(b"denied for s3cret", 401)) as served:
        source = opened("jaeger", served.url, {"TOKEN": "s3cret-value\n"}, auth={**auth, "tenant": "team-a"})
        answer = source.services(0, SECOND)
        source.close()

    assert _sent(served)["authorization"] == header
    assert _sent(served)["x-scope-orgid"] == "team-a"
    assert "s3cret-value" not in json.dumps([answer.reason, answer.asked, answer.notes, repr(source.__dict__)])


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_a_server_that_repeats_the_credentials_is_not_quoted(status: int) -> None:
    with serving(lambda r: Response(b"you sent " + r.headers["authorization"].encode(), status)) as served:
        source = opened("jaeger", served.url, {"TOKEN": "plain-words-as-token"}, auth={"bearer": {"env": "TOKEN"}})
        answer = source.services(0, SECOND)
        source.close()

    assert answer.status in {"failed", "not_assessed"}
    assert "plain-words-as-token" not in repr(answer)


def test_a_secret_that_is_not_set_is_not_assessed_and_nothing_is_sent() -> None:
    with serving(lambda _: as_json({"data": []})) as served:
        answer = asked("jaeger", served.url, auth={"bearer": {"env": "NO_SUCH_TOKEN"}})

    assert (answer.status, served.requests) == ("not_assessed", [])
    assert "NO_SUCH_TOKEN" in answer.reason


def test_an_interrupt_ends_the_waiting() -> None:
    from threading import Timer

    with serving(lambda _: _raw(_drip)) as served:
        source = opened("jaeger", served.url)
        interrupt = Interrupt()
        held = CURRENT.set(interrupt)
        Timer(0.3, interrupt.fire).start()
        began = time.monotonic()
        answer = source.services(0, SECOND)
        CURRENT.reset(held)
        source.close()

    assert (answer.status, time.monotonic() - began < 1.5) == ("failed", True)
    assert "stopped" in answer.reason


def test_what_gives_credentials_to_machines_is_no_source() -> None:
    source = opened("prometheus", "http://169.254.169.254/latest")

    answer = source.check()
    source.close()

    assert (answer.status, "credentials" in answer.reason) == ("not_assessed", True)
