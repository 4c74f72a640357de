"""One table per form of question: what it is read as, and which words are left to name the records."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.offline.reading import read
from agent.offline.understanding import Reading
from telemetry.models import Catalog
from tests.agent.books import FIRST, HDFS, JAVA, K8S, LAST, NGINX, SSHD

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def understood(question: str, catalog: Catalog) -> Reading:
    reading = read(question, catalog, NOW, None)
    assert isinstance(reading, Reading), reading
    return reading


def parts(question: str, catalog: Catalog, *names: str) -> tuple[Any, ...]:
    reading = understood(question, catalog)
    return tuple(getattr(reading, name) for name in names)


@pytest.mark.parametrize(("question", "limit"), [
    ("when did it stop logging", 5), ("longest silence", 5), ("any holes in the log?", 5), ("was the namenode ever silent", 5),
    ("the three longest gaps between two lines", 3), ("any gap of more than 5 minutes", 5),
    ("was there a silence longer than 10 minutes", 5), ("5 minutes without any log line", 5), ("when was nothing logged", 5),
])
def test_silence(question: str, limit: int) -> None:
    assert parts(question, HDFS, "operation", "target", "limit") == ("gaps", "", limit)


@pytest.mark.parametrize(("catalog", "question", "target"), [
    (SSHD, "what else happens with connection closed", "connection closed"),
    (SSHD, "which messages appear together with failed password", "failed password"),
    (HDFS, "what happened around the same time as deleting blocks", "deleting blocks"),
    (JAVA, "what correlates with slow query", "slow query"),
])
def test_what_goes_together(catalog: Catalog, question: str, target: str) -> None:
    assert parts(question, catalog, "operation", "target") == ("cooccur", target)


@pytest.mark.parametrize(("question", "target"), [
    ("what changed since 10:00", ""), ("any new errors since 10:00", "errors"), ("which messages are new since 10:00", ""),
    ("did failed logins increase since 10:00", "failed logins"), ("what is different since 10:00", ""),
])
def test_since_is_compared_with_all_before(question: str, target: str) -> None:
    reading = understood(question, SSHD)

    assert (reading.operation, reading.target) == ("compare", target)
    assert reading.baseline is not None
    assert (reading.window.start, reading.baseline.start, reading.baseline.end) == (reading.window.start, None, reading.window.start)


def test_comparison_without_time_halves_the_data() -> None:
    reading = understood("what changed", SSHD)

    assert reading.window.start == FIRST + (LAST - FIRST) / 2


@pytest.mark.parametrize(("catalog", "question", "target", "base", "groups", "field"), [
    (SSHD, "what share of failed passwords is for root", "failed passwords root", "failed passwords", (), None),
    (SSHD, "percentage of failed logins among all logins", "failed logins", "logins", (), None),
    (HDFS, "what fraction of records are warnings", "warnings", "", (), None),
    (SSHD, "failed logins as a percentage of all logins", "failed logins", "logins", (), None),
    (NGINX, "share of requests slower than 1 s", "requests", "requests", (), None),
    (HDFS, "share of lines by level", "", "", (), "level"),
    (NGINX, "error rate by host", "errors", "", ("host",), None),
    (NGINX, "error rate of upstream", "errors upstream", "upstream", (), None),
])
def test_share_has_a_part_and_a_whole(
    catalog: Catalog, question: str, target: str, base: str, groups: tuple[str, ...], field: str | None
) -> None:
    found = parts(question, catalog, "operation", "target", "base_target", "group_by", "field")

    assert found == ("share", target, base, groups, field)


@pytest.mark.parametrize(("question", "field", "groups", "target"), [
    ("how many different users tried", "param:user", (), "tried"), ("number of unique ips per host", "param:ip", ("host",), ""),
    ("count distinct ips", "param:ip", (), ""), ("distinct users", "param:user", (), ""), ("how many users", "param:user", (), ""),
])
def test_different_values(question: str, field: str, groups: tuple[str, ...], target: str) -> None:
    assert parts(question, SSHD, "operation", "field", "group_by", "target") == ("distinct", field, groups, target)


@pytest.mark.parametrize(("question", "bucket", "target"), [
    ("failed logins over time", None, "failed logins"), ("failed logins every 5 minutes", 300, "failed logins"),
    ("hourly failed logins", 3600, "failed logins"), ("when did failed logins peak", None, "failed logins"), ("busiest hour", 3600, ""),
    ("which minute had the most failed logins", 60, "failed logins"), ("plot the failed logins", None, "failed logins"),
    ("how many failed logins per day", 86400, "failed logins"),
])
def test_course_and_peak(question: str, bucket: int | None, target: str) -> None:
    assert parts(question, SSHD, "operation", "bucket", "target") == ("trend", bucket, target)


def test_course_per_value_is_a_count() -> None:
    found = parts("failed logins per hour by user", SSHD, "operation", "group_by", "bucket")

    assert found == ("count", ("time", "param:user"), 3600)


@pytest.mark.parametrize(("question", "operation", "limit", "target"), [
    ("when did root first log in", "first", 1, "root log in"), ("last occurrence of connection closed", "last", 1, "connection closed"),
    ("latest 3 failed logins", "last", 3, "failed logins"), ("what time did the first failure happen", "first", 1, "failure"),
    ("when was the last accepted password", "last", 1, "accepted password"), ("most recent failed password", "last", 1, "failed password"),
    ("when did the failed logins start", "first", 1, "failed logins"),
])
def test_first_and_last(question: str, operation: str, limit: int, target: str) -> None:
    assert parts(question, SSHD, "operation", "limit", "target") == (operation, limit, target)


@pytest.mark.parametrize(("question", "target"), [
    ("which kinds of errors are there", "errors"), ("list the templates", ""), ("what types of messages are there", ""),
    ("what different kinds of warnings are there", "warnings"), ("what different messages are there", ""), ('which template does "Build 7 finished" belong to', '"Build 7 finished"'),
])
def test_kinds_of_messages(question: str, target: str) -> None:
    assert parts(question, JAVA, "operation", "target") == ("templates", target)


@pytest.mark.parametrize(("question", "field", "limit", "order", "target"), [
    ("top 5 users by failed password", "param:user", 5, "desc", "failed password"), ("top 3 ips", "param:ip", 3, "desc", ""),
    ("least active users", "param:user", 10, "asc", ""), ("which user failed the most", "param:user", 10, "desc", "failed"),
    ("who failed most", "param:user", 10, "desc", "failed"), ("users with the most failed logins", "param:user", 10, "desc", "failed logins"),
    ("most common errors", "template", 10, "desc", "errors"), ("rarest messages", "template", 10, "asc", ""),
])
def test_rankings(question: str, field: str, limit: int, order: str, target: str) -> None:
    assert parts(question, SSHD, "operation", "field", "limit", "order", "target") == ("top", field, limit, order, target)


def test_ranking_by_a_number_adds_it_up() -> None:
    found = parts("top 3 customers by amount", JAVA, "operation", "stats", "field", "group_by", "limit")

    assert found == ("stats", ("sum",), "param:amount", ("param:customer",), 3)


@pytest.mark.parametrize(("catalog", "question", "groups", "target"), [
    (SSHD, "how many failed logins", (), "failed logins"), (SSHD, "number of failed logins per host", ("host",), "failed logins"),
    (HDFS, "count records by level", ("level",), ""), (SSHD, "how often did root fail", (), "root fail"),
    (JAVA, "what is the total number of orders", (), "orders"), (NGINX, "how many requests per path", ("param:path",), "requests"),
])
def test_counts_of_records(catalog: Catalog, question: str, groups: tuple[str, ...], target: str) -> None:
    assert parts(question, catalog, "operation", "group_by", "target") == ("count", groups, target)


@pytest.mark.parametrize(("catalog", "question", "field"), [
    (JAVA, "total amount of orders", "param:amount"), (NGINX, "how many bytes in total", "param:bytes"),
    (JAVA, "total number of amount", "param:amount"),
])
def test_total_of_a_number_is_a_sum(catalog: Catalog, question: str, field: str) -> None:
    assert parts(question, catalog, "operation", "stats", "field") == ("stats", ("sum",), field)


@pytest.mark.parametrize(("question", "target"), [
    ("what is going on", ""), ("summarise the errors", "errors"), ("any problems?", "errors"), ("what are the warnings about", "warnings"),
    ("give me an overview", ""), ("what went wrong", "errors"),
])
def test_summaries(question: str, target: str) -> None:
    assert parts(question, JAVA, "operation", "target") == ("summary", target)


@pytest.mark.parametrize(("question", "target"), [
    ("did root log in?", "root log in"), ("were there any failed passwords", "failed passwords"),
    ("any failed passwords from 10.0.0.1?", "failed passwords from 10.0.0.1"), ("is there an authentication failure", "authentication failure"),
    ("did anyone not log in", "not log in"),
])
def test_yes_or_no_is_a_count(question: str, target: str) -> None:
    assert parts(question, SSHD, "operation", "yes_no", "target") == ("count", True, target)


@pytest.mark.parametrize(("catalog", "question", "field", "target"), [
    (SSHD, "which users failed", "param:user", "failed"), (SSHD, "who failed", "param:user", "failed"),
    (SSHD, "list the users", "param:user", ""), (HDFS, "what was the size of blk_1", "param:size", "blk_1"),
    (K8S, "which pods restarted", "param:pod", "restarted"),
])
def test_which_lists_values(catalog: Catalog, question: str, field: str, target: str) -> None:
    assert parts(question, catalog, "operation", "field", "target") == ("top", field, target)


@pytest.mark.parametrize(("question", "limit", "target"), [
    ("show me lines about 10.0.0.1", 50, "10.0.0.1"), ('grep "Connection closed"', 50, '"Connection closed"'),
    ("show 5 lines about root", 5, "root"), ("which connections were closed", 50, "connections were closed"), ("what happened to user root", 50, "user root"), ("give me everything about root", 50, "everything about root"),
])
def test_lines(question: str, limit: int, target: str) -> None:
    assert parts(question, SSHD, "operation", "limit", "target") == ("lines", limit, target)
