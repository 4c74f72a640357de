"""Dropping records by age and size leaves store, catalog and index agreeing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.wiring.product import Product
from telemetry.errors import StoreError
from telemetry.store.guard import reading
from telemetry.store.manifest import Manifest
from telemetry.store.segments import compact
from tests.operations.command import document, lines_of, log, oncalm


def aged(*hours: int) -> str:
    """One line per age in hours before now, each with words of its own, and one without a time."""
    now = datetime.now(UTC)
    words = ("alpha one", "beta two", "gamma three", "delta four", "epsilon five")
    made = [f"{now - timedelta(hours=h):%Y-%m-%dT%H:%M:%S}Z ERROR {w} failed\n" for h, w in zip(hours, words, strict=False)]
    return "".join(made) + "no time at all\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Records of several ages in one segment."""
    (tmp_path / "a.log").write_text(aged(100, 50, 2, 1))
    product = Product(tmp_path / "home")
    product.ingest([tmp_path / "a.log"])
    product.index()
    return product.home


def test_age_is_exact_within_a_segment(tmp_path: Path, home: Path) -> None:
    done = oncalm(home, "retain", "--older-than", "2 days", "--json")
    again = oncalm(home, "ingest", tmp_path / "a.log", "--json")

    assert (done.returncode, document(done)) == (0, {"dropped_records": 2})
    assert [t.split()[-3] for t in lines_of(home)] == ["gamma", "delta", "time"]
    assert document(again)["lines"] == 0


def test_catalog_index_and_answers_agree_afterwards(home: Path) -> None:
    oncalm(home, "retain", "--older-than", "3h")
    product = Product(home)

    assert product.catalog().records == 3
    assert {t.display.split()[0] for t in product.catalog().templates} == {"gamma", "delta", "no"}
    assert product.indexed()
    assert document(oncalm(home, "ask", "how many errors", "--json"))["result"]["value"] == 2
    assert oncalm(home, "doctor").returncode == 0
    assert len(list((home / "records").rglob("*.parquet"))) == len(Manifest(home).segments()) == 1


def test_everything_may_go(home: Path) -> None:
    done = oncalm(home, "retain", "--max-size", "0b", "--json")

    assert document(done) == {"dropped_records": 5}
    assert lines_of(home) == []
    assert Product(home).indexed()
    assert oncalm(home, "templates").returncode == 3
    assert oncalm(home, "ask", "how many errors").returncode in {0, 3}


def test_size_drops_the_oldest_first(tmp_path: Path) -> None:
    product = Product(tmp_path / "home")
    for start in (7200, 0, 3600):
        (tmp_path / f"{start}.log").write_text(log(30, start))
        product.ingest([tmp_path / f"{start}.log"])
    sizes = [s.bytes for _, s in Manifest(product.home).segments()]

    gone = product.retain(before=None, max_bytes=sum(sizes) - 1)

    assert gone == 30
    assert lines_of(product.home) == (log(30, 7200) + log(30, 3600)).splitlines()


def test_three_months_are_not_three_minutes(home: Path) -> None:
    done = oncalm(home, "retain", "--older-than", "3months", "--json")

    assert document(done) == {"dropped_records": 0}


def test_damaged_segment_is_told_and_nothing_goes(home: Path) -> None:
    segment = next((home / "records").rglob("*.parquet"))
    segment.write_bytes(b"junk")

    with pytest.raises(StoreError, match="doctor --repair"):
        Product(home).retain(before=datetime.now(UTC) - timedelta(hours=3), max_bytes=None)

    assert len(Manifest(home).segments()) == 1


def test_files_stay_while_someone_reads_them(tmp_path: Path) -> None:
    product = Product(tmp_path / "home")
    for n in range(3):
        (tmp_path / f"{n}.log").write_text(log(5, n * 10))
        product.ingest([tmp_path / f"{n}.log"])
    manifest = Manifest(product.home, write=True)
    with reading(product.home):
        compact(manifest, least=3)
        manifest.close()
        during = len(list(product.home.rglob("*.parquet")))

    product.retain(before=None, max_bytes=1 << 30)

    assert (during, len(list(product.home.rglob("*.parquet")))) == (4, 1)
    assert len(lines_of(product.home)) == 15
