"""What tests of tools share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.mcp_asking import serve


@pytest.fixture(params=["json", "sse"])
def web(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that answers in either form."""
    url, process = serve(request.param)
    yield url
    process.kill()
    process.wait()
