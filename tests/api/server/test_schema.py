"""The OpenAPI document is true: generated requests get the statuses, types and bodies that it names, and never a defect."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.server.conftest import Served

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture
def described(served: Served) -> Any:
    return schemathesis.openapi.from_url(f"{served.url}/openapi.json")


def test_every_operation_keeps_what_the_document_promises(described: Any, served: Served) -> None:
    asked, failed = 0, []
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            case.validate_response(case.call(timeout=20), checks=CHECKS)

        try:
            one()
        except Exception as error:  # noqa: BLE001 - each operation has its say
            failed.append(f"{operation.label}: {error!r} {getattr(error, 'exceptions', '')}")
        asked += 1
    assert not failed, "\n\n".join(failed)
    assert asked > 30
