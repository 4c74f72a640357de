"""Questions about numbers: statistics, extremes, rankings by a number, sums."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.offline.forms.figures import stat
from agent.offline.reading import read
from agent.offline.understanding import Reading
from telemetry.models import Catalog
from tests.agent.books import HDFS, JAVA, K8S, NGINX, SSHD

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SPREAD = ("count", "min", "mean", "p50", "p95", "max")


def parts(question: str, catalog: Catalog, *names: str) -> tuple[Any, ...]:
    reading = read(question, catalog, NOW, None)
    assert isinstance(reading, Reading), reading
    return tuple(getattr(reading, name) for name in names)


@pytest.mark.parametrize(("word", "stats"), [
    ("median", ("p50",)), ("p99.9", ("p99.9",)), ("95th percentile", ("p95",)), ("percentiles", ("p50", "p90", "p95", "p99")),
    ("distribution", SPREAD), ("range", ("min", "max")), ("min and max", ("min", "max")), ("slowest", ("max",)), ("combined", ("sum",)),
])
def test_words_name_statistics(word: str, stats: tuple[str, ...]) -> None:
    assert stat(word) == stats


@pytest.mark.parametrize(("catalog", "question", "stats", "field"), [
    (HDFS, "min, max and mean of size", ("min", "max", "mean"), "param:size"),
    (HDFS, "average and p99 of the block size", ("mean", "p99"), "param:size"),
    (HDFS, "distribution of size", SPREAD, "param:size"),
    (NGINX, "percentiles of request time", ("p50", "p90", "p95", "p99"), "param:request_time"),
])
def test_several_statistics_at_once(catalog: Catalog, question: str, stats: tuple[str, ...], field: str) -> None:
    assert parts(question, catalog, "operation", "stats", "field") == ("stats", stats, field)


@pytest.mark.parametrize(("catalog", "question", "stats", "field", "groups"), [
    (NGINX, "average request time", ("mean",), "param:request_time", ()),
    (NGINX, "latency p95", ("p95",), "param:request_time", ()),
    (NGINX, "request time per path, p99", ("p99",), "param:request_time", ("param:path",)),
    (NGINX, "response size distribution", SPREAD, "param:bytes", ()),
    (JAVA, "median duration of builds per service", ("p50",), "param:duration", ("service",)),
    (HDFS, "largest block per hour", ("max",), "param:size", ("time",)),
    (JAVA, "max amount per day", ("max",), "param:amount", ("time",)),
    (HDFS, "total size per logger", ("sum",), "param:size", ("logger",)),
])
def test_statistic_before_or_after_its_noun(
    catalog: Catalog, question: str, stats: tuple[str, ...], field: str, groups: tuple[str, ...]
) -> None:
    assert parts(question, catalog, "operation", "stats", "field", "group_by") == ("stats", stats, field, groups)


@pytest.mark.parametrize(("catalog", "question", "stats", "field"), [
    (JAVA, "how long did builds take", ("mean", "p50", "p95", "max"), "param:duration"),
    (JAVA, "how long did builds take on average", ("mean",), "param:duration"),
    (JAVA, "how long do builds take at most", ("max",), "param:duration"),
    (JAVA, "how long do builds usually take", ("p50",), "param:duration"),
    (HDFS, "how big are blocks", ("mean", "p50", "p95", "max"), "param:size"),
    (NGINX, "how many bytes were sent", ("sum",), "param:bytes"),
])
def test_how_long_and_how_big(catalog: Catalog, question: str, stats: tuple[str, ...], field: str) -> None:
    assert parts(question, catalog, "operation", "stats", "field") == ("stats", stats, field)


@pytest.mark.parametrize(("catalog", "question", "field", "limit", "order"), [
    (NGINX, "slowest 5 requests", "param:request_time", 5, "desc"), (NGINX, "the 3 largest responses", "param:bytes", 3, "desc"),
    (NGINX, "fastest requests", "param:request_time", 10, "asc"), (HDFS, "the 5 lines with the most bytes", "param:size", 5, "desc"),
    (HDFS, "3 records with the largest size", "param:size", 3, "desc"), (NGINX, "requests with the smallest bytes", "param:bytes", 10, "asc"),
])
def test_extremes_are_lines_in_order(catalog: Catalog, question: str, field: str, limit: int, order: str) -> None:
    found = parts(question, catalog, "operation", "order_by", "limit", "order")

    assert found == ("lines", field, limit, order)


def test_one_extreme_is_a_statistic() -> None:
    assert parts("largest block", HDFS, "operation", "stats", "field") == ("stats", ("max",), "param:size")


@pytest.mark.parametrize(("catalog", "question", "stats", "group", "order"), [
    (NGINX, "which path is the slowest on average", ("mean",), "param:path", "desc"),
    (NGINX, "slowest endpoints", ("mean",), "param:path", "desc"),
    (NGINX, "slowest endpoints by p95", ("p95",), "param:path", "desc"),
    (K8S, "which host has the highest latency", ("max",), "host", "desc"),
    (K8S, "what path has the lowest average latency", ("mean",), "param:path", "asc"),
])
def test_slowest_of_a_kind_ranks_its_values(
    catalog: Catalog, question: str, stats: tuple[str, ...], group: str, order: str
) -> None:
    assert parts(question, catalog, "operation", "stats", "group_by", "order") == ("stats", stats, (group,), order)


@pytest.mark.parametrize(("catalog", "question", "field", "group"), [
    (JAVA, "amount per customer in total", "param:amount", "param:customer"),
    (NGINX, "bytes per path, in total", "param:bytes", "param:path"),
])
def test_numbers_add_up_per_value(catalog: Catalog, question: str, field: str, group: str) -> None:
    found = parts(question, catalog, "operation", "stats", "field", "group_by")

    assert found == ("stats", ("sum",), field, (group,))


@pytest.mark.parametrize(("question", "operation"), [("longest gap", "gaps"), ("busiest minute", "trend"), ("highest number of failures per minute", "trend"),
                                                     ("average failed logins per hour", "trend")])
def test_extremes_of_time_are_no_statistics(question: str, operation: str) -> None:
    assert parts(question, SSHD, "operation") == (operation,)
