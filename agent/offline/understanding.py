"""What a reader makes of a question: a reading, or a refusal that says what can be asked instead."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from telemetry.models import Filter, Operation, Stat, Window

Kind = Literal["", "any", "number", "duration", "size", "count"]
"""What sort of value a question asks about: ``any`` a name or a value, the others a number."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was understood. ``target`` holds the words that name the records; the resolver reads them.

    ``noun`` are the words that name the value asked about and ``field`` the reader's first guess at it; which
    field is meant may depend on the records, so it is settled together with the target.
    """

    operation: Operation
    window: Window = Window()
    baseline: Window | None = None
    target: str = ""
    base_target: str = ""
    filters: tuple[Filter, ...] = ()
    field: str | None = None
    noun: str = ""
    kind: Kind = ""
    stats: tuple[Stat, ...] = ()
    group_by: tuple[str, ...] = ()
    bucket: int | None = None
    limit: int = 10
    order: Any = "desc"
    order_by: str | None = None
    statements: tuple[str, ...] = ()
    ambiguities: tuple[str, ...] = ()
    confidence: float = 0.9
    excluded: tuple[str, ...] = ()
    """Words for records to leave out: "except duplicate key ones"."""
    yes_no: bool = False
    unusual: bool = False
    """A comparison of which only what stands out is asked."""
    guessed: bool = False
    """No form of question fitted; the words alone were taken as a search."""

    def to_json(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        data = asdict(self)
        data["window"] = self.window.model_dump(mode="json")
        data["baseline"] = self.baseline.model_dump(mode="json") if self.baseline else None
        data["filters"] = [f.model_dump(mode="json") for f in self.filters]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reading:
        """The reverse of :meth:`to_json`."""
        lists = {k: tuple(data[k]) for k in ("stats", "group_by", "statements", "ambiguities", "excluded")}
        return cls(**{
            **data, **lists, "window": Window.model_validate(data["window"]),
            "baseline": Window.model_validate(data["baseline"]) if data["baseline"] else None,
            "filters": tuple(Filter.model_validate(f) for f in data["filters"]),
        })


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a question cannot be read, and the nearest things that can be asked."""

    reason: str
    nearest: tuple[str, ...] = ()
