"""Which field a question asks about, settled with the records it is about; follow-ups narrow, replace or swap."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.analyst import Given, Triage
from agent.offline.analyst import OfflineAnalyst
from agent.offline.followup import SEPARATOR
from agent.offline.settle import merged
from agent.offline.target import Target, resolve
from telemetry.models import Catalog
from tests.agent.books import HDFS, JAVA, K8S, NGINX, SPARK, SSHD
from tests.agent.logbook import Logbook

NOW = datetime(2026, 11, 24, tzinfo=UTC)
BOOK = Logbook([
    "[error@db] Failed password for {user:root} from {ip:10.0.0.1}",
    "[error@db] Failed password for {user:ann} from {ip:10.0.0.2}",
    "[info@db] Accepted password for {user:ann} from {ip:10.0.0.2}",
    "[warn@web] Failed password for invalid user {user:bob} from {ip:10.0.0.3}",
    "[info@web] Connection closed by {ip:10.0.0.3}",
])


def triage(question: str, catalog: Catalog) -> Triage:
    return OfflineAnalyst(catalog, None).triage(Given(question=question, now=NOW, window=None, previous=None))


def found(words: str, field: str | None = None) -> Target | None:
    return resolve(words, BOOK.catalog, None, field=field) if words.strip() else None


@pytest.mark.parametrize(("catalog", "question", "field"), [
    (JAVA, "average elapsed", "param:elapsed"), (JAVA, "largest amount of an order", "param:amount"),
    (NGINX, "p99 of request_time", "param:request_time"), (K8S, "largest latency_ms", "param:latency_ms"),
    (SSHD, "which ports did root use", "param:port"), (HDFS, "average block size", "param:size"),
])
def test_field_by_its_name(catalog: Catalog, question: str, field: str) -> None:
    query = triage(question, catalog).query

    assert query is not None
    assert query.field == field


@pytest.mark.parametrize(("question", "field"), [
    ("largest number of remote blocks", "param:blocks"), ("average spilled memory", "param:number"),
    ("biggest spill", "param:number"),
])
def test_field_by_the_words_beside_it(question: str, field: str) -> None:
    query = triage(question, SPARK).query

    assert query is not None
    assert query.field == field


@pytest.mark.parametrize(("catalog", "question", "field", "template"), [
    (JAVA, "how long did builds take", "param:duration", "t1"), (JAVA, "how long did slow queries take", "param:elapsed", "t3"),
    (JAVA, "slowest queries", "param:elapsed", "t3"), (SPARK, "how long did tasks take", "param:took", "t1"),
    (HDFS, "how big are received blocks", "param:size", "t0"),
])
def test_field_by_the_sort_of_number_its_records_carry(
    catalog: Catalog, question: str, field: str, template: str
) -> None:
    query = triage(question, catalog).query

    assert query is not None
    assert (query.field, query.filters[-1].value) == (field, template)


@pytest.mark.parametrize("question", ['largest "Already tried N time(s)"', "largest number of 'Already tried N time(s)'"])
def test_field_in_the_gap_of_a_phrase(question: str) -> None:
    query = triage(question, SPARK).query

    assert query is not None
    assert query.field == "param:tries"


@pytest.mark.parametrize(("question", "field"), [
    ("average query duration", "param:elapsed"), ("average build duration", "param:duration"),
])
def test_qualifier_chooses_records_and_head_the_field(question: str, field: str) -> None:
    query = triage(question, JAVA).query

    assert query is not None
    assert query.field == field


@pytest.mark.parametrize(("question", "reason"), [
    ("top 5 elephants", '"elephants"'), ("average duration", '"duration"'), ("how long did it take", "this question"),
    ("flobber the wug", "cannot read"),
])
def test_nothing_that_answers_is_a_refusal(question: str, reason: str) -> None:
    said = triage(question, SSHD)

    assert said.query is None
    assert reason in (said.refusal or "")
    assert said.nearest


@pytest.mark.parametrize(("before", "extra", "after"), [
    ("failed passwords", "root", "failed passwords root"),
    ("failed passwords", "invalid user", "failed passwords invalid user"),
    ("failed passwords", "db", "failed passwords db"),
    ("failed passwords", "accepted passwords", "accepted passwords"),
    ("failed passwords", "connection closed", "connection closed"),
    ("errors", "warnings", "warnings"),
    ("failed passwords for root", "ann", "failed passwords for ann"),
    ("failed passwords from 10.0.0.1", "10.0.0.2", "failed passwords from 10.0.0.2"),
    ("failed passwords in web", "db", "failed passwords in db"),
])
def test_follow_up_narrows_replaces_or_swaps(before: str, extra: str, after: str) -> None:
    assert merged(f"{before}{SEPARATOR}{extra}", found) == after


def test_follow_ups_merge_one_after_another() -> None:
    assert merged(SEPARATOR.join(["failed passwords", "root", "ann"]), found) == "failed passwords ann"


def test_plain_targets_stay() -> None:
    assert merged("failed passwords", found) == "failed passwords"
