"""Claims that the evidence shows survive in any notation; claims that it does not show go."""

from __future__ import annotations

import pytest

from agent.evidence import Claim, Conclusion, Grounded, ground
from agent.offline.phrasing import phrase
from agent.offline.understanding import Reading
from telemetry.models import Query
from tests.agent.evidence.claims import FALSE, TRUE
from tests.agent.evidence.results import QUESTION, RESULTS


def judged(text: str, evidence: str) -> Grounded:
    claim = Claim(text=text, evidence=evidence.split())
    answer = Claim(text="Payments failed.", evidence=["E1"])
    return ground(Conclusion(answer=answer, claims=[claim], confidence=0.9), RESULTS, QUESTION)


@pytest.mark.parametrize(("text", "evidence"), TRUE)
def test_a_claim_that_is_shown_survives(text: str, evidence: str) -> None:
    left = judged(text, evidence)

    assert [c.text for c in left.claims] == [text], left.dropped


@pytest.mark.parametrize(("text", "evidence", "why"), FALSE)
def test_a_claim_that_is_not_shown_goes(text: str, evidence: str, why: str) -> None:
    left = judged(text, evidence)

    assert not left.claims
    assert why in left.dropped[0].why


@pytest.mark.parametrize("key", [key for key, result in RESULTS.items() if result.found])
def test_what_the_offline_analyst_says_of_a_result_is_shown_by_it(key: str) -> None:
    found, query = RESULTS[key].found, Query.model_validate(RESULTS[key].query)
    assert found is not None
    said = phrase(Reading(operation=query.operation), query, found, "")

    left = judged(said, key)

    assert left.claims, left.dropped
    assert not left.marked
