"""A double of an API server, and how to ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.telemetry.sources.kubernetes.opened import Opened
from tools.cluster.double import ApiDouble


@pytest.fixture
def server() -> Iterator[ApiDouble]:
    with ApiDouble(token="t0ken-of-oncalm") as double:
        yield double


@pytest.fixture
def opened(server: ApiDouble, tmp_path: Path) -> Iterator[Opened]:
    held = Opened(server, tmp_path)
    yield held
    held.close()
