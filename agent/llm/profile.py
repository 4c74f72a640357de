"""How much a model can take, and how much of it OnCalm fills."""

from __future__ import annotations

from dataclasses import dataclass

SMALL = 16_000
"""Tokens of context below which a model gets the short prompt and short results."""
USUAL = 128_000


@dataclass(frozen=True, slots=True)
class Profile:
    """Sizes in tokens. ``context`` is all a request and its answer may take."""

    context: int
    answer: int
    result: int
    """One tool result."""
    catalog: int
    prompt: str
    """Name of the system prompt."""

    @property
    def room(self) -> int:
        """What a request may take: estimates run a tenth short at worst, so a tenth stays free."""
        return int((self.context - self.answer) * 0.9)

    def halved(self) -> Profile:
        """The profile for an endpoint that takes less than was thought."""
        return profile(self.context // 2)


def profile(context: int | None = None) -> Profile:
    """The profile for a model of so much context; more than 128,000 tokens are never filled, they only cost."""
    size = min(context or USUAL, USUAL)
    if size < SMALL:
        return Profile(size, answer=min(1_000, size // 5), result=size // 8, catalog=size // 16, prompt="analyst_small")
    return Profile(size, answer=4_000, result=min(3_000, size // 10), catalog=1_500, prompt="analyst")
