"""Fixtures: a desk on SQLite, and one on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.state_db.database import Database
from tests.agent.desk import Desk
from tests.agent.postgres import Server, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with server() as running:
        running.run("CREATE DATABASE made")
        Database(running.url("made")).close()
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """A new state database of each kind; None for the home's own."""
    if request.param == "sqlite":
        yield None
        return
    server = request.getfixturevalue("postgres")
    made = server.database("made")
    yield made
    server.drop(made)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def either(tmp_path: Path, url: str | None) -> Iterator[Desk]:
    """A desk on each database."""
    made = Desk(tmp_path / "home", url)
    yield made
    made.close()
