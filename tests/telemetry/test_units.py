"""One table of units; whoever reads units knows every spelling in it."""

from __future__ import annotations

import duckdb
import pytest

from agent.evidence.figures import figures
from api.ingestion.commands import _AGES, _measure
from telemetry.store.bindings import numeric_sql
from telemetry.units import BYTES, CALENDAR, SECONDS


@pytest.mark.parametrize("unit", [*SECONDS, *BYTES])
def test_value_of_a_log_is_scaled_by_its_unit(unit: str) -> None:
    value = f"'3 {unit}'"
    [(found,)] = duckdb.sql(f"SELECT {numeric_sql(value)}").fetchall()

    assert found == pytest.approx(3 * (SECONDS.get(unit) or BYTES[unit]))


@pytest.mark.parametrize("unit", [*SECONDS, *BYTES])
def test_figure_of_a_claim_is_scaled_by_its_unit(unit: str) -> None:
    [(figure, _)] = figures(f"it took 3 {unit} in all")

    assert figure.value * figure.scale == pytest.approx(3 * (SECONDS.get(unit) or BYTES[unit]))


def test_age_to_keep_has_no_unit_below_a_second() -> None:
    assert {*_AGES} == {unit for unit in {*SECONDS, *CALENDAR} if (SECONDS.get(unit) or CALENDAR[unit]) >= 1}
    assert _measure("2 hrs", _AGES) == 7200
    assert "ms" not in _AGES
