"""Files that we write are read back equal by two other implementations."""

from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.store.parquet import write_parquet
from telemetry.store.table import UNKNOWN, Coded, Column, Numbers, Table, Times
from telemetry.texts import Texts

LEVELS = ("info", "warn", "fatal")
ROWS = st.lists(st.tuples(
    st.integers(-(2**31), 2**31 - 1), st.one_of(st.none(), st.integers(-(2**60), 2**60)),
    st.sampled_from([None, *LEVELS]), st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=40)),
), min_size=1, max_size=300)
Row = tuple[int, int | None, str | None, str | None]


def table(rows: list[Row]) -> Table:
    columns: dict[str, Column] = {
        "n": Numbers(np.array([r[0] for r in rows], dtype=np.int32)),
        "ts": Times(np.array([UNKNOWN if r[1] is None else r[1] for r in rows], dtype=np.int64)),
        "level": Coded(np.array([-1 if r[2] is None else LEVELS.index(r[2]) for r in rows], dtype=np.int32), LEVELS),
        "text": Texts.of(None if r[3] is None else r[3].encode() for r in rows),
    }
    return Table(columns, len(rows))


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_any_rows_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.parquet"
    with path.open("wb") as stream:
        write_parquet(stream, table(rows))

    frame = pl.read_parquet(path).with_columns(pl.col("ts").cast(pl.Int64))

    assert frame.rows() == rows
    assert duckdb.sql(f"SELECT n, epoch_us(ts), \"level\", text FROM '{path}'").fetchall() == rows


def test_many_row_groups_and_values_come_back(tmp_path: Path) -> None:
    count = 140_000
    names = tuple(f"host{n}" for n in range(70_000))
    columns: dict[str, Column] = {
        "id": Numbers(np.arange(count)), "host": Coded(np.arange(count, dtype=np.int32) // 2, names)}
    with (tmp_path / "a.parquet").open("wb") as stream:
        write_parquet(stream, Table(columns, count))

    frame = pl.read_parquet(tmp_path / "a.parquet")

    assert frame["id"].to_list() == list(range(count))
    assert frame["host"].to_list() == [names[n // 2] for n in range(count)]


def test_statistics_let_readers_skip(tmp_path: Path) -> None:
    with (tmp_path / "a.parquet").open("wb") as stream:
        write_parquet(stream, table([(5, 1, "info", "a"), (9, None, "warn", None)]))

    found = duckdb.sql(f"SELECT path_in_schema, stats_min_value, stats_max_value, stats_null_count FROM "
                       f"parquet_metadata('{tmp_path}/a.parquet') WHERE path_in_schema <> 'ts'").fetchall()

    assert found == [("n", "5", "9", 0), ("level", "info", "warn", 0), ("text", None, None, 1)]
