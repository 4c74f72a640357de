"""OTLP bodies become records, whatever is in them."""

from __future__ import annotations

import gzip
import json
import math
import re
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from telemetry.otlp.answers import accepted, refused
from telemetry.otlp.bodies import encoding_of, parse, unpacked
from telemetry.otlp.errors import MalformedError, RequestError, TooLargeError, UnsupportedError
from telemetry.otlp.logs import lines_of
from telemetry.otlp.points import points_of
from telemetry.otlp.spans import spans_of
from telemetry.records import Distribution
from tests.telemetry.otlp.requests import NOW, SPAN, TRACE, logs, metrics, otlp_json, traces

NOW_US = NOW // 1000
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"


def line(record: dict[str, Any], **resource: Any) -> dict[str, Any]:
    found, _ = lines_of(logs(record, **resource), NOW_US)
    parsed: dict[str, Any] = json.loads(found.records[0])
    return parsed


def test_a_span_has_its_resource_events_and_links() -> None:
    given_span = {"parent_span_id": b"\7" * 8, "kind": 2, "status": {"code": 2, "message": "boom"},
                  "attributes": {"n": 5, "ok": True, "x": 1.5, "list": ["a", 1], "map": {"k": None}, "raw": b"\1\2"},
                  "events": [{"time_unix_nano": NOW, "name": "exception"}], "links": [{"trace_id": b"\1" * 16, "span_id": SPAN}]}

    [span] = spans_of(traces(given_span, **{"service.version": "1.2", "telemetry.sdk.name": "x"})).records

    assert (span.trace_id, span.span_id, span.parent_id) == (TRACE.hex(), SPAN.hex(), "07" * 8)
    assert (span.service, span.pod, span.node, span.operation) == ("shop", "shop-1", "n1", "GET /")
    assert (span.start, span.duration, span.kind, span.status, span.message) == (NOW_US, 5000, "server", "error", "boom")
    assert span.attributes == {"service.version": "1.2", "otel.scope.name": "http", "n": "5", "ok": "true", "x": "1.5",
                               "list": '["a",1]', "map": '{"k":null}', "raw": "AQI="}
    assert (span.events, span.links) == (((NOW_US, "exception", {}),), (("01" * 16, SPAN.hex()),))


def test_only_the_broken_spans_are_refused() -> None:
    found = spans_of(traces({}, {"trace_id": b""}, {"span_id": b"\0" * 8}, {"start_time_unix_nano": 0}, {"start_time_unix_nano": 2**64 - 1}))

    assert (len(found.records), found.rejected) == (1, 4)
    assert "2 refused: a span needs a trace id" in found.message
    assert "2 refused: the start" in found.message


def test_a_clock_that_went_back_leaves_no_duration() -> None:
    assert [s.duration for s in spans_of(traces({"end_time_unix_nano": NOW - 5}, {"end_time_unix_nano": 0})).records] == [0, 0]


def test_every_kind_of_metric_is_read() -> None:
    request, given_metrics = metrics()
    given_metrics.add(name="g", unit="By").gauge.data_points.add(time_unix_nano=NOW, as_int=7)
    total = given_metrics.add(name="s").sum
    total.is_monotonic, total.aggregation_temporality = True, 2
    total.data_points.add(time_unix_nano=NOW, start_time_unix_nano=NOW - 10**9, as_double=1.5)
    spread = given_metrics.add(name="h").histogram
    spread.aggregation_temporality = 1
    point = spread.data_points.add(time_unix_nano=NOW, count=3, sum=6.0, min=1.0, max=3.0, explicit_bounds=[1, 2], bucket_counts=[1, 1, 1])
    point.exemplars.add(time_unix_nano=NOW, as_double=3.0, trace_id=TRACE, span_id=SPAN)
    point.exemplars.add(time_unix_nano=NOW, as_double=9.0)
    given_metrics.add(name="q").summary.data_points.add(time_unix_nano=NOW, count=2, sum=4.0).quantile_values.add(quantile=0.9, value=3.0)

    gauge, counter, histogram, summary = points_of(request).records

    assert (gauge.kind, gauge.value, gauge.unit, gauge.temporality, gauge.pod) == ("gauge", 7.0, "By", "", "shop-1")
    assert (counter.kind, counter.value, counter.temporality, counter.monotonic, counter.started) == ("sum", 1.5, "cumulative", True, NOW_US - 10**6)
    assert (histogram.temporality, histogram.value) == ("delta", 2.0)
    assert histogram.distribution == Distribution(3, 6.0, (1.0, 2.0), (1, 1, 1), 1.0, 3.0)
    assert histogram.exemplars == ((NOW_US, 3.0, TRACE.hex(), SPAN.hex()),)
    assert summary.distribution == Distribution(2, 4.0, quantiles=((0.9, 3.0),))


