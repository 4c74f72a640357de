"""What was observed, as arrays: the input of every signal. Times are microseconds since 1970 (UTC)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from telemetry.columns import Flags as Flags  # noqa: PLC0414 - for those who import it from here
from telemetry.columns import Floats as Floats  # noqa: PLC0414 - the same
from telemetry.columns import Ints as Ints  # noqa: PLC0414 - the same
from telemetry.columns import Spans as Spans  # noqa: PLC0414 - the same
from telemetry.records import Change

if TYPE_CHECKING:
    from signals.kube.incident import Look

EntityKind = Literal["service", "pod", "node", "deployment", "database", "external", "code", "change", "namespace"]


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """Somebody or something that can be to blame. ``code`` is named ``logger#line`` or ``file:line``."""

    kind: EntityKind
    name: str
    namespace: str = ""
    """Of a part of a Kubernetes cluster whose name others in other namespaces have, too; empty where the name alone tells."""

    @property
    def key(self) -> str:
        """Its name, after its namespace where that is needed."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def document(self) -> dict[str, str]:
        """It as plain data; the namespace only where it is needed."""
        return {"kind": self.kind, "name": self.name, **({"namespace": self.namespace} if self.namespace else {})}


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one entity. ``times`` ascending, may have gaps; ``values`` of the same length, no NaN.

    Sums with cumulative temporality have been made rates per second (resets seen to) before they come here.
    """

    entity: Entity
    metric: str
    times: Ints
    values: Floats
    unit: str = ""


@dataclass(frozen=True, slots=True)
class LogEvents:
    """Log records as columns: when, which template, who wrote it, in which trace."""

    time: Ints
    template: Ints
    """Index into ``templates``."""
    entity: Ints
    """Index into ``entities``: the finest that is known, a pod before a service."""
    trace: Ints
    """The number that :class:`Spans` gives the trace (its own numbers without spans), -1 when unknown."""
    templates: tuple[str, ...]
    """Patterns, ``<*>`` for what varies."""
    ids: tuple[str, ...]
    """Template ids, to cite."""
    levels: tuple[str, ...]
    """The usual level of each template, "" when unknown."""
    positions: tuple[str, ...]
    """The code position that writes each template (``c.s.ContactsServiceImpl#31``), "" when unknown."""
    entities: tuple[Entity, ...]
    span: Ints | None = None
    """The row in :class:`Spans` of the span that wrote each record, -1 when unknown; None when no record names one."""

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True)
class Window:
    """``start <= t < end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Windows:
    """What is normal and what is to be explained. ``chosen`` says how they were found."""

    baseline: tuple[Window, ...]
    incident: Window
    chosen: str = "given"
    begun: bool = True
    """Whether the incident's start is known, told or seen in the data; otherwise it is only the last part of the time."""


@dataclass(frozen=True, slots=True)
class Observed:
    """All that is known about a stretch of time. What could not be looked at is named in ``not_assessed``."""

    series: tuple[Series, ...] = ()
    spans: Spans | None = None
    logs: LogEvents | None = None
    changes: tuple[Change, ...] = ()
    calls: tuple[tuple[Entity, Entity], ...] = ()
    """(caller, callee), from configuration, connection records or a given graph; spans add their own."""
    belongs: Mapping[Entity, tuple[Entity, ...]] = field(default_factory=dict)
    """What an entity is part of or runs on: ``{pod: (service, node)}``, ``{code: (service,)}``."""
    not_assessed: tuple[str, ...] = ()
    cluster: Look | None = None
    """The Kubernetes cluster it runs in, as it was seen."""
