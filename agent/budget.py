"""What one run may spend on a model, in tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agent.llm.errors import OverBudgetError
from agent.llm.model import Reply, Usage


@dataclass(slots=True)
class RunPurse:
    """The tokens of one run. Prices are not known here, so ``cost_usd`` stays None once a model was paid."""

    limit: int | None
    """Input and output tokens together; None for no limit."""
    spent: Usage = field(default=Usage())

    def allow(self, tokens: int) -> None:
        """Raise OverBudgetError when a call of about so many tokens would pass the limit."""
        used = self.spent.input + self.spent.output
        if self.limit is not None and used + tokens > self.limit:
            raise OverBudgetError(f"the run may use {self.limit:,} tokens; {used:,} are used and the next call needs about {tokens:,}",
                                  where="budget", remedy="raise ONCALM_RUN_TOKENS")

    def record(self, reply: Reply) -> dict[str, Any]:
        """Book a reply; returns what the answer's usage adds up."""
        if reply.stored:
            return {"stored_replies": 1}
        self.spent += reply.usage
        return {"model_calls": 1, "input_tokens": reply.usage.input, "cached_tokens": reply.usage.cached,
                "output_tokens": reply.usage.output, "cost_usd": None, "model": reply.model}
