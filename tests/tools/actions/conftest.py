"""The shop of the actions behind a double."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.actions.worlds import Shop
from tools.cluster.double import ApiDouble


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with ApiDouble(token="t0ken-of-oncalm") as double:
        one = Shop(double, tmp_path)
        yield one
        one.actions.close()
