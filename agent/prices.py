"""What a model costs, in US dollars per million tokens.

The table holds list prices of OpenAI's own endpoint as they were known in September 2025; they change, and other
endpoints ask other prices. ``ONCALM_PRICES`` states yours. A model without a price costs an unknown amount, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from agent.llm.model import Usage

_MILLION = 1_000_000
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class Price(BaseModel):
    """US dollars per million tokens; ``cached`` are input tokens served from the provider's cache (default: as input)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)

    def of(self, usage: Usage) -> float:
        """What a call cost, in US dollars."""
        cached = self.input if self.cached is None else self.cached
        fresh = max(usage.input - usage.cached, 0)
        return (fresh * self.input + min(usage.cached, usage.input) * cached + usage.output * self.output) / _MILLION

    def at_most(self, tokens: int, answer: int) -> float:
        """What a call of so many input tokens, with the longest answer, may cost in US dollars."""
        return (tokens * self.input + answer * self.output) / _MILLION


LISTED: Mapping[str, Price] = {
    "gpt-5": Price(input=1.25, cached=0.125, output=10.0),
    "gpt-5-mini": Price(input=0.25, cached=0.025, output=2.0),
    "gpt-5-nano": Price(input=0.05, cached=0.005, output=0.4),
    "gpt-4.1": Price(input=2.0, cached=0.5, output=8.0),
    "gpt-4.1-mini": Price(input=0.4, cached=0.1, output=1.6),
    "gpt-4.1-nano": Price(input=0.1, cached=0.025, output=0.4),
    "gpt-4o": Price(input=2.5, cached=1.25, output=10.0),
    "gpt-4o-mini": Price(input=0.15, cached=0.075, output=0.6),
    "o3": Price(input=2.0, cached=0.5, output=8.0),
    "o4-mini": Price(input=1.1, cached=0.275, output=4.4),
}


def price_of(model: str, given: Mapping[str, Price], *, listed: bool) -> Price | None:
    """The price of a model: the user's, else with ``listed`` the list's; dated names (``gpt-5-2025-08-07``) count too."""
    plain = _DATED.sub("", model)
    for table in (given, LISTED if listed else {}):
        if found := table.get(model) or table.get(plain):
            return found
    return None
