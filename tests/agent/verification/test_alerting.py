"""Whether an alert fires is read from a real Prometheus and from an Alertmanager's API; what an absence does not tell is not said."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.verification.alerting import alertmanager_alert, first_that_knows, prometheus_alert
from telemetry.errors import OnCalmError, UsageError
from telemetry.sources.web import Web
from tests.telemetry.sources.prometheus_server import prometheus
from tests.telemetry.sources.serving import Request, Response, as_json, serving

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
DOWN = {"alertname": "CartDown", "service": "cart"}
_RULES = """\
groups:
- name: cart
  interval: 1s
  rules: [{{alert: CartDown, expr: '{expr}', labels: {{service: cart}}}}]
"""


def until(read: Callable[[], bool | None], wanted: bool | None) -> bool | None:
    found = read()
    for _ in range(150):
        if found is wanted:
            break
        time.sleep(0.1)
        found = read()
    return found


def test_a_real_prometheus_says_whether_it_fires(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(_RULES.format(expr="vector(1)"))
    with prometheus(tmp_path) as url:
        config = tmp_path / "prometheus.yml"
        config.write_text(config.read_text() + f"rule_files: ['{rules}']\n")
        reload(tmp_path)
        fires, other, silent = (prometheus_alert(Web(url), labels) for labels in (DOWN, {**DOWN, "service": "web"}, {"alertname": "Never"}))

        assert until(fires, True) is True
        assert (other(), silent()) == (False, None)
        rules.write_text(_RULES.format(expr="vector(0) > 1"))
        reload(tmp_path)
        assert until(fires, False) is False


def reload(folder: Path) -> None:
    """Ask the one Prometheus that works in ``folder`` to read its configuration again."""
    (pid,) = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit() and _works_in(one, folder)]
    os.kill(pid, signal.SIGHUP)


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return f"--config.file={folder}/prometheus.yml" in (process / "cmdline").read_text().split("\0")
    except OSError:
        return False


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


def test_the_first_that_knows_answers_and_a_failure_is_told_when_nobody_knows() -> None:
    def broken() -> bool | None:
        return prometheus_alert(Web("http://127.0.0.1:1"), DOWN)()

    assert first_that_knows(broken, lambda: None, lambda: False)() is False
    assert first_that_knows(lambda: None)() is None
    with pytest.raises(OnCalmError):
        first_that_knows(broken, lambda: None)()
