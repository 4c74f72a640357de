"""Facts are those of the records; what cannot be had is named with its reason."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agent.spend import Ledger, Limits, Payer
from agent.summaries.facts import Counted, Facts, Period
from agent.summaries.gathering import Scope, concerns, gather
from agent.summaries.sources import Sources
from telemetry.errors import UsageError
from tests.agent.desk import BOB, Desk
from tests.agent.summaries.homes import NOON, NOW


def test_errors_are_counted_by_service(facts: Facts) -> None:
    shop = next(one for one in facts.records.items if one.name == "shop")

    assert shop.errors == Counted(now=246, before=6)
    assert (shop.requests, shop.failed) == (Counted(now=120, before=120), Counted(now=30, before=0))


def test_new_error_templates_come_first(facts: Facts) -> None:
    first = facts.templates.items[:2]

    assert {(one.change, one.bad, one.count.now, one.service) for one in first} == {("new", True, 120, "shop")}
    assert sum(first[0].counts) == 120


def test_a_source_that_stopped_is_told(facts: Facts) -> None:
    assert [(one.what, one.last, one.usual) for one in facts.gaps.items] == [("mailer", NOON + timedelta(minutes=29, seconds=40), 20.0)]


def test_only_changes_of_the_period_are_told(facts: Facts) -> None:
    assert [one.title for one in facts.changes.items] == ["shop 1.4.0"]


def test_budgets_follow_requests_and_records(facts: Facts) -> None:
    requests, records, nobody = facts.budgets.items

    assert (requests.bad, requests.total) == (30, 240)
    assert requests.used == pytest.approx(30 / 0.24)
    assert requests.burn == pytest.approx(30 / 120 / 0.001)
    assert (records.bad, records.total) == (252, 972)
    assert nobody.reason == "there are no spans of nobody in the last 30 days"


def test_an_empty_home_is_not_assessed_and_stays_empty(tmp_path: Path) -> None:
    told = gather(Scope(NOW), Sources(tmp_path / "home", ledger=Ledger(tmp_path / "home" / "spend.db")), NOW.end)

    assert set(told.missing()) == {name for name, _ in told.groups()}
    assert not (tmp_path / "home").exists()


def test_a_team_sees_its_services_only(troubled: Path) -> None:
    told = gather(Scope(NOW, team="posting"), Sources(troubled), NOW.end)

    assert [one.name for one in told.records.items] == ["mailer"]
    assert told.changes.items == ()


def test_an_unknown_team_is_refused_with_the_known_ones(troubled: Path) -> None:
    with pytest.raises(UsageError, match="buying, posting"):
        gather(Scope(NOW, team="nobodies"), Sources(troubled), NOW.end)


def test_a_period_that_ends_before_it_begins_is_refused(troubled: Path) -> None:
    with pytest.raises(UsageError, match="--from before --to"):
        gather(Scope(Period(start=NOW.end, end=NOW.start)), Sources(troubled), NOW.end)


def test_in_the_first_period_of_a_store_nothing_counts_as_new(troubled: Path) -> None:
    first = Period(start=NOON - timedelta(hours=2), end=NOON)

    told = gather(Scope(first), Sources(troubled), first.end)

    assert "begin within the period" in (told.templates.missing or "")
    assert all(one.errors.before is None for one in told.records.items)


def test_everything_that_ended_at_once_is_one_gap(troubled: Path) -> None:
    later = Period(start=NOON, end=NOON + timedelta(hours=6))

    told = gather(Scope(later), Sources(troubled), later.end)

    assert [one.what for one in told.gaps.items] == ["everything"]


def test_a_damaged_segment_costs_its_group_only(tmp_path: Path) -> None:
    from tests.agent.summaries.homes import stored, traced

    home = traced(stored(tmp_path / "home"))
    for segment in (home / "spans").rglob("*.parquet"):
        segment.write_bytes(b"not parquet")

    told = gather(Scope(NOW), Sources(home), NOW.end)

    assert "damaged" in (told.records.missing or "")
    assert told.templates.items


def test_approvals_and_outcomes_of_the_period_are_read(desk: Desk) -> None:
    done = desk.approved()
    desk.executor.run(done.id)
    desk.executor.verified(done.id, "confirmed", "errors fell from 9 to 0")
    waiting = desk.ask(7)
    now = desk.clock()
    period = Period(start=now - timedelta(hours=1), end=now + timedelta(minutes=1))

    told = gather(Scope(period), Sources(desk.home, approvals=lambda: desk.approvals), now)

    assert [one.id for one in told.approvals.items] == [waiting.id, done.id]
    assert [(one.approval, one.verified, one.statement) for one in told.outcomes.items] == [(done.id, "confirmed", "errors fell from 9 to 0")]
    assert told.approvals.items[1].approvers == (BOB.id,)


def test_actions_of_other_teams_are_left_out() -> None:
    assert concerns("Deployment shop/cart-v2", ["cart"])
    assert not concerns("Deployment shop/mailer", ["cart"])


def test_spend_of_the_period_is_that_of_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "spend.db", clock=(NOON + timedelta(minutes=5)).timestamp)
    ledger.book(Payer("ann", "r", None, "m"), 1_000, 100, 0.5, Limits())

    told = gather(Scope(NOW), Sources(tmp_path, ledger=ledger), NOW.end)

    assert (told.spend.items[0].calls, told.spend.items[0].usd) == (1, 0.5)
