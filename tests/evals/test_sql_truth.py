"""What a bench of databases plans, and how it reads their logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.bench.ebpf_sql import _postgres_log, _slow_log, _spread
from evals.bench.ebpf_telling import near
from evals.bench.sql_clients import Noted
from evals.bench.sql_work import CYCLE, DIALECTS, PLANTED, statement

POSTGRES = """\
127.0.0.1(5) LOG:  duration: 1.000 ms  statement: SELECT 0
127.0.0.1(5) LOG:  duration: 0.100 ms  statement: SELECT 1 AS link_3
127.0.0.1(5) LOG:  duration: 0.200 ms  parse find: SELECT id FROM items WHERE id <= $1
127.0.0.1(5) LOG:  duration: 0.010 ms  parse <unnamed>: SELECT $1
127.0.0.1(6) LOG:  duration: 9.000 ms  statement: SELECT 9
127.0.0.1(5) LOG:  duration: 0.020 ms  bind <unnamed>: SELECT $1
127.0.0.1(5) DETAIL:  parameters: $1 = '1'
127.0.0.1(5) LOG:  duration: 0.030 ms  execute <unnamed>: SELECT $1
127.0.0.1(5) LOG:  duration: 0.040 ms  parse <unnamed>: SELECT 1/$1
127.0.0.1(5) ERROR:  division by zero
127.0.0.1(5) STATEMENT:  SELECT 1/$1
"""
SLOW = """\
# Thread_id: 8  Schema:   QC_hit: No
# Query_time: 0.000900  Lock_time: 0.000000  Rows_sent: 0  Rows_examined: 0
SET NAMES utf8mb4;
# Thread_id: 8  Schema: shop  QC_hit: No
# Query_time: 0.000100  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0
SELECT 1 AS link_3;
# Thread_id: 8  Schema: shop  QC_hit: No
# Query_time: 0.000200  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0
SELECT 2;
"""


def noted(kind: str) -> Noted:
    return Noted(kind, "SELECT", 1, None, 1)


def test_parts_of_a_message_add_up_and_what_failed_has_no_time(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(POSTGRES)

    assert _postgres_log(tmp_path / "log") == {"127.0.0.1(5)": [100_000, 200_000, 60_000, None], "127.0.0.1(6)": [9_000_000]}


def test_a_slow_log_begins_where_a_connection_told_its_number(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(SLOW)

    assert _slow_log(tmp_path / "log") == {"8": [100_000, 200_000]}


def test_times_go_to_what_was_logged_and_nowhere_when_they_do_not_fit() -> None:
    both = [noted("query"), noted("prepare"), noted("execute")]

    assert _spread(both, [1, 2]) == [1, None, 2]
    assert _spread(both, [1, 2, 3]) == [1, 2, 3]
    assert _spread(both, [1]) == [None, None, None]


@pytest.mark.parametrize("name", DIALECTS)
def test_a_plan_has_every_operation_every_error_and_secrets(name: str) -> None:
    planned = [statement(DIALECTS[name], 0, turn) for turn in range(CYCLE)]

    assert {one.operation for one in planned} == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert len({one.error for one in planned if one.error is not None}) >= 4
    assert all((one.rows is None) == (one.error is not None) for one in planned)
    assert sum(PLANTED in f"{one.text} {one.values}" for one in planned) > CYCLE / 2


@pytest.mark.parametrize(("told", "took", "right"), [(1_000_000, 1_049_000, True), (10_000, 61_000, False), (10_400_000, 10_000_000, True), (10_600_000, 10_000_000, False)])
def test_a_latency_is_near_within_a_share_or_some_microseconds(told: int, took: int, right: bool) -> None:
    assert near(told, took) is right
