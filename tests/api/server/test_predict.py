"""Typed predictions over real HTTP."""

from __future__ import annotations

import pytest

from tests.api.server.conftest import Served

USUAL = [["open", "read", "close"]] * 40 + [["open", "read", "read", "close"]] * 10


def test_sessions_that_are_unlike_the_usual_are_told_with_reasons(served: Served) -> None:
    found = served.http.post("/predict/anomaly", json={"usual": USUAL, "sessions": [["open", "read", "close"], ["open", "panic", "panic"]]}).json()

    assert (found["judged"], found["abnormal"]) == (2, 1)
    assert found["items"][0]["session"] == 1
    assert "panic" in str(found["items"][0]["reasons"])


@pytest.mark.parametrize("body", [{}, {"sessions": [["a"]]}, {"sessions": [["a"]], "usual": [["a"]]}, {"sessions": [[]], "usual": USUAL}, {"from": "yesterday"}])
def test_what_cannot_be_judged_is_refused_with_the_field(served: Served, body: object) -> None:
    response = served.http.post("/predict/anomaly", json=body)

    assert response.status_code == 422
    assert response.json()["errors"]


def test_a_store_without_traces_cannot_be_judged_and_says_why(served: Served) -> None:
    response = served.http.post("/predict/anomaly", json={"from": "2026-11-26T10:05:00Z"})

    assert response.status_code == 404
    assert "trace" in response.json()["detail"]


def test_suspects_come_as_data(served: Served) -> None:
    found = served.http.post("/predict/rca", json={"from": "2026-11-26T10:05:00Z", "to": "2026-11-26T10:10:00Z", "aspect": "errors"})

    assert found.status_code == 200, found.text
    assert set(found.json()) == {"window", "baseline", "chosen", "suspects", "ruled_out", "timeline", "not_assessed", "graph"}
