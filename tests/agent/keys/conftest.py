"""Fixtures of approvals, shared by four folders."""

from tests.agent.databases import desk, either, postgres, url

__all__ = ["desk", "either", "postgres", "url"]
