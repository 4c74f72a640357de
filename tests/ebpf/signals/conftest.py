"""Without root, BTF and built objects these tests skip and say so."""

from __future__ import annotations

import pytest

from tests.ebpf.signals.live import why_not


@pytest.fixture(autouse=True)
def _live(request: pytest.FixtureRequest) -> None:
    if "pure" not in request.node.nodeid and (why := why_not()):
        pytest.skip(why)
