"""What the signals say: observations, suspects, and what was ruled out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from signals.observed import Entity, Windows

SignKind = Literal[
    "metric_shift", "saturation", "missing_data", "template_new", "template_burst", "template_gone", "order_break", "error_ratio",
    "latency_self", "latency_wait", "error_origin", "missing_call", "rate_collapse", "restart", "change", "kube",
]


@dataclass(frozen=True, slots=True)
class Sign:
    """One observation about one entity. ``strength`` is comparable between kinds: about the natural logarithm of how
    much likelier it is when the entity is the cause than when nothing is wrong with it; negative speaks against."""

    entity: Entity
    kind: SignKind
    strength: float
    statement: str
    """One sentence with the numbers in it, before and during."""
    at: int | None = None
    """When it began, µs since 1970."""
    aspect: str = ""
    """Which resource or symptom: ``cpu``, ``memory``, ``latency``, ``network``, ``errors``, ``disk``, a metric's name."""
    refs: tuple[str, ...] = ()
    """What to cite: series (``series:ENTITY/METRIC``), spans (``span:TRACE/SPAN``), templates (``template:ID``), changes."""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A ranked entity. ``score`` is the calibrated probability, 0 to 1, that it is the origin."""

    rank: int
    entity: Entity
    cause: str
    """A short word of the field: ``cpu``, ``memory``, ``network delay``, ``exception``, ``oom_killed``, ``deploy`` …"""
    statement: str
    score: float
    evidence: tuple[Sign, ...] = ()
    against: tuple[Sign, ...] = ()
    victims: tuple[Entity, ...] = ()
    """Who suffers from it, by the graph."""
    positions: tuple[str, ...] = ()
    """Code positions that are suspect within it, best first."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """What was looked at and does not explain the incident."""

    entity: Entity
    why: str
    signs: tuple[Sign, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Suspects, best first; none when the data shows no cause. ``data`` is for pictures."""

    windows: Windows
    suspects: tuple[Suspect, ...]
    ruled_out: tuple[Excluded, ...] = ()
    not_assessed: tuple[str, ...] = ()
    signs: tuple[Sign, ...] = ()
    """All observations, strongest first."""
    calls: tuple[tuple[Entity, Entity], ...] = ()
    """The graph that was used, (caller, callee)."""
    data: Mapping[str, Any] = field(default_factory=dict)
