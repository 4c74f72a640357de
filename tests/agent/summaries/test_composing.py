"""What an engineer who takes over needs comes first; nothing is invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.summaries.composing import compose
from agent.summaries.facts import Approval, Facts, Group, Outcome, Period, Watched
from agent.summaries.gathering import Scope, gather
from agent.summaries.markdown import markdown
from agent.summaries.postmortem import period_of, postmortem
from agent.summaries.sources import Sources, incident_of
from tests.agent.summaries.homes import NOON, NOW

OPEN: dict[str, Any] = {
    "id": "INC-7", "title": "Payments fail", "state": "investigating", "severity": "critical", "services": ["shop"], "opened": (NOON + timedelta(minutes=5)).isoformat(),
    "resolved": None, "timeline": [{"at": (NOON + timedelta(minutes=6)).isoformat(), "kind": "note", "text": "paged ann", "who": "pager"}]}
DONE = {**OPEN, "id": "INC-8", "state": "resolved", "resolved": (NOON + timedelta(minutes=65)).isoformat()}


class Book:
    def __init__(self, *documents: Mapping[str, Any]) -> None:
        self.documents = documents

    def touching(self, start: datetime, end: datetime) -> Sequence[Mapping[str, Any]]:
        return self.documents

    def incident(self, ident: str) -> Mapping[str, Any]:
        return next(one for one in self.documents if one["id"] == ident)


@pytest.fixture(scope="module")
def full(troubled: Path) -> Facts:
    told = gather(Scope(NOW), replace(Sources(troubled), incidents=Book(OPEN, DONE)), NOW.end)
    waiting = Approval(id="a1", state="pending", action="scale", target="Deployment shop/shop", requester="ann", created=NOON, deadline=NOW.end + timedelta(minutes=9))
    outcome = Outcome(approval="a0", at=NOON + timedelta(minutes=30), action="rollback", target="Deployment shop/shop", verified="worse", statement="errors rose", rolled_back=True)
    done = Approval(id="a0", state="rolled_back", action="rollback", target="Deployment shop/shop", requester="ann", approvers=("bob",), created=NOON, deadline=NOON)
    watched = Watched(approval="a2", target="Deployment shop/web", since=NOW.end - timedelta(minutes=3))
    return told.model_copy(update={"approvals": Group(source="x", items=(waiting, done)), "outcomes": Group(source="x", items=(outcome,)),
                                   "watches": Group(source="x", items=(watched,))})


def test_the_handover_begins_with_what_is_open_and_waits(full: Facts) -> None:
    told = compose(full, "handover")

    assert [one.title for one in told.sections] == ["Open incidents", "Waiting for people", "Watch", "Recent changes", "Done in this shift"]
    assert told.lead[:2] == ("1 incident is open.", "1 action waits for people.")
    assert told.sections[0].items[0].text == "INC-7 Payments fail (shop): critical, investigating for 115 min. Last, 12:06: paged ann."
    assert "needs 1 approval by 14:09" in told.sections[1].items[0].text
    assert "approved by bob: it made things worse (errors rose); it was taken back." in told.sections[4].items[1].text


def test_sections_without_news_are_left_out(facts: Facts) -> None:
    told = compose(facts)

    assert all(section.items for section in told.sections)
    assert "Open incidents" not in {section.title for section in told.sections}


def test_a_quiet_period_is_called_quiet_only_as_far_as_was_looked(troubled: Path) -> None:
    quiet = Period(start=NOON - timedelta(hours=1), end=NOON)

    told = compose(gather(Scope(quiet), replace(Sources(troubled), slo=troubled / "none.yaml"), quiet.end))

    assert told.lead == ("Quiet, as far as records and errors and templates tell: nothing is open, and nothing got worse.",)
    assert any("Incidents: not assessed" in one for one in told.missing)


def test_a_draft_holds_the_timeline_and_leaves_the_rest_to_people(full: Facts) -> None:
    incident = incident_of(DONE)

    told = postmortem(full, incident)
    parts = {one.title: one for one in told.sections}

    assert told.lead[0] == "It was open for 60 min."
    assert [row[1] for row in parts["Timeline"].rows][:3] == ["deploy shop: shop 1.4.0", "the incident was opened", "paged ann"]
    assert parts["Cause"].items[0].text == "No cause is on record."
    assert parts["What went well"].items == ()
    assert parts["What went well"].prompts
    assert "approved by bob" in parts["Actions"].items[0].text
    assert "30 of 120 requests failed" in markdown(told)


def test_a_draft_looks_at_what_came_before_the_incident() -> None:
    assert period_of(incident_of(DONE), NOW) == Period(start=NOON - timedelta(minutes=25), end=NOON + timedelta(minutes=65))


def test_a_recorded_cause_comes_with_its_evidence(full: Facts) -> None:
    told = postmortem(full, incident_of({**DONE, "cause": "the pool was too small", "evidence": ["E3 no connection to db-1"]}))

    cause = next(one for one in told.sections if one.title == "Cause")
    assert [one.whole for one in cause.items] == ["On record: the pool was too small", "Shown by E3 no connection to db-1"]
    assert cause.prompts == ()
