"""Queries are built so that nothing given can change what they ask."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from telemetry.sources import logql, promql
from telemetry.sources.elastic_fields import flattened, micros
from telemetry.sources.jsonlines import encode, fresh
from telemetry.sources.ledger import cut, without
from telemetry.sources.protocols import LogLine, LogQuery, MetricQuery, TraceQuery
from telemetry.sources.remote import literal, quoted
from telemetry.sources.tempo import traceql

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def outside(query: str) -> str:
    """What stands outside string literals."""
    return _STRING.sub("S", query)


@given(TEXT)
def test_a_quoted_text_reads_back(text: str) -> None:
    assert _STRING.fullmatch(quoted(text))
    assert json.loads(re.sub(r"\\U([0-9a-f]{8})", lambda m: json.dumps(chr(int(m[1], 16)))[1:-1], quoted(text))) == text


@given(TEXT, TEXT)
def test_a_literal_matches_itself_alone(text: str, other: str) -> None:
    assert re.fullmatch(literal(text), text, re.DOTALL)
    assert bool(re.fullmatch(literal(text), other, re.DOTALL)) == (text == other)


@given(TEXT, TEXT, TEXT)
def test_what_is_given_stays_inside_literals(one: str, two: str, three: str) -> None:
    built = logql.build(logql.selector(None, [f"app={quoted(one)}"]), LogQuery(0, 1, contains=(two,), pod=three), {}, ["app"])
    fixed = logql.build(logql.selector(None, ['app="a"']), LogQuery(0, 1, contains=("b",), pod=three and "c"), {}, ["app"])
    assert [outside(q) for q in built] == [outside(q) for q in fixed]
    spans = TraceQuery(0, 1, service=one or "x", operation=two or "x", attributes={"a": "v" + three})
    assert outside(traceql(spans)) == '{ resource.service.name = S && name = S && .a = S }'
    assert outside(promql.selector("up", {"pod": one, "job": two})) == "up{job=S,pod=S}"


@given(st.integers(0, 10**15), st.integers(1, 10**11), st.floats(0.001, 10_000))
def test_pieces_cover_the_window_once(start: int, length: int, step: float) -> None:
    width = round(step * 1_000_000)
    if length // width > 200_000:
        return
    pieces = promql.pieces(start, start + length, step)
    points = [time for first, last in pieces for time in range(first, last + 1, width)]

    assert points == list(range(start, start + length, width))
    assert all((last - first) // width < promql.POINTS for first, last in pieces)


@given(st.integers(0, 10**9), st.floats(1, 3600))
def test_a_chosen_step_gives_few_points(seconds: int, scrape: float) -> None:
    step = promql.step_of(MetricQuery(0, seconds * 1_000_000, "up"), scrape)

    assert seconds / step <= promql.WANTED + 1


STRETCHES = st.lists(st.tuples(st.integers(-50, 150), st.integers(0, 60)).map(lambda p: (p[0], p[0] + p[1])), max_size=8)


@given(STRETCHES, st.integers(1, 30))
def test_what_is_left_is_what_was_not_done(done: list[tuple[int, int]], width: int) -> None:
    left = cut(without(0, 100, done), width)

    covered = [t for low, high in left for t in range(low, high)]
    assert covered == [t for t in range(100) if not any(low <= t < high for low, high in done)]
    assert all(0 < high - low <= width for low, high in left)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_lines_that_are_there_are_taken_out_as_often(tmp_path_factory: object, new: list[str], old: list[str]) -> None:
    from collections import Counter

    path = tmp_path_factory.getbasetemp() / "old.jsonl"  # type: ignore[attr-defined] # pytest's factory
    path.write_text("".join(f"{one}\n" for one in old))

    assert Counter(fresh(new, [path])) == Counter(new) - Counter(old)


@given(st.lists(st.builds(LogLine, st.integers(10**15, 2 * 10**15), TEXT, service=TEXT, fields=st.dictionaries(TEXT, TEXT, max_size=3)), max_size=6))
def test_a_line_is_written_alike_whatever_stands_beside_it(lines: list[LogLine]) -> None:
    together = encode(lines)

    assert together == [text for line in lines for text in encode([line])]
    assert all("\n" not in text and "message" in json.loads(text) for text in together)


def test_headers_and_json_of_a_text_become_fields() -> None:
    headed = LogLine(1_790_000_000_000_000, "2026-09-21 14:13:20,000 WARN [main] c.s.Pool - pool is full", pod="cart-1")
    packed = LogLine(1_790_000_000_000_000, '{"level":"error","msg":"no route","ts":5}', service="cart")

    first, second = (json.loads(text) for text in encode([headed, packed]))
    assert (first["level"], first["host"], "pool is full" in first["message"], "WARN" in first["message"]) == ("warn", "cart-1", True, False)
    assert (second["level"], second["msg"], second["service"]) == ("error", "no route", "cart")
    assert second["@timestamp"] == "2026-09-21T14:13:20.000000Z"


@given(st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)))
def test_any_document_flattens_to_texts(value: object) -> None:
    assert all(isinstance(one, str) for one in flattened({"a": value}).values())


def test_times_are_read_as_servers_write_them() -> None:
    assert micros("2026-09-21T14:13:20.123456789Z") == micros("2026-09-21T16:13:20.123456+02:00")
    assert micros("1790000000123") == 1_790_000_000_123_000
    assert micros("yesterday") is None
    assert micros("2026-13-41T00:00:00Z") is None
