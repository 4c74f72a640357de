"""Retention and the doctor know the records beyond logs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from telemetry.store.beyond import RecordReader, RecordWriter
from tests.operations.command import document, lines_of, log, oncalm
from tests.telemetry.store.made import ALWAYS, change, gauge, span

HOUR = 3_600_000_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Old log lines, and one record of each kind an hour and four days ago."""
    (tmp_path / "a.log").write_text(log(3))
    oncalm(tmp_path / "home", "ingest", tmp_path / "a.log")
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    with RecordWriter(tmp_path / "home") as writer:
        for n, time in enumerate((now - HOUR, now - 2 * HOUR, now - 96 * HOUR), 1):
            writer.add_spans([replace(span(n), start=time)])
            writer.add_points([replace(gauge(n, n), time=time)])
            writer.add_changes([replace(change(str(n)), time=time)])
            writer.commit()
    return tmp_path / "home"


def counts(home: Path) -> tuple[int, int, int]:
    with RecordReader(home) as reader:
        return len(reader.spans(ALWAYS)), len(reader.points(ALWAYS)), len(reader.changes(ALWAYS))


def test_age_drops_every_kind(home: Path) -> None:
    done = oncalm(home, "retain", "--older-than", "2d", "--json")

    assert (document(done), counts(home), lines_of(home)) == ({"dropped_records": 6}, (2, 2, 2), [])


def test_age_is_exact_within_a_segment(home: Path) -> None:
    with RecordWriter(home) as writer:
        writer.compact(least=2)

    oncalm(home, "retain", "--older-than", "90m")

    assert counts(home) == (1, 1, 1)
    assert oncalm(home, "doctor").returncode == 0


def test_size_drops_the_oldest_first_over_all_kinds(home: Path) -> None:
    size = sum(p.stat().st_size for p in home.rglob("*.parquet"))

    oncalm(home, "retain", "--max-size", f"{size - 1}b")
    logs_went, kept = lines_of(home), counts(home)
    oncalm(home, "retain", "--max-size", "0b")

    assert (logs_went, kept) == ([], (3, 3, 3))
    assert counts(home) == (0, 0, 0)
    assert list(home.rglob("*.parquet")) == []


def test_doctor_tells_and_sets_aside_what_does_not_read(home: Path) -> None:
    sound = oncalm(home, "doctor", "--json")
    next((home / "points").rglob("*.parquet")).write_bytes(b"junk")
    sick = oncalm(home, "doctor", "--json")
    oncalm(home, "doctor", "--repair")

    told = {c["check"]: c["seen"] for c in document(sound)["checks"]}
    assert told["records"] == "every segment reads (3 spans, 3 points, 3 changes)"
    assert (sound.returncode, sick.returncode) == (0, 1)
    assert [c["check"] for c in document(sick)["checks"] if not c["ok"]] == ["records"]
    assert counts(home) == (3, 2, 3)
    assert len(list((home / "damaged").iterdir())) == 1
