"""Lines before which somebody put a time, as ``kubectl logs --timestamps`` does."""

from __future__ import annotations

import pytest

from telemetry.formats.reader import LineReader


def read(line: str) -> tuple[str, dict[str, str], str | None]:
    found = LineReader([line] * 3).parse(line)
    assert found is not None
    return found.format, {name: line[start:end] for name, start, end in found.spans}, found.level


@pytest.mark.parametrize(("line", "kind"), [
    ('2026-11-26T02:40:00.956Z level=error svc=ferry-booking msg="lock wait timeout" berth=B7', "stamped/logfmt"),
    ('2026-11-26T02:40:00.956Z {"level":"error","service":"ferry-booking","msg":"lock wait timeout","ts":"2026-11-26T02:39:59Z"}', "stamped/json"),
])
def test_what_stands_behind_the_time_is_read_by_its_keys(line: str, kind: str) -> None:
    assert read(line) == (kind, {"time": "2026-11-26T02:40:00.956Z", "level": "error", "service": "ferry-booking", "message": "lock wait timeout"}, "error")


@pytest.mark.parametrize("line", ["2026-11-26 02:40:00 INFO started a=1 b=2", "2026-11-26T02:40:00Z a=1 b=2 c=3", "2026-11-26T02:40:00Z {not json"])
def test_other_lines_stay_as_they_were(line: str) -> None:
    assert not read(line)[0].startswith("stamped")