def exponential(**fields: Any) -> Distribution | None:
    request, given_metrics = metrics()
    data = given_metrics.add(name="e").exponential_histogram
    data.aggregation_temporality = 1
    data.data_points.add(**{"time_unix_nano": NOW, "count": 9, **fields})
    return points_of(request).records[0].distribution


def test_exponential_buckets_are_written_out() -> None:
    found = exponential(scale=0, zero_count=2, zero_threshold=0.5, positive={"offset": 0, "bucket_counts": [0, 3, 0, 1, 0]},
                        negative={"offset": 1, "bucket_counts": [4]})

    assert found
    assert found.bounds == (-4.0, -2.0, -0.5, 0.5, 2.0, 4.0, 8.0, 16.0)
    assert found.counts == (0, 4, 0, 2, 0, 3, 0, 1, 0)


def test_a_coarser_scale_has_bounds_of_the_finer_one() -> None:
    fine = exponential(scale=3, positive={"offset": 8, "bucket_counts": [1] * 16})
    coarse = exponential(scale=2, positive={"offset": 4, "bucket_counts": [1] * 8})

    assert fine
    assert coarse
    assert set(coarse.bounds) <= set(fine.bounds)


def test_zeros_alone_are_buckets_too() -> None:
    found = exponential(scale=0, zero_count=9)

    assert found
    assert (found.bounds, found.counts) == ((0.0,), (9, 0))


def test_points_without_a_value_are_passed_over_and_senseless_ones_refused() -> None:
    request, given_metrics = metrics()
    points = given_metrics.add(name="g").gauge.data_points
    points.add(time_unix_nano=NOW, flags=1)
    points.add(time_unix_nano=NOW)
    points.add(as_int=1)
    points.add(time_unix_nano=NOW, as_double=math.nan)
    given_metrics.add(name="").gauge.data_points.add(time_unix_nano=NOW, as_int=1)
    given_metrics.add(name="s").sum.data_points.add(time_unix_nano=NOW, as_int=1)
    spread = given_metrics.add(name="h").histogram
    spread.aggregation_temporality = 2
    spread.data_points.add(time_unix_nano=NOW, explicit_bounds=[1], bucket_counts=[1])
    spread.data_points.add(time_unix_nano=NOW, explicit_bounds=[2, 1], bucket_counts=[1, 1, 1])
    far = given_metrics.add(name="e").exponential_histogram
    far.aggregation_temporality = 2
    far.data_points.add(time_unix_nano=NOW, scale=-10, positive={"offset": 9, "bucket_counts": [1]})

    found = points_of(request)

    assert (len(found.records), found.rejected) == (1, 7)


def test_a_log_record_is_a_line_with_its_level_and_trace() -> None:
    found = line({"severity_number": 17, "attributes": {"order": 7, "who": "ann"}, "body": "two\nlines"}, **{"service.version": "2"})

    assert found == {
        "timestamp": "2026-09-21T14:13:20.000000Z", "level": "error", "service": "shop", "host": "shop-1", "logger": "shop.cart",
        "trace_id": TRACE.hex(), "span_id": SPAN.hex(), "message": "two\nlines", "attributes": {"order": 7, "who": "ann"},
        "resource": {"node": "n1", "service.version": "2"}}


def test_a_log_record_without_a_time_has_that_of_its_arrival() -> None:
    found, timed = lines_of(logs({"time_unix_nano": 0, "severity_number": 0, "severity_text": "Warn"}), NOW_US + 5)

    assert (json.loads(found.records[0])["timestamp"][-8:], json.loads(found.records[0])["level"], timed) == (".000005Z", "warn", False)
    assert lines_of(logs({"time_unix_nano": 0, "observed_time_unix_nano": NOW}), 5)[1]


def test_a_structured_body_is_json() -> None:
    assert line({"body": {"event": "paid", "amount": 3}})["message"] == '{"event":"paid","amount":3}'
    assert line({"body": None, "event_name": "session.end"})["message"] == "session.end"


@pytest.mark.parametrize("where", ["body", "attribute", "named", "nested", "status", "event", "resource", "metric", "span name"])
def test_secrets_are_masked_wherever_they_stand(where: str) -> None:
    request, given_metrics = metrics(url=f"https://x/?token={GITHUB}")
    given_metrics.add(name="g").gauge.data_points.add(time_unix_nano=NOW, as_int=1)
    shown = {
        "body": lambda: lines_of(logs({"body": f"login with {GITHUB} failed"}), 1)[0],
        "attribute": lambda: lines_of(logs({"attributes": {"header": f"Bearer {GITHUB}"}}), 1)[0],
        "named": lambda: spans_of(traces({"attributes": {"http.request.header.authorization": [GITHUB]}})),
        "nested": lambda: lines_of(logs({"body": {"user": {"password": "hunter2" + GITHUB}}}), 1)[0],
        "status": lambda: spans_of(traces({"status": {"code": 2, "message": f"bad {GITHUB}"}})),
        "event": lambda: spans_of(traces({"events": [{"time_unix_nano": NOW, "name": f"used {GITHUB}"}]})),
        "resource": lambda: spans_of(traces({}, **{"process.command_line": f"run --token {GITHUB}"})),
        "metric": lambda: points_of(request),
        "span name": lambda: spans_of(traces({"name": f"GET /{GITHUB}"})),
    }[where]()

    assert len(shown.records) == 1  # type: ignore[attr-defined]
    assert "REDACTED" in str(shown)
    assert GITHUB not in str(shown)


