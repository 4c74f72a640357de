"""The facts that a summary is made of. Each group says where it is from, or why it was not assessed; times are UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

TemplateChange = Literal["new", "back", "burst", "vanished"]
"""Never seen before; not seen in the period before; more often than then; not seen any more."""


class Fact(BaseModel):
    """Base of all: immutable, plain data."""

    model_config = ConfigDict(frozen=True)


class Period(Fact):
    """``start <= t < end``."""

    start: datetime
    end: datetime

    @property
    def before(self) -> Period:
        """The period of equal length that ends where this one starts."""
        return Period(start=self.start - (self.end - self.start), end=self.start)

    def holds(self, when: datetime) -> bool:
        """Whether a moment is in it."""
        return self.start <= when < self.end


class Counted(Fact):
    """A number of the period and of the one before; ``before`` None when that one is not on record."""

    now: int
    before: int | None = None


class Service(Fact):
    """Who wrote records: all of them, and those of error level. ``requests`` are spans that others' calls began."""

    name: str
    records: Counted = Counted(now=0)
    errors: Counted = Counted(now=0)
    requests: Counted = Counted(now=0)
    failed: Counted = Counted(now=0)


class Template(Fact):
    """A log template whose frequency changed. ``bad``: it reports an error. ``counts`` are of equal steps of the period."""

    id: str
    pattern: str
    service: str
    change: TemplateChange
    count: Counted
    bad: bool
    first: datetime | None
    counts: tuple[int, ...] = ()


class Budget(Fact):
    """An error budget. ``used``: share of the window's budget that is spent; ``burn``: how many times faster than the
    target allows errors came in the period (1 uses the budget up exactly in its window)."""

    name: str
    service: str
    target: float
    of: str
    window: Period
    covered: float
    """Share of the window for which there are records."""
    bad: int = 0
    total: int = 0
    used: float | None = None
    burn: float | None = None
    reason: str | None = None
    """Why nothing can be said of it."""


class Change(Fact):
    """Something somebody changed."""

    at: datetime
    kind: str
    title: str
    service: str = ""
    actor: str = ""
    version: str = ""
    source: str = ""


class Happening(Fact):
    """An entry of an incident's timeline."""

    at: datetime
    kind: str
    text: str
    who: str = ""


class Incident(Fact):
    """An incident as it stood when the facts were gathered."""

    id: str
    title: str
    state: str
    severity: str = ""
    services: tuple[str, ...] = ()
    opened: datetime
    resolved: datetime | None = None
    timeline: tuple[Happening, ...] = ()
    cause: str = ""
    """What an investigation, or a person, put down as its cause; empty when nobody did."""
    evidence: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()


class Approval(Fact):
    """A proposed action and where it stands."""

    id: str
    state: str
    action: str
    target: str
    requester: str
    approvers: tuple[str, ...] = ()
    needed: int = 1
    created: datetime
    deadline: datetime
    reason: str = ""
    incident: str = ""


class Outcome(Fact):
    """What became of an action, as its verification says."""

    approval: str
    at: datetime
    action: str
    target: str
    verified: str
    statement: str = ""
    rolled_back: bool | None = None


class Watched(Fact):
    """An action whose verification has no verdict yet."""

    approval: str
    target: str
    since: datetime
    last: str = ""


class Spending(Fact):
    """What models cost; ``unpriced`` calls have no known price, and the dollars are without them."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0
    before_usd: float | None = None


class Gap(Fact):
    """A source that stopped. ``usual``: the longest silence it had before, in seconds."""

    what: str
    kind: str
    last: datetime
    usual: float


class Group(Fact):
    """Facts of one kind. ``missing`` says why they were not assessed; then ``items`` says nothing."""

    source: str
    items: tuple[Any, ...] = ()
    missing: str | None = None


class Chart(Fact):
    """Errors over time: equal steps of ``step`` seconds from ``start``, by service."""

    start: datetime
    step: float
    errors: dict[str, tuple[int, ...]] = {}


class Facts(Fact):
    """All facts of one period, for the services that were asked for (none: all)."""

    period: Period
    gathered: datetime
    team: str = ""
    services: tuple[str, ...] = ()
    records: Group
    templates: Group
    budgets: Group
    changes: Group
    incidents: Group
    approvals: Group
    outcomes: Group
    watches: Group
    spend: Group
    gaps: Group
    chart: Chart | None = None

    def groups(self) -> Iterator[tuple[str, Group]]:
        """Every group with its name."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Group):
                yield name, value

    def missing(self) -> dict[str, str]:
        """What was not assessed, and why."""
        return {name: group.missing for name, group in self.groups() if group.missing}
