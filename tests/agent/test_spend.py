"""What may be spent is never passed, however many runs spend at once; what was spent is known to the cent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import threading
from pathlib import Path

import pytest

from agent.budget import Meter
from agent.llm.errors import BrokenReplyError, KeyRefusedError, OverBudgetError
from agent.llm.model import Reply, Usage
from agent.prices import Price, price_of
from agent.spend import Ledger, Limits, Payer

MINI = Price(input=0.25, cached=0.025, output=2.0)
ANN = Payer("ann", "run-1", "c-1", "gpt-5-mini")
NOON = 1_790_000_000.0
REPLY = Reply(text="", usage=Usage(input=10_000, cached=8_000, output=500), model="gpt-5-mini")


def meter(path: Path, *, payer: Payer = ANN, price: Price | None = MINI, clock: float = NOON, limits: Limits | None = None,
          run_usd: float | None = None) -> Meter:
    ledger = Ledger(path / "spend.db", lambda: clock)
    return Meter(payer, price, run_tokens=None, run_usd=run_usd, limits=limits or Limits(), ledger=ledger)


def test_cached_tokens_cost_their_own_price() -> None:
    assert MINI.of(REPLY.usage) == pytest.approx((2_000 * 0.25 + 8_000 * 0.025 + 500 * 2.0) / 1e6)


@pytest.mark.parametrize(("model", "known"), [
    ("gpt-5-mini", True), ("gpt-5-mini-2025-08-07", True), ("gpt-5-minimal", False), ("llama3:8b", False)])
def test_price_is_known_by_the_whole_name_only(model: str, known: bool) -> None:
    assert (price_of(model, {}, listed=True) is not None) is known


def test_list_prices_are_for_the_providers_own_endpoint() -> None:
    assert price_of("gpt-5-mini", {}, listed=False) is None
    assert price_of("llama3", {"llama3": Price(input=0, output=0)}, listed=False) == Price(input=0, output=0)


def test_call_is_booked_and_then_settled(tmp_path: Path) -> None:
    purse = meter(tmp_path)
    purse.allow(12_000, 4_000, {})
    booked = purse.totals()["day"]
    usage = purse.record(REPLY)
    settled = purse.totals()

    assert booked["input_tokens"] == 12_000
    assert usage["cost_usd"] == pytest.approx(0.0017)
    assert settled["day"] == settled["user_day"] == settled["conversation"]
    assert settled["day"]["cost_usd"] == pytest.approx(0.0017)
    assert settled["day"]["cached_tokens"] == 8_000


def test_day_ends_at_midnight_utc(tmp_path: Path) -> None:
    limits = Limits(day_tokens=10_600)
    first = meter(tmp_path, limits=limits)
    first.allow(100, 100, {})
    first.record(REPLY)
    with pytest.raises(OverBudgetError, match="budget of the day is 10,600 tokens"):
        meter(tmp_path, limits=limits).allow(100, 100, {})

    meter(tmp_path, limits=limits, clock=NOON + 86_400).allow(100, 100, {})


def test_budget_of_a_user_is_their_own(tmp_path: Path) -> None:
    limits = Limits(who_tokens=10_600)
    ann = meter(tmp_path, limits=limits)
    ann.allow(100, 100, {})
    ann.record(REPLY)
    with pytest.raises(OverBudgetError, match="'ann' today"):
        meter(tmp_path, limits=limits).allow(100, 100, {})

    meter(tmp_path, limits=limits, payer=Payer("bob", "run-2", None, "gpt-5-mini")).allow(100, 100, {})


def test_dollars_of_run_and_day_are_limits(tmp_path: Path) -> None:
    with pytest.raises(OverBudgetError, match="ONCALM_RUN_USD"):
        meter(tmp_path, run_usd=0.01).allow(20_000, 4_000, {"cost_usd": 0.002})
    with pytest.raises(OverBudgetError, match="ONCALM_DAY_USD"):
        meter(tmp_path, limits=Limits(day_usd=0.01)).allow(20_000, 4_000, {})


def test_budget_in_dollars_without_a_price_stops_the_model(tmp_path: Path) -> None:
    with pytest.raises(OverBudgetError, match="ONCALM_PRICES"):
        meter(tmp_path, price=None, limits=Limits(day_usd=5)).allow(100, 100, {})


def test_call_that_failed_for_nothing_costs_nothing(tmp_path: Path) -> None:
    purse = meter(tmp_path)
    purse.allow(12_000, 4_000, {})
    purse.failed(KeyRefusedError("no"))

    assert purse.totals()["day"]["input_tokens"] == 0


def test_call_cut_off_is_booked_as_its_request(tmp_path: Path) -> None:
    purse = meter(tmp_path)
    purse.allow(12_000, 4_000, {})
    purse.failed(BrokenReplyError("cut"))

    assert purse.totals()["day"] == {"model_calls": 1, "input_tokens": 12_000, "cached_tokens": 0, "output_tokens": 0, "cost_usd": 0.003}


def test_unknown_cost_stays_unknown_in_the_totals(tmp_path: Path) -> None:
    purse = meter(tmp_path, price=None)
    purse.allow(100, 100, {})
    purse.record(REPLY)

    assert purse.totals()["day"]["cost_usd"] is None
    assert purse.totals()["day"]["output_tokens"] == 500


def test_runs_at_once_never_pass_the_days_budget(tmp_path: Path) -> None:
    limits = Limits(day_tokens=10_000)
    allowed: list[int] = []

    def spend() -> None:
        for _ in range(10):
            try:
                meter(tmp_path, limits=limits).allow(500, 500, {})
            except OverBudgetError:
                return
            allowed.append(1)

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(allowed) == 10


def _book_and_die(path: str) -> None:
    meter(Path(path)).allow(5_000, 1_000, {})
    os.kill(os.getpid(), signal.SIGKILL)


def test_booking_of_a_killed_run_counts_for_ten_minutes(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_book_and_die, args=(str(tmp_path),))
    process.start()
    process.join()

    assert process.exitcode == -signal.SIGKILL
    assert meter(tmp_path).totals()["day"]["input_tokens"] == 5_000
    assert meter(tmp_path, clock=NOON + 601).totals()["day"]["input_tokens"] == 0


def test_damaged_ledger_stops_the_model_only_where_a_budget_needs_it(tmp_path: Path) -> None:
    (tmp_path / "spend.db").write_bytes(b"not a database" * 100)
    free = meter(tmp_path)
    free.allow(100, 100, {})
    free.record(REPLY)
    with pytest.raises(OverBudgetError, match="move a damaged one away"):
        meter(tmp_path, limits=Limits(day_tokens=10**6)).allow(100, 100, {})

    assert free.totals() == {}
    assert "could not be kept" in free.notes[0]


def test_ledger_holds_figures_only(tmp_path: Path) -> None:
    purse = meter(tmp_path)
    purse.allow(100, 100, {})
    purse.record(Reply(text="secret words", usage=Usage(1, 0, 1)))
    with sqlite3.connect(tmp_path / "spend.db") as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(calls)")]

    assert b"secret words" not in (tmp_path / "spend.db").read_bytes()
    assert set(columns) == {"id", "at", "day", "who", "run", "conversation", "model", "input", "cached", "output", "usd", "open"}
