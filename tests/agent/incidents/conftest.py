"""Fixtures: incidents on each database, with a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.databases import postgres, url
from tests.agent.incidents.making import House
from tests.agent.seeded import seeded

__all__ = ["postgres", "url"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(f"sqlite:///{seeded(tmp_path) / 'state.db'}")
    yield made
    made.close()


@pytest.fixture
def either(tmp_path: Path, url: str | None) -> Iterator[House]:
    """Incidents on each database."""
    made = House(url or f"sqlite:///{seeded(tmp_path) / 'state.db'}")
    yield made
    made.close()