def test_a_private_key_over_many_lines_is_masked() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA0Zabcdefghijklmnopqrstuv012345678901234567890AB\n" * 3 + "-----END RSA PRIVATE KEY-----"

    assert "MIIE" not in line({"body": f"loaded {key} from disk"})["message"]


@pytest.mark.parametrize("make", [lambda: traces({"kind": 3, "attributes": {"n": 2**53 + 1, "deep": {"a": [1, {"b": "c"}]}}}), lambda: logs({})])
def test_json_says_the_same_as_protobuf(make: Any) -> None:
    message = make()
    signal: Any = "traces" if "Trace" in type(message).__name__ else "logs"
    body = otlp_json(message).replace(b'{"resource', b'{"unknownField": [1], "resource', 1)

    assert parse(signal, body, "json") == parse(signal, message.SerializeToString(), "protobuf") == message


def test_an_id_that_is_no_hex_refuses_only_its_span() -> None:
    body = otlp_json(traces({}, {"span_id": b"\3" * 8})).replace(b"03" * 8, b"no-hex!")

    found = spans_of(parse("traces", body, "json"))

    assert (len(found.records), found.rejected) == (1, 1)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"resourceSpans": 5}', b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"x"}]}]}]}',
                                  b'{"a":' * 100_000, b"\xff", b'{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":{"intValue":"99999999999999999999"}}]}}]}'])
def test_malformed_json_is_told_so(body: bytes) -> None:
    with pytest.raises(MalformedError, match="ExportTraceServiceRequest in json"):
        parse("traces", body, "json")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_malformed(body: bytes) -> None:
    for encoding in ("protobuf", "json"):
        try:
            found = spans_of(parse("traces", body, encoding))  # type: ignore[arg-type]
        except RequestError:
            continue
        assert found.rejected >= 0


def test_values_nested_without_end_are_cut() -> None:
    deep: Any = "bottom"
    for _ in range(40):
        deep = [deep]

    assert re.fullmatch(r"\[+\"…\"\]+", line({"body": deep})["message"])


def test_gzip_is_unpacked_and_bombs_are_not() -> None:
    assert unpacked(gzip.compress(b"one") + gzip.compress(b"two"), "gzip", 100) == b"onetwo"
    assert unpacked(b"plain", None, 3) == b"plain"
    with pytest.raises(TooLargeError):
        unpacked(gzip.compress(b"0" * 50_000_000), "gzip", 1_000_000)
    for broken in (gzip.compress(b"cut" * 100)[:-9], b"no gzip"):
        with pytest.raises(MalformedError):
            unpacked(broken, "gzip", 1000)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=5000), st.integers(0, 3))
def test_gzip_of_any_bytes_comes_back(data: bytes, members: int) -> None:
    assert unpacked(gzip.compress(data) + b"".join(gzip.compress(data) for _ in range(members)), "gzip", 1 << 20) == data * (1 + members)


def test_types_and_encodings_unknown_are_said() -> None:
    assert (encoding_of("application/json; charset=utf-8"), encoding_of("application/x-protobuf")) == ("json", "protobuf")
    for wrong in ("text/plain", None):
        with pytest.raises(UnsupportedError):
            encoding_of(wrong)
    with pytest.raises(UnsupportedError):
        unpacked(b"", "br", 10)


def test_answers_are_in_the_encoding_of_the_request() -> None:
    partial = ExportTraceServiceResponse.FromString(accepted("traces", "protobuf", 2, "two refused"))

    assert (partial.partial_success.rejected_spans, partial.partial_success.error_message) == (2, "two refused")
    assert accepted("traces", "protobuf") == b""
    assert json.loads(accepted("logs", "json")) == {}
    assert json.loads(accepted("metrics", "json", 1, "no")) == {"partialSuccess": {"rejectedDataPoints": "1", "errorMessage": "no"}}
    assert Status.FromString(refused(3, "bad", "protobuf")).message == "bad"
    assert json.loads(refused(3, "bad", "json")) == {"code": 3, "message": "bad"}
