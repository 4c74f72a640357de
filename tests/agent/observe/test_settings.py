"""Settings that cannot work are said at once."""

from __future__ import annotations

from typing import Any

import pytest

from agent.observe.settings import Sampling, TelemetrySettings, parse_headers
from telemetry.errors import UsageError


@pytest.mark.parametrize("given", [
    {"endpoint": "collector:4318"}, {"endpoint": "http://"}, {"endpoint": "http://[::1"}, {"endpoint": "http://x:99999"},
    {"endpoint": "http://collector:4317"}, {"batch_items": 10, "queue_items": 5}, {"batch_items": 0}, {"delay_seconds": 0},
    {"sampling": Sampling(held_spans=0)},
])
def test_what_cannot_work_is_refused_with_a_remedy(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        TelemetrySettings(**given)

    assert caught.value.remedy


def test_the_signals_go_under_the_endpoint() -> None:
    assert TelemetrySettings(endpoint="https://otlp.example/otel/").url("traces") == "https://otlp.example/otel/v1/traces"


def test_headers_are_read_as_the_specification_writes_them() -> None:
    assert parse_headers("") == {}
    assert parse_headers("Api-Key=a%2Cb=c, x-team=on call ,") == {"api-key": "a,b=c", "x-team": "on call"}


@pytest.mark.parametrize("text", ["Bearer s3cr3tvalue", "a b=s3cr3tvalue", "x=s3cr3t%0d%0avalue: y"])
def test_headers_that_cannot_be_read_are_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_headers(text)

    assert "s3cr3t" not in str(caught.value)


def test_headers_do_not_show_in_a_printed_setting() -> None:
    assert "s3cr3t" not in repr(TelemetrySettings(endpoint="http://c:4318", headers={"key": "s3cr3t"}))
