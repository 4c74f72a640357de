"""Arbitrary bytes and broken log lines: nothing crashes, no line is lost, no secret is stored."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.wiring.product import Product
from telemetry.redact import may_hold_secret, redact
from tests.conftest import SSHD
from tests.operations.command import lines_of, log

QUIET = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
REAL = [
    *SSHD.splitlines()[:2], log(1).strip(),
    '{"time":"2026-01-01T00:00:00Z","level":"error","msg":"caf\\u00e9 \\"x\\"\\n","n":{"a":[1,2]}}',
    'time=2026-01-01T00:00:00Z level=info msg="took 5ms" path=/a/b?c=1',
    '10.0.0.1 - bob [10/Oct/2025:13:55:36 -0700] "GET /a HTTP/1.1" 200 23 "-" "curl/8.0"',
    "<134>1 2026-01-01T00:00:00Z host app 12 ID47 [x y=\"1\"] \xef\xbb\xbfmessage", "[ 12.345678] usb 1-1: reset",
    "2026-01-01T00:00:00.000Z stdout P half", "2026-01-01T00:00:00.000Z stdout F whole",
    "081109 203615 148 INFO dfs.DataNode: Received block blk_-1608999687919862906 of size 91178", "\tat a.B.c(D.java:1)",
    "03-17 16:13:38.811  1702  2395 D WindowManager: x", "Traceback (most recent call last):", "Caused by: java.io.IOException: é",
]
PARTS = st.sampled_from([
    "", " ", "\r", "\0", "\t", "{", "}", "[", '"', "\\", "\\u00", "0" * 30, "deadbeef99", "é", "à", "\u2028", "\x85", "=", ":",
    "/", "12", "-", "9999-99-99 99:99:99", "\ufeff", "<:ip:>", "\x1f", "\x02", "\x03",
])


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A log of real lines, each perhaps cut, doubled or with something odd inside."""
    lines = []
    for line in draw(st.lists(st.sampled_from(REAL), min_size=1, max_size=8)):
        at = draw(st.integers(0, len(line)))
        lines.append(line[:at] + draw(PARTS) + line[draw(st.integers(at, len(line))) if draw(st.booleans()) else at:])
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode() + draw(st.sampled_from([b"", b"\n", b"\xff"]))


def keep(data: bytes) -> tuple[list[str], int]:
    """The records of a file with these bytes and the lines counted; ingesting it twice must change nothing."""
    folder = Path(tempfile.mkdtemp())
    try:
        product = Product(folder / "home")
        (folder / "a.log").write_bytes(data)
        report = product.ingest([folder / "a.log"])
        found = lines_of(product.home)
        again = product.ingest([folder / "a.log"])
        assert (again.lines, again.records, lines_of(product.home)) == (0, 0, found)
        assert (report.records, report.problems) == (len(found), [])
        return found, report.lines
    finally:
        shutil.rmtree(folder)


@QUIET
@given(st.binary(max_size=400).filter(lambda d: not d.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"))))
def test_arbitrary_bytes_become_records(data: bytes) -> None:
    found, lines = keep(data)

    assert sum(text.count("\n") + 1 for text in found) == lines
    assert bool(found) == bool(lines)


@QUIET
@given(broken())
def test_broken_lines_stay_verbatim(data: bytes) -> None:
    found, lines = keep(data)
    text = data.decode("utf-8", "backslashreplace").removeprefix("\ufeff")  # a byte order mark
    expected = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]

    assert lines == len(expected)
    if "stdout P" not in text:
        assert "\n".join(found).split("\n") == ["" if x == "\r" else x for x in expected]


TAIL = "7f3KqPz9RtLmN2Vx8YbC4DsG6HjW1EaQ5UoT0iXr"
SECRETS = [
    ("AKIA{}", TAIL[:16].upper()), ("Authorization: Bearer {}", TAIL), ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", TAIL),
    ("password={}", TAIL[:12]), ("DB_PASSWORD={}", TAIL[:12]), ('"client_secret": "{}"', TAIL), ("postgres://app:{}@db:5432/x", TAIL[:14]),
    ("amqp://u:{}@mq/", TAIL[:14]), ("Server=db;User Id=sa;Password={};", TAIL[:12]), ("xoxb-123456789012-{}", TAIL[:24]),
    ("ghp_{}", TAIL[:36]), ("github_pat_{}", TAIL[:30]), ("sk-proj-{}", TAIL), ("--token {}", TAIL),
    ("card {}", "4111 1111 1111 1111"), ("paid with card {}", "5500000000000004"), ("x-api-key: {}", TAIL), ("mysql -u root -p{}", TAIL[:12]),
    ("-----BEGIN RSA PRIVATE KEY-----\\n{}\\n-----END RSA PRIVATE KEY-----", TAIL), ("Cookie: sid={}", TAIL),
    ("AccountKey={}==", TAIL), ("curl -u bob:{} http://x", TAIL[:12]),
]
AROUND = st.sampled_from([
    "", "user bob ", "2026-01-01 00:00:00 INFO ", "(", "[", "'", '"', "key ", "url=", "café ", "a,b; ", "[REDACTED:secret] ", "took 5 ms ",
    '{"m":"', "> ", "| ", "token: invalid ", "=", "password: ",
])


@settings(max_examples=400, deadline=None)
@given(AROUND, st.sampled_from(SECRETS), st.sampled_from(["", " ", " done", '"', ")", ", next", "\n", " at 10:00"]))
def test_planted_secrets_are_found_in_any_surroundings(before: str, planted: tuple[str, str], after: str) -> None:
    pattern, secret = planted
    text = f"{before} {pattern.format(secret)}{after}"

    clean, count = redact(text)

    assert secret not in clean
    assert count
    assert may_hold_secret(text)
    assert redact(clean)[0] == clean


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(AROUND, st.sampled_from(SECRETS)), min_size=3, max_size=12))
def test_planted_secrets_never_reach_the_home(planted: list[tuple[str, tuple[str, str]]]) -> None:
    folder = Path(tempfile.mkdtemp())
    text = "".join(f"2026-01-01 00:00:00 INFO x {before} {p.format(s)}\n" for before, (p, s) in planted)
    (folder / "a.log").write_text(text)
    product = Product(folder / "home")
    product.ingest([folder / "a.log"])

    held = b"".join(p.read_bytes() for p in product.home.rglob("*") if p.is_file() and p.suffix != ".parquet").decode("latin-1")
    found = "\n".join(lines_of(product.home)) + held

    shutil.rmtree(folder)
    assert [s for _, (_, s) in planted if s in found] == []
