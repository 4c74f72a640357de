"""Headers of all kinds: the message, the level and the fields are where they belong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.formats import LineReader, continuation, group
from telemetry.models import LEVELS

CASES = [
    ("Jun 14 15:16:01 combo sshd(pam_unix)[19939]: failure", None, "failure", {"host": "combo", "pid": "19939"}),
    ("- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond(pam_unix)[2915]: closed", None, "closed",
     {"service": "crond(pam_unix)", "pid": "2915"}),
    ("2016-09-28 04:30:30, Info                  CBS    Loaded Stack v6.1", "info", "Loaded Stack v6.1", {}),
    ("03-17 16:13:38.811  1702  2395 D WindowManager: opening", "debug", "opening", {"logger": "WindowManager"}),
    ("[10.30 16:49:06] chrome.exe - a.b:5070 open through", None, "a.b:5070 open through", {}),
    ("17/06/09 20:10:40 INFO executor.Backend: Registered [A, B]", "info", "Registered [A, B]", {}),
    ("2024-01-02T03:04:05.678+02:00  INFO 12345 --- [app] [main] o.s.b.W      : Started", "info", "Started",
     {"pid": "12345", "logger": "o.s.b.W"}),
    ("2024-01-02 03:04:05,678 - my.name - WARNING - disk low", "warn", "disk low", {"logger": "my.name"}),
    ("ERROR:root:bad thing", "error", "bad thing", {"logger": "root"}),
    ("2009/11/10 23:00:00 main.go:23: hello", None, "hello", {"logger": "main.go:23"}),
    ("2024-01-02 03:04:05.000 UTC [123] LOG:  checkpoint starting: time", "info", "checkpoint starting: time", {}),
    ("123:M 01 Jan 2024 00:00:00.000 * Saving", "notice", "Saving", {"pid": "123"}),
    ("<34>1 2003-10-11T22:14:15.003Z host app 12 ID47 - failed", "fatal", "failed", {"service": "app"}),
    ("I, [2024-01-02T03:04:05.000000 #123]  INFO -- : Started", "info", "Started", {}),
    ("[2024-01-02 03:04:05] local.ERROR: broke", "error", "broke", {}),
    ('{"level":30,"time":1531171074631,"pid":657,"hostname":"h","msg":"hello"}', "info", "hello", {"host": "h"}),
    ('{"level":"error","ts":1.6e9,"n":{"a":[1,2],"b":"x"},"msg":"hi"}', "error", "hi", {"n.b": "x"}),
    ("2024-01-02T03:04:05.123456789Z stderr F ERROR: boom", "error", "boom", {"stream": "stderr"}),
    ('time="2024-01-02T03:04:05Z" level=warning msg="hi there" a=1', "warn", "hi there", {"a": "1"}),
    ("I0102 15:04:05.000000   12345 file.go:12] text", "info", "text", {"logger": "file.go:12"}),
    ('1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 500 23', "error",
     '"GET /a HTTP/1.0" 500 23', {"path": "/a", "status": "500"}),
]


@pytest.mark.parametrize(("line", "level", "message", "fields"), CASES)
def test_header_parts_are_found(line: str, level: str | None, message: str, fields: dict[str, str]) -> None:
    parsed = LineReader([line]).parse(line)

    assert parsed is not None
    assert parsed.text(line, "message") == message
    assert parsed.level == level
    assert {name: parsed.text(line, name) for name in fields} == fields


def test_cri_partial_is_marked() -> None:
    parsed = LineReader([]).parse("2024-01-02T03:04:05.1Z stdout P half")

    assert parsed is not None
    assert parsed.partial


def test_sample_decides_day_order() -> None:
    line = "03/04/2024 10:00:00 INFO x"
    day_first = LineReader([line, "25/04/2024 10:00:00 INFO x"]).parse(line)
    month_first = LineReader([line, "04/25/2024 10:00:00 INFO x"]).parse(line)

    assert day_first is not None
    assert month_first is not None
    assert day_first.time_format != month_first.time_format


@given(st.text(st.characters(max_codepoint=255), max_size=120))
def test_any_text_parses_safely(text: str) -> None:
    parsed = LineReader([]).parse(text)

    if parsed:
        assert any(name == "message" for name, _, _ in parsed.spans)
        assert all(0 <= s <= e <= len(text) for _, s, e in (*parsed.spans, *parsed.fields))
        assert parsed.level is None or parsed.level in LEVELS


@given(st.sampled_from([c[0] for c in CASES]), st.integers(0, 120), st.text(st.characters(max_codepoint=255), max_size=9))
def test_damaged_headers_parse_safely(line: str, at: int, dirt: str) -> None:
    test_any_text_parses_safely.hypothesis.inner_test(line[:at] + dirt + line[at:])  # type: ignore[attr-defined]


KINDS = [
    ("Traceback (most recent call last):", "exception-head"), ('  File "a.py", line 3, in f', "trace"),
    ("ValueError: x", "exception-tail"), ("\tat a.b.C.d(C.java:3)", "trace"), ("Caused by: a.B: x", "caused-by"),
    ("goroutine 1 [running]:", "trace"), ("main.f(0x1, 0x2)", "trace"), ("    more text", "indent"),
    ("#0 /a/b.php(12): f()", "trace"), ("plain words", None), ("java.io.IOException: no", "exception-tail"),
]


@pytest.mark.parametrize(("line", "kind"), KINDS)
def test_continuation_kind_is_told(line: str, kind: str | None) -> None:
    assert continuation(line) == kind


def test_traceback_joins_its_record() -> None:
    kinds = ["head", "exception-head", "trace", "indent", "exception-tail", "head", ""]

    assert group(kinds) == [True, False, False, False, False, True, True]


def test_lone_continuation_starts_record() -> None:
    assert group(["trace", "trace"]) == [True, False]
