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
    ('h2 2024-03-01T10:00:00.123456Z app/web/5d 192.0.2.7:2817 10.0.0.9:80 0.001 0.250 0.002 502 502 34 366 '
     '"GET https://a.example:443/cart?x=1 HTTP/2.0" "curl/8.1" - - arn:x:y "Root=1-5" "-"', "error",
     '"GET https://a.example:443/cart?x=1 HTTP/2.0" "curl/8.1" - - arn:x:y "Root=1-5" "-"',
     {"client_ip": "192.0.2.7", "status": "502", "bytes": "366", "method": "GET", "path": "/cart?x=1", "request_time": "0.250"}),
    ('http 2024-03-01T10:00:00.1Z app/web/5d 192.0.2.7:28 - -1 -1 -1 460 - 0 0 "- http://a.example:80- -" "-" - - - "-"', "warn",
     '"- http://a.example:80- -" "-" - - - "-"', {"status": "460", "target_ip": None, "method": None, "request_time": "-1"}),
    ('Feb  6 12:14:14 edge haproxy[14389]: 10.0.1.2:33317 [06/Feb/2024:12:14:14.655] web~ shop/srv1 10/0/30/69/109 200 2750 - - '
     '---- 1/1/1/1/0 0/0 {a.example} "GET /index.html HTTP/1.1"', "info",
     '"GET /index.html HTTP/1.1"',
     {"host": "edge", "service": "haproxy", "pid": "14389", "client_ip": "10.0.1.2", "status": "200", "bytes": "2750",
      "method": "GET", "path": "/index.html", "request_time_ms": "109", "backend": "shop", "server": "srv1"}),
    ('10.0.1.2:33313 [06/Feb/2024:12:12:51.443] db db/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0', None,
     'db db/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0', {"bytes": "212", "duration_ms": "5007", "retries": "3"}),
    ('Feb  6 12:12:09 edge haproxy[1]: 10.0.1.2:333 [06/Feb/2024:12:12:09.5] web/1: SSL handshake failure', None,
     '10.0.1.2:333 [06/Feb/2024:12:12:09.5] web/1: SSL handshake failure', {"service": "haproxy"}),
]


@pytest.mark.parametrize(("line", "level", "message", "fields"), CASES)
def test_header_parts_are_found(line: str, level: str | None, message: str, fields: dict[str, str | None]) -> None:
    parsed = LineReader([line]).parse(line)

    assert parsed is not None
    assert parsed.text(line, "message") == message
    assert parsed.level == level
    assert {name: parsed.text(line, name) for name in fields} == fields


FILES = [
    ("2024-01-02 03:04:0@ UTC [7] LOG:  checkpoint starting", "2024-01-02 03:04:05 UTC [7] LOG:  duration: 12 ms", "duration: 12 ms"),
    ("2024-01-02 03:04:0@ UTC [7] LOG:  storage: opened", "2024-01-02 03:04:05 UTC [7] LOG:  cache: opened", "opened"),
    ("2024-01-02T03:04:0@ sched started", "2024-01-02T03:04:05 error: node down", "error: node down"),
    ("2024-01-02T03:04:0@ Started job", "2024-01-02T03:04:05 Read information about 3 jobs", "Read information about 3 jobs"),
    ("2024-01-02 03:04:0@ INFO started", "2024-01-02 03:04:05 INFO app.web.Main: started", "started"),
]


@pytest.mark.parametrize(("usual", "line", "message"), FILES)
def test_file_tells_whether_a_word_belongs_to_the_header(usual: str, line: str, message: str) -> None:
    reader = LineReader([usual.replace("@", str(second)) for second in range(9)])
    parsed = reader.parse(line)

    assert parsed is not None
    assert parsed.text(line, "message") == message


def test_level_given_back_to_the_message_stays_known() -> None:
    reader = LineReader([f"2024-01-02T03:04:0{second} sched started" for second in range(9)])
    parsed = reader.parse("2024-01-02T03:04:05 error: node down")

    assert parsed is not None
    assert parsed.level == "error"


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


def test_lines_behind_a_colon_are_its_text() -> None:
    assert group(["opening", "", "", "head", ""]) == [True, False, False, True, True]


def test_colon_announces_no_long_run_of_lines() -> None:
    assert group(["opening", *[""] * 40, "head"]) == [True] * 42
