"""Whether an alert fires is read from a real Prometheus and from an Alertmanager's API; what an absence does not tell is not said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.verification.alerting import (
    LABELS,
    alertmanager_alert,
    any_of,
    findable,
    prometheus_alert,
    servers_first,
    told_alert,
)
from agent.verification.looking import Fires
from telemetry.errors import OnCalmError, UsageError
from telemetry.sources.web import Web
from tests.telemetry.sources.prometheus_server import alerting, prometheus
from tests.telemetry.sources.serving import Request, Response, as_json, serving

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
DOWN = {"alertname": "CartDown", "service": "cart"}


def until(read: Callable[[], bool | None], wanted: bool | None) -> bool | None:
    found = read()
    for _ in range(300):
        if found is wanted:
            break
        time.sleep(0.1)
        found = read()
    return found


def test_a_real_prometheus_says_whether_it_fires(tmp_path: Path) -> None:
    with prometheus(tmp_path) as url:
        alerting(tmp_path, "vector(1)")
        fires, other, silent = (prometheus_alert(Web(url), labels) for labels in (DOWN, {**DOWN, "service": "web"}, {"alertname": "Never"}))

        assert until(fires, True) is True
        assert (other(), silent()) == (None, None)
        alerting(tmp_path, "vector(0) > 1")
        assert until(fires, False) is False


def test_labels_that_an_alert_got_on_its_way_do_not_hide_its_series(tmp_path: Path) -> None:
    """An Alertmanager gets ``external_labels`` which no series has: their lack must not sound like the end of the alert."""
    with prometheus(tmp_path) as url:
        alerting(tmp_path, "vector(1)")
        there = prometheus_alert(Web(url), {**DOWN, "cluster": "north", "prometheus": "a/b"})

        assert until(there, True) is True


@pytest.mark.parametrize("value", ['cart"} or vector(1) or ALERTS{x="', 'cart"} * 0 #', "c.rt", "cart|", ".*", "c\\art", "cart\n", "кот", "a" * 500])
def test_what_stands_in_a_label_never_becomes_promql(firing: str, value: str) -> None:
    """Injected, these would say that it fires (or match its series); as plain values no series has them."""
    assert prometheus_alert(Web(firing), {**DOWN, "service": value})() is None
    assert prometheus_alert(Web(firing), {"alertname": value})() is None


@pytest.fixture(scope="module")
def firing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("firing")
    with prometheus(folder) as url:
        alerting(folder, "vector(1)")
        assert until(prometheus_alert(Web(url), DOWN), True) is True
        yield url


def test_a_huge_set_of_labels_is_cut_to_what_a_server_takes(firing: str) -> None:
    labels = {**{f"l{number:04}": "x" * 400 for number in range(5_000)}, "a": "y" * 1_000_000, **DOWN}

    kept = findable(labels)

    assert (len(kept), kept["alertname"], "a" in kept) == (LABELS, "CartDown", False)
    assert prometheus_alert(Web(firing), labels)() is True


def test_masked_and_nameless_labels_do_not_count(firing: str) -> None:
    labels = {**DOWN, "token": "[REDACTED:token]", "no-name": "x", "alertstate": "pending", "__name__": "up", "empty": ""}

    assert findable(labels) == DOWN
    assert prometheus_alert(Web(firing), labels)() is True


def alertmanager(alerts: Any, started: datetime = NOW - timedelta(days=1)) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return as_json({"uptime": started.isoformat()} if request.path == "/api/v2/status" else alerts)

    return answer


def alert(ends: datetime, state: str = "active") -> dict[str, Any]:
    return {"labels": DOWN, "endsAt": ends.isoformat(), "status": {"state": state, "silencedBy": [], "inhibitedBy": []}}


@pytest.mark.parametrize(("alerts", "said"), [
    ([alert(NOW + timedelta(minutes=4))], True), ([alert(NOW + timedelta(minutes=4), "suppressed")], True), ([], False), ([alert(NOW - timedelta(minutes=1))], False)])
def test_an_alertmanager_says_whether_it_fires(alerts: Any, said: bool) -> None:
    with serving(alertmanager(alerts)) as server:
        assert alertmanager_alert(Web(server.url), DOWN, clock=lambda: NOW)() is said
        assert server.requests[0].params["filter"] == ['alertname="CartDown"', 'service="cart"']


def test_an_alertmanager_that_has_just_started_does_not_know() -> None:
    with serving(alertmanager([], NOW - timedelta(minutes=1))) as server:
        assert alertmanager_alert(Web(server.url), DOWN, clock=lambda: NOW)() is None


@pytest.mark.parametrize("answer", [as_json({"status": "error", "error": "no"}), as_json([]), as_json({}, 500), Response(b"<html>"), as_json({"status": "success", "data": {"resultType": "matrix", "result": []}}),
                                    as_json({"status": "success", "warnings": ["a shard is gone"], "data": {"resultType": "vector", "result": []}})])
def test_what_is_no_answer_is_an_error_and_never_silence(answer: Response) -> None:
    with serving(lambda _: answer) as server, pytest.raises(OnCalmError):
        prometheus_alert(Web(server.url), DOWN)()


def test_an_alert_without_a_name_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError, match="alertname"):
        prometheus_alert(Web("http://127.0.0.1:1"), {"service": "cart"})


def broken() -> bool | None:
    return prometheus_alert(Web("http://127.0.0.1:1"), DOWN)()


def always(said: bool | None) -> Fires:
    return lambda: said


def test_an_alertmanager_that_tells_of_other_alerts_is_not_believed() -> None:
    other = {"labels": {"alertname": "Other"}, "endsAt": (NOW + timedelta(minutes=4)).isoformat()}
    with serving(alertmanager([other])) as server, pytest.raises(OnCalmError, match="other alerts"):
        alertmanager_alert(Web(server.url), DOWN, clock=lambda: NOW)()


@pytest.mark.parametrize(("readers", "said"), [
    ([], None), ([always(None)], None), ([always(False), always(None)], False), ([always(False), always(True)], True), ([broken, always(True)], True)])
def test_one_server_that_says_it_fires_is_enough(readers: list[Fires], said: bool | None) -> None:
    assert any_of(*readers)() is said


@pytest.mark.parametrize("readers", [[broken], [broken, always(False)], [always(None), broken]])
def test_while_a_server_cannot_be_asked_nobody_says_that_it_is_over(readers: list[Fires]) -> None:
    with pytest.raises(OnCalmError):
        any_of(*readers)()


def test_what_senders_told_counts_where_servers_know_nothing() -> None:
    assert [servers_first(always(server), always(told))() for server in (True, False, None) for told in (True, False, None)] == [
        True, True, True, False, False, False, True, False, None]
    assert servers_first(broken, always(True))() is True
    for told in (False, None):  # an Alertmanager resolves what a Prometheus that is gone does not send again
        with pytest.raises(OnCalmError):
            servers_first(broken, always(told))()


@pytest.mark.parametrize(("standing", "since", "said"), [
    ((1, NOW), None, True), ((0, None), None, False), ((0, None), NOW, False),
    ((1, NOW - timedelta(minutes=1)), NOW, None), ((1, NOW + timedelta(minutes=1)), NOW, True)])
def test_an_end_that_nobody_told_is_no_sign_that_it_still_fires(standing: tuple[int, datetime | None], since: datetime | None, said: bool | None) -> None:
    assert told_alert(lambda: standing, since)() is said
