"""With and without the C kernel, the same blocks are read alike and the same logs leave the same store."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wiring.product import Product
from evals.bench.inputs import ever_new
from evals.query import unseen
from telemetry import native
from telemetry.store.reader import Reader
from telemetry.texts import Texts
from telemetry.times import Clock
from vectorstore.runs import scan
from vectorstore.skeleton import Lines, Skeletons, split_lines

BYTES = st.one_of(st.binary(max_size=200), st.text("0fFxXgTZ-: \n\x02é", max_size=200).map(str.encode))


@pytest.fixture(autouse=True)
def _needs_kernel() -> None:
    if native.kernel() is None:
        pytest.skip("no C compiler made the kernel")


def shown(found: tuple[Lines, Skeletons]) -> list[Any]:
    lines, skeletons = found
    columns = (lines.starts, lines.ends, lines.first_run, lines.extra, skeletons.which, skeletons.first)
    return [lines.data, lines.ascii, skeletons.distinct, *(column.tolist() for column in columns)]


@given(BYTES, st.booleans())
def test_blocks_are_read_alike(data: bytes, wide: bool) -> None:
    ours = shown(split_lines(data, wide=wide))

    with native.without():
        assert shown(split_lines(data, wide=wide)) == ours


@given(BYTES, st.booleans())
def test_single_lines_are_read_alike(data: bytes, wide: bool) -> None:
    text = data.decode("latin-1")
    ours = scan(text, wide=wide)

    with native.without():
        assert scan(text, wide=wide) == ours


@given(BYTES, st.booleans())
def test_spans_are_cut_alike(data: bytes, wide: bool) -> None:
    lines, skeletons = split_lines(data, wide=wide)
    rows = np.arange(len(lines))
    spans = np.array([(0, 0, len(bones), 0) for bones in skeletons.distinct], dtype=np.int64).reshape(-1, 4)
    spans[:, 3] = np.diff(lines.first_run, append=len(lines.extra) - 1)[skeletons.first]

    ours = lines.cut(rows, skeletons.which, spans).values()

    with native.without():
        assert lines.cut(rows, skeletons.which, spans).values() == ours


@given(st.lists(st.one_of(st.none(), st.from_regex(r"20[0-9]{2}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]{1,9})?( ?[+-]0[0-9]:00| UTC)?"),
                          st.binary(max_size=30)), max_size=20))
def test_times_are_read_alike(values: list[str | bytes | None]) -> None:
    from datetime import UTC, datetime

    from telemetry.formats.stamps import at

    found = at("2026-01-01 00:00:00.5 +01:00", 0, {})
    assert found
    texts = Texts.of(value.encode() if isinstance(value, str) else value for value in values)
    ours = Clock(datetime(2026, 1, 1, tzinfo=UTC)).read(texts, found[1]).tolist()

    with native.without():
        assert Clock(datetime(2026, 1, 1, tzinfo=UTC)).read(texts, found[1]).tolist() == ours


def stored(home: Path, logs: list[Path]) -> list[Any]:
    """Everything an ingest of logs leaves: records, keys, templates."""
    Product(home).ingest(logs)
    reader = Reader(home)
    try:
        records = list(reader.rows(f"SELECT * REPLACE (epoch_us(ts) AS ts) FROM {reader._scan(reader.segments)} ORDER BY source, line_no"))
    finally:
        reader.close()
    with sqlite3.connect(home / "manifest.db") as db:
        kept = [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("keys", "templates", "totals")]
    return [len(records), records, *kept]


def differ(folder: Path, *logs: Path) -> bool:
    ours = stored(folder / "c", list(logs))
    with native.without():
        return stored(folder / "numpy", list(logs)) != ours


def test_ever_new_words_leave_the_same_store(tmp_path: Path) -> None:
    ever_new(tmp_path / "hex.log", 20_000)

    assert not differ(tmp_path, tmp_path / "hex.log")


def test_logs_of_many_systems_leave_the_same_store(tmp_path: Path) -> None:
    for name in unseen.OPEN + unseen.HELD_OUT:
        unseen.write(name, tmp_path / "logs")

    assert not differ(tmp_path, tmp_path / "logs")


def test_digits_before_broken_characters_leave_the_same_store(tmp_path: Path) -> None:
    texts = [b"port 80\x80 and 81 of \xc3\xa9t\xc3\xa99\xa9 x7 %d" % number for number in range(50)]
    (tmp_path / "odd.log").write_bytes(b"\n".join([*texts, b"2026-01-01T00:00:00Z a1b\xff c3 \x00 d4\x80"]))

    assert not differ(tmp_path, tmp_path / "odd.log")
