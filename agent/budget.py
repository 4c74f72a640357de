"""What one run may spend on a model: its own limits, and those of the day and of its user in the shared ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.llm.errors import (
    ContextTooLongError,
    KeyRefusedError,
    ModelError,
    NotAModelError,
    NoToolsError,
    OverBudgetError,
    OverloadedError,
    QuotaError,
    UnreachableError,
)
from agent.llm.model import Reply, Usage
from agent.prices import Price
from agent.spend import Ledger, Limits, Payer, Spent, dollars

_FREE = (ContextTooLongError, KeyRefusedError, NotAModelError, NoToolsError, OverloadedError, QuotaError, UnreachableError)
"""Failures of calls that no provider bills."""


@dataclass(slots=True)
class Meter:
    """Looks before every model call whether it may be made, and books what it took."""

    payer: Payer
    price: Price | None
    """None when it is unknown: costs are then, too, and a limit in dollars cannot be kept."""
    run_tokens: int | None = None
    run_usd: float | None = None
    limits: Limits = Limits()
    ledger: Ledger | None = None
    notes: list[str] = field(default_factory=list)
    _booking: int | None = None
    _booked: int = 0
    """Input tokens of the call that is booked."""

    def allow(self, tokens: int, answer: int, used: Mapping[str, Any]) -> None:
        """Book a call of ``tokens`` and at most ``answer`` more; ``used`` is the run's usage so far.

        Raises OverBudgetError when a limit would be passed, or cannot be kept.
        """
        usd = self.price.at_most(tokens, answer) if self.price else None
        if usd is None and any(limit is not None for limit in (self.run_usd, self.limits.day_usd, self.limits.who_usd)):
            raise OverBudgetError(f"no price is known for {self.payer.model!r}, so a budget in dollars cannot be kept",
                                  where="budget", remedy="state it in ONCALM_PRICES, or give the budget in tokens")
        self._within_run(tokens + answer, usd, used)
        self._booking, self._booked = self._book(tokens, answer, usd), tokens

    def record(self, reply: Reply) -> dict[str, Any]:
        """Book a reply; returns what the answer's usage adds up."""
        usd = self.price.of(reply.usage) if self.price else None
        call = {"model": reply.model, "input_tokens": reply.usage.input, "cached_tokens": reply.usage.cached,
                "output_tokens": reply.usage.output, "cost_usd": usd, "seconds": round(reply.seconds, 3), "stored": reply.stored}
        if reply.stored:
            return {"calls": [{**call, "cost_usd": 0.0}]}
        self._settled(reply.usage, usd)
        return {"model_calls": 1, "input_tokens": reply.usage.input, "cached_tokens": reply.usage.cached,
                "output_tokens": reply.usage.output, "cost_usd": usd, "model": reply.model, "calls": [call]}

    def failed(self, error: ModelError) -> None:
        """Book a call that came to nothing: as its request's tokens when a provider may bill it."""
        if isinstance(error, _FREE):
            self._tell(Ledger.cancel)
        else:
            usage = Usage(self._booked)
            self._settled(usage, self.price.of(usage) if self.price else None)

    def cost(self, reply: Reply) -> float | None:
        """What a reply cost, in US dollars; None when no price is known."""
        return self.price.of(reply.usage) if self.price else None

    def totals(self) -> dict[str, Any]:
        """What was spent today by everyone and by this user, and in this conversation; empty without a ledger."""
        if self.ledger is None:
            return {}
        try:
            found: dict[str, Spent] = {"day": self.ledger.spent(day=True), "user_day": self.ledger.spent(day=True, who=self.payer.who)}
            if self.payer.conversation is not None:
                found["conversation"] = self.ledger.spent(conversation=self.payer.conversation)
        except (sqlite3.Error, OSError) as error:
            self._unkept(error)
            return {}
        return {name: spent.as_json() for name, spent in found.items()}

    def _within_run(self, tokens: int, usd: float | None, used: Mapping[str, Any]) -> None:
        spent = int(used.get("input_tokens", 0)) + int(used.get("output_tokens", 0))
        if self.run_tokens is not None and spent + tokens > self.run_tokens:
            raise OverBudgetError(f"the run may use {self.run_tokens:,} tokens; {spent:,} are used and the next call needs about {tokens:,}",
                                  where="budget", remedy="raise ONCALM_RUN_TOKENS")
        cost = float(used.get("cost_usd") or 0.0)
        if self.run_usd is not None and usd is not None and cost + usd > self.run_usd:
            raise OverBudgetError(f"the run may cost {dollars(self.run_usd)}; {dollars(cost)} are spent and the next call may cost {dollars(usd)}",
                                  where="budget", remedy="raise ONCALM_RUN_USD")

    def _book(self, tokens: int, answer: int, usd: float | None) -> int | None:
        if self.ledger is None:
            return None
        try:
            return self.ledger.book(self.payer, tokens, answer, usd, self.limits)
        except (sqlite3.Error, OSError) as error:
            if self.limits.any:
                raise OverBudgetError(f"what was spent cannot be kept in {self.ledger.path} ({error}), so the day's budget cannot be either",
                                      where="budget", remedy="make that file writable, or move a damaged one away") from error
            self._unkept(error)
            return None

    def _settled(self, usage: Usage, usd: float | None) -> None:
        self._tell(lambda ledger, booking: ledger.settle(booking, usage, usd))

    def _tell(self, change: Callable[[Ledger, int], None]) -> None:
        """Change the booking of the call that ended."""
        booking, self._booking = self._booking, None
        if self.ledger is None or booking is None:
            return
        try:
            change(self.ledger, booking)
        except (sqlite3.Error, OSError) as error:
            self._unkept(error)

    def _unkept(self, error: Exception) -> None:
        where = self.ledger.path if self.ledger else ""
        note = f"What was spent could not be kept in {where} ({error}); move the file away if it is damaged."
        if note not in self.notes:
            self.notes.append(note)
