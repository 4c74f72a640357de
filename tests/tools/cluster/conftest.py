"""A healthy shop behind a double."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.cluster.shops import Held
from tools.cluster.double import ApiDouble


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    with ApiDouble(token="t0ken-of-oncalm") as double:
        one = Held(double, tmp_path)
        yield one
        one.cluster.close()
