"""What a run is given besides its question: the analyst and the tools."""

from __future__ import annotations

from dataclasses import dataclass

from agent.analyst import Analyst
from tools.registry import Registry


@dataclass(frozen=True, slots=True)
class Context:
    """Collaborators, never checkpointed."""

    analyst: Analyst
    tools: Registry
