"""Fixtures: a state database of each kind, and facts to sum up."""

from tests.agent.databases import postgres, url
from tests.agent.summaries.conftest import facts, troubled

__all__ = ["facts", "postgres", "troubled", "url"]
