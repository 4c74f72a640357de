"""Whatever is asked, triage ends in a refusal with offers or in a query that can be run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.analyst import Given, Triage
from agent.offline.analyst import OfflineAnalyst
from agent.offline.understanding import Reading
from telemetry.models import Query
from tests.agent.books import NGINX, SPARK

NOW = datetime(2026, 11, 24, tzinfo=UTC)
WORDS = """how many top 10 which errors since 10:00 per hour without p95 of size between and 25 am last 0 days not except share
percent who when first yesterday on 31 Feb than more over 5xx 404s >= = requests path status "a b" 'N time(s)' “x” ( ) ? ! , ; : / \\
blk_1 10.0.0.1 a=b [ ] * + {0} \x00 é 日本 🙂 \ue000 \ue0000\ue001 \u241e <*> time by for each slowest longest total distinct new
compare versus what happened tried spilled memory average gap silence and only instead them it root /x/y.z 1e9 -5 99999999999""".split(" ")
QUESTIONS = st.one_of(
    st.text(max_size=100), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
    st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=6)), max_size=10).map(" ".join),
)
ANALYSTS = {"nginx": OfflineAnalyst(NGINX, None), "spark": OfflineAnalyst(SPARK, None)}


def sound(triage: Triage) -> bool:
    """Refused with offers, or a query that validates and a reading that survives JSON."""
    if triage.refusal is not None:
        return bool(triage.nearest)
    assert triage.query is not None
    assert triage.reading is not None
    reading = Reading.from_json(triage.reading)
    valid = Query.model_validate(triage.query.model_dump(mode="json")) == triage.query
    return valid and Reading.from_json(reading.to_json()) == reading


@pytest.mark.parametrize("name", ANALYSTS)
@settings(max_examples=150, deadline=None)
@given(question=QUESTIONS)
def test_any_text_is_refused_or_becomes_a_query(name: str, question: str) -> None:
    assert sound(ANALYSTS[name].triage(Given(question=question, now=NOW, window=None, previous=None)))


@settings(max_examples=100, deadline=None)
@given(first=QUESTIONS, then=QUESTIONS)
def test_any_follow_up_is_refused_or_becomes_a_query(first: str, then: str) -> None:
    before = ANALYSTS["nginx"].triage(Given(question=f"how many requests {first}", now=NOW, window=None, previous=None))
    after = ANALYSTS["nginx"].triage(Given(question=f"and {then}", now=NOW, window=None, previous=before.reading))

    assert sound(after)
