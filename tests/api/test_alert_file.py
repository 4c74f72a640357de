"""``alerts.yaml`` names secrets and never holds them; what it lacks is told, and opens no door."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agent.incidents.settings import AlertSettings
from api.incidents.config import read
from telemetry.errors import UsageError

_ENVIRONMENT = {"AM_TOKEN": "alertmanager-token", "AM_PASSWORD": "alertmanager-pw", "PD_NEW": "pagerduty-new", "PD_OLD": "pagerduty-old", "SHORT": "x"}
_WHOLE = """
senders:
  alertmanager: {bearer: AM_TOKEN, basic: {user: am, password: AM_PASSWORD}}
  pagerduty: {hmac: [PD_NEW, PD_OLD]}
group_by: [service, alertname, cluster]
criticality: {checkout: 9}
regroup_minutes: 60
generic:
  title: event.name
  status: {path: event.state, values: {RED: firing}}
"""


def told(tmp_path: Path, text: str) -> AlertSettings:
    path = tmp_path / "alerts.yaml"
    path.write_text(text)
    return read(path, _ENVIRONMENT.get, needed=True)


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    found = told(tmp_path, _WHOLE)

    assert (found.sender("alertmanager").bearer, found.sender("alertmanager").basic) == (("alertmanager-token",), (("am", "alertmanager-pw"),))
    assert (found.sender("pagerduty").hmac, found.sender("grafana").guarded) == (("pagerduty-new", "pagerduty-old"), False)
    assert (found.group_by, found.regroup, found.criticality) == (("service", "alertname", "cluster"), timedelta(hours=1), {"checkout": 9})
    assert found.mapping is not None


@pytest.mark.parametrize("text", [
    "senders: {alertmanager: {bearer: MISSING}}", "senders: {alertmanager: {bearer: SHORT}}", "senders: {alertmanager: {}}", "senders: {nagios: {bearer: AM_TOKEN}}",
    "senders: {grafana: {routing_keys: AM_TOKEN}}", "group_by: []", "criticality: {x: 99}", "unknown: 1", "[1", "- 1", "generic: {status: x}", "waiting: 0",
])
def test_what_is_wrong_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as refused:
        told(tmp_path, text)

    assert "alerts.yaml" in refused.value.where


def test_an_empty_file_and_none_are_the_usual(tmp_path: Path) -> None:
    assert told(tmp_path, "") == read(tmp_path / "none.yaml", _ENVIRONMENT.get, needed=False) == AlertSettings()


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read(tmp_path / "none.yaml", _ENVIRONMENT.get, needed=True)
