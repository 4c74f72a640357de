"""A house whose home is a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.databases import postgres, url
from tests.api.door.house import House

__all__ = ["house", "postgres", "url"]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")
