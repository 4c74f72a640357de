"""Alerts become incidents: one a group, whatever is delivered twice, late, or flaps; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy

from agent.incidents.alert import SEVERITIES
from agent.incidents.errors import ReplayedAlertError
from agent.incidents.settings import AlertSettings
from agent.incidents.tables import timeline
from telemetry.errors import StoreError
from tests.agent.incidents.making import ANN, NOW, House, alert


def test_alerts_of_a_group_are_one_incident(either: House) -> None:
    told = either.take(alert("a"), alert("b"), alert("c", service="web"))

    assert (told.new, len(told.incidents)) == (3, 2)
    assert [one.firing for one in either.incidents.list()[0]] == [1, 2] or [one.firing for one in either.incidents.list()[0]] == [2, 1]


def test_a_second_delivery_changes_nothing(either: House) -> None:
    first = either.take(alert())
    told = either.take(alert())

    assert (told.new, told.duplicate, told.incidents) == (0, 1, first.incidents)
    assert either.incidents.show(first.incidents[0]).alerts[0]["deliveries"] == 2


def test_the_same_alert_twice_in_one_body_is_one(either: House) -> None:
    told = either.take(alert(), alert())

    assert (told.new, told.duplicate, either.one().firing) == (1, 1, 1)


def test_the_end_of_all_alerts_mitigates(either: House) -> None:
    either.take(alert("a"), alert("b"))
    either.take(alert("a", "resolved"))
    half = either.one().state
    either.take(alert("b", "resolved"))

    assert (half, either.one().state, either.one().firing) == ("open", "mitigated", 0)


def test_what_stays_quiet_is_resolved(either: House) -> None:
    either.take(alert())
    either.take(alert(status="resolved"))
    early = either.incidents.settle_quiet()
    either.clock.go(minutes=11)
    late = either.incidents.settle_quiet()

    assert (early, [one.state for one in late], either.one().ended_by) == ([], ["resolved"], "clock")


def test_flapping_makes_no_new_incident(either: House) -> None:
    for turn in range(6):
        starts = NOW + timedelta(minutes=turn)
        either.take(alert(starts=starts))
        either.take(alert(starts=starts, status="resolved"))
        either.clock.go(minutes=12)
        either.incidents.settle_quiet()

    assert (either.one().alerts, either.one().state) == (6, "resolved")


def test_after_the_window_it_is_a_new_incident_that_knows_the_earlier(either: House) -> None:
    first = either.take(alert()).incidents[0]
    either.incidents.resolve(first, ANN, why="rolled cart back")
    either.clock.go(minutes=31)
    second = either.take(alert(starts=NOW + timedelta(minutes=31))).incidents[0]
    said = next(one for one in either.incidents.show(second).timeline if one.kind == "earlier")

    assert second != first
    assert said.body == {"incident": first, "state": "resolved", "ended_by": "ann", "why": "rolled cart back"}


def test_a_firing_that_comes_after_its_end_is_late(either: House) -> None:
    either.take(alert())
    either.take(alert(status="resolved"))
    told = either.take(alert())

    assert (told.duplicate, either.one().state) == (1, "mitigated")


def test_the_end_of_what_nobody_told_makes_no_incident(either: House) -> None:
    told = either.take(alert(status="resolved"))

    assert (told.unmatched, told.incidents, either.incidents.list()[0]) == (1, [], [])


def test_an_inexact_alert_is_the_same_until_it_ends(either: House) -> None:
    either.take(alert(exact=False))
    same = either.take(alert(exact=False, starts=NOW + timedelta(minutes=1)))
    either.take(alert(status="resolved", exact=False, title="", starts=NOW + timedelta(minutes=2)))
    again = either.take(alert(exact=False, starts=NOW + timedelta(minutes=3)))

    assert (same.duplicate, again.new, either.one().alerts) == (1, 1, 2)


def test_older_changes_do_not_undo_newer_ones(either: House) -> None:
    either.take(alert(changed_at=NOW))
    either.take(alert(status="resolved", changed_at=NOW + timedelta(minutes=5)))
    late = either.take(alert(status="acknowledged", changed_at=NOW + timedelta(minutes=2)))
    state = either.one().state
    reopened = either.take(alert(changed_at=NOW + timedelta(minutes=6)))

    assert (late.duplicate, state, reopened.changed, either.one().state) == (1, "mitigated", 1, "open")


def test_an_acknowledgement_elsewhere_counts_here(either: House) -> None:
    either.take(alert(exact=False))
    either.take(alert(status="acknowledged", exact=False, title="", by="Grace"))

    assert either.one().state == "investigating"


def test_labels_of_the_house_make_the_groups(tmp_path: object, url: str | None) -> None:
    house = House(url or f"sqlite:///{tmp_path}/state.db", AlertSettings(group_by=("cluster",)))
    told = house.take(alert("a", labels={"cluster": "eu"}), alert("b", service="web", labels={"cluster": "eu"}), alert("c", labels={"cluster": "us"}))
    house.close()

    assert len(told.incidents) == 2


def test_graver_alerts_raise_the_incident(either: House) -> None:
    for severity in reversed(SEVERITIES):
        either.take(alert(severity, severity=severity))
    either.take(alert("late", severity="info"))

    assert either.one().severity == "critical"


def test_what_was_sent_once_is_refused_twice(either: House) -> None:
    either.take(alert("a"), once="n1")
    with pytest.raises(ReplayedAlertError):
        either.take(alert("b"), once="n1")

    assert either.one().alerts == 1


def test_an_event_that_comes_again_counts_once(either: House) -> None:
    either.take(alert("a"), event="E1")
    told = either.take(alert("b"), event="E1")

    assert (told.duplicate, either.one().alerts) == (1, 1)


def test_nobody_changes_a_timeline(either: House) -> None:
    either.take(alert())
    for change in (timeline.update().values(actor="nobody"), timeline.delete()):
        with pytest.raises(StoreError, match="only grows"), either.database.writing() as connection:
            connection.execute(change)

    assert either.kinds(either.one().id) == ["opened", "alert"]


def test_in_a_storm_the_weightiest_wait_and_the_others_are_told(either: House) -> None:
    either.settings = AlertSettings(waiting=3, criticality={"pay": 9})
    either.incidents.settings = either.settings
    told = either.take(*(alert(f"f{n}", service=f"s{n}", severity="warning") for n in range(6)), alert("p", service="pay", severity="warning"),
                       alert("c", service="x", severity="critical"))
    waits = [either.incidents.show(one).investigation["state"] for one in told.incidents]  # type: ignore[index] # there is one

    assert waits == ["queued", *["put_off"] * 5, "queued", "queued"]
    assert sum(kind == "put_off" for kind, _ in either.events) == 5


def test_what_was_put_off_is_taken_up_when_there_is_calm(either: House) -> None:
    either.incidents.settings = AlertSettings(waiting=2)
    told = either.take(*(alert(f"f{n}", service=f"s{n}") for n in range(3)))
    with either.database.writing() as connection:
        connection.execute(sqlalchemy.text("UPDATE incident_investigations SET state = 'done' WHERE state = 'queued'"))
    either.incidents.settle_quiet()

    assert either.incidents.show(told.incidents[2]).investigation["state"] == "queued"  # type: ignore[index] # there is one
