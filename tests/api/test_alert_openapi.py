"""What OpenAPI says of alerts and incidents is what the server does: requests made from the schema, and ones that break it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection

from agent.incidents.settings import AlertSettings
from api.incidents.alerting import Alerting, opened
from tests.api.alert_server import ROLE, application, nothing_found

_HOME = tempfile.TemporaryDirectory(prefix="oncalm-openapi-")  # gone when the process ends
_ALERTING = Alerting(opened(Path(_HOME.name), AlertSettings()), nothing_found)
schema = schemathesis.openapi.from_asgi("/openapi.json", application(_ALERTING))


@pytest.fixture(scope="module", autouse=True)
def taking() -> Iterator[None]:
    _ALERTING.intake.start()
    yield
    _ALERTING.intake.stop()


@schema.parametrize()
@hypothesis.settings(max_examples=25, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
def test_every_answer_is_one_that_is_described(case: schemathesis.Case) -> None:
    lenient = [negative_data_rejection] if case.path.startswith("/v1/alerts/") else []  # senders add, leave out and misspell; what can be read is taken

    case.call_and_validate(headers={ROLE: "admin"}, excluded_checks=lenient)
