"""What a house says of its alerts: how they are grouped, what matters most, and who may send them. Plain data; no secrets are read here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from agent.incidents.alert import Source
from agent.incidents.parsing.generic import Mapped

GROUP_BY = ("service", "alertname")


@dataclass(frozen=True, slots=True)
class Sender:
    """What proves one kind of sender. Any of what is set will do; with nothing set, a person with the role responder may post."""

    bearer: tuple[str, ...] = field(default=(), repr=False)
    """Tokens; the older ones while they are being replaced."""
    basic: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """User and password."""
    hmac: tuple[str, ...] = field(default=(), repr=False)
    routing_keys: tuple[str, ...] = field(default=(), repr=False)
    """PagerDuty's Events API v2 names its sender in the body."""
    signature_header: str = ""
    """Where Grafana puts its signature, when not in the usual place."""
    timestamp_header: str = ""

    @property
    def guarded(self) -> bool:
        """Whether anything is set."""
        return bool(self.bearer or self.basic or self.hmac or self.routing_keys)


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How alerts become incidents."""

    senders: Mapping[Source, Sender] = field(default_factory=dict)
    group_by: tuple[str, ...] = GROUP_BY
    """Names of labels; ``service`` and ``alertname`` are what was read as such."""
    criticality: Mapping[str, int] = field(default_factory=dict)
    """Services that matter more (1 to 10) or less (-10 to -1) than others."""
    regroup: timedelta = timedelta(minutes=30)
    """How long after its end an incident is opened again by an alert of its group."""
    quiet: timedelta = timedelta(minutes=10)
    """How long an incident whose alerts have all ended waits before it is resolved."""
    waiting: int = 50
    """Investigations that may wait; of more, those of least priority are put off until there is calm."""
    put_off: timedelta = timedelta(hours=6)
    """How long one that was put off may still be taken up."""
    at_once: int = 2
    """Investigations at the same time, in one process."""
    attempts: int = 3
    """How often an investigation is taken up whose process died."""
    lease: timedelta = timedelta(seconds=30)
    """How long a process that gives no sign of life keeps its investigation."""
    replay: timedelta = timedelta(minutes=5)
    """How old a signature may be."""
    propose: bool = False
    """Whether the first proposed action of an incident's investigation is put before people."""
    mapping: Mapped | None = None
    """Where the fields of generic alerts stand."""

    def sender(self, source: Source) -> Sender:
        """What proves a sender of this kind."""
        return self.senders.get(source, Sender())
