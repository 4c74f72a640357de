"""Fixtures: one troubled home for a module, read only."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.summaries.facts import Facts
from agent.summaries.gathering import Scope, gather
from agent.summaries.sources import Sources
from tests.agent.databases import desk, either, postgres, url
from tests.agent.summaries.homes import NOW, stored, traced

__all__ = ["desk", "either", "postgres", "url"]


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with logs, spans and changes, hostile templates among them, and objectives."""
    home = traced(stored(tmp_path_factory.mktemp("troubled") / "home", hostile=True))
    (home / "slo.yaml").write_text("objectives:\n- {service: shop, target: 99.9%, window: 30d}\n- {service: shop, target: 0.9, window: 7d, of: records}\n"
                                   "- {service: nobody, target: 0.9}\n")
    (home / "teams.yaml").write_text("teams: {buying: [shop, web], posting: [mailer]}\n")
    return home


@pytest.fixture(scope="session")
def facts(troubled: Path) -> Facts:
    """Its facts, of the troubled two hours."""
    return gather(Scope(NOW), Sources(troubled), NOW.end)
