"""Who sends the requests is read from access logs as they are ingested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from telemetry.models import Window
from telemetry.sources.finding import expand
from telemetry.store.reader import Reader
from tools.clients import addresses
from vectorstore.ingest import Ingestor

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
BEFORE, DURING = Window(start=NOON, end=NOON + timedelta(minutes=10)), Window(start=NOON + timedelta(minutes=10), end=NOON + timedelta(minutes=12))


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    lines = []
    for second in range(720):
        at = NOON + timedelta(seconds=second)
        hosts = [f"203.0.113.{second % 20}", *(["198.51.100.7"] * 9 if second >= 600 else [])]
        lines += [f'{host} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET /a HTTP/1.1" 200 12 "-" "x"\n' for host in hosts]
    (tmp_path / "access.log").write_text("".join(lines))
    ingestor = Ingestor(tmp_path / "home", service="edge")
    ingestor.ingest(expand([str(tmp_path / "access.log")]).sources)
    ingestor.close()
    with closing(Reader(tmp_path / "home")) as one:
        yield one


def test_addresses_are_counted_before_and_during(reader: Reader) -> None:
    found = addresses(reader, ["nobody", "edge"], BEFORE, DURING)

    assert found is not None
    before, during = found
    assert (before.count, round(before.share, 3), round(before.rate, 3)) == (20, 0.05, 0.05)
    assert (during.busiest, round(during.share, 2), round(during.rate, 1)) == ("198.51.100.7", 0.9, 9.0)


@pytest.mark.parametrize(("services", "before"), [(["nobody"], BEFORE), ([], BEFORE), (["edge"], Window(start=NOON - timedelta(hours=2), end=NOON - timedelta(hours=1))), (["edge"], Window())])
def test_what_no_access_log_tells_is_not_known(reader: Reader, services: list[str], before: Window) -> None:
    assert addresses(reader, services, before, DURING) is None
