"""A summary as a document: sentences by section, what was not assessed, and the facts behind it. What is kept and rendered."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from agent.summaries.facts import Fact, Facts, Period

Kind = Literal["period", "handover", "postmortem"]
Weight = Literal["bad", "watch", "plain"]


class Item(Fact):
    """One statement. ``code`` is text of telemetry, shown as it is; ``weight`` says how much it matters."""

    text: str
    code: str = ""
    weight: Weight = "plain"

    @property
    def whole(self) -> str:
        """Statement and code as one line."""
        return f"{self.text} {self.code}".strip()


class Section(Fact):
    """Statements of one kind, the most important first. ``columns`` and ``rows`` are a table below them."""

    title: str
    items: tuple[Item, ...] = ()
    more: int = 0
    """How many were left out."""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    prompts: tuple[str, ...] = ()
    """Questions that only people can answer; their answers are left empty."""


class Summary(Fact):
    """A whole summary. ``lead`` is what to know first; ``author`` whose words it is."""

    kind: Kind
    title: str
    period: Period
    made: datetime
    team: str = ""
    services: tuple[str, ...] = ()
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    missing: tuple[str, ...] = ()
    author: Literal["facts", "model"] = "facts"
    notes: tuple[str, ...] = ()
    facts: Facts
    id: str = ""
    """Given when it is kept."""

    def document(self) -> dict[str, Any]:
        """As ``--json`` and HTTP show it."""
        return self.model_dump(mode="json")
