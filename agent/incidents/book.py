"""The incidents of one transaction: read once, changed in memory, written at its end by compare-and-set."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from agent.incidents import statements
from agent.incidents.errors import NoSuchIncidentError, WayError
from agent.incidents.incident import Incident
from agent.incidents.states import State, leads
from agent.incidents.tables import timeline
from telemetry.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_FIXED = frozenset({"id", "group_key", "grouped", "service", "created", "earlier"})
"""What an incident keeps all its life."""
CLOCK, ALERTS, WORKER = "clock", "alerts", "oncalm"
"""Who acts when no person does."""


class Book:
    """Writes nothing before :meth:`settle`, which raises StoreError when another was faster. ``now`` in microseconds since 1970."""

    def __init__(self, connection: Connection, now: int) -> None:
        self.connection = connection
        self.now = now
        self._events: list[tuple[str, Incident]] = []
        self._held: dict[str, Incident] = {}
        self._were: dict[str, Incident | None] = {}
        self._groups: dict[str, str | None] = {}
        self._entries: list[dict[str, Any]] = []

    def get(self, ident: str) -> Incident:
        """Raises NoSuchIncidentError."""
        if ident not in self._held:
            row = self.connection.execute(statements.INCIDENT, {"of_id": ident}).one_or_none()
            if row is None:
                raise NoSuchIncidentError("there is no such incident", where=f"incident {ident[:40]}", remedy="see `oncalm incidents list`")
            self._hold(of_row(row))
        return self._held[ident]

    def of_group(self, key: str) -> Incident | None:
        """The newest incident of a group: one that is not over before one that is."""
        if key not in self._groups:
            row = self.connection.execute(statements.OF_GROUP, {"of_group": key}).one_or_none()
            self._groups[key] = self.held(row).id if row is not None else None
        found = self._groups[key]
        return self._held[found] if found is not None else None

    def held(self, row: Row[Any]) -> Incident:
        """A row as this transaction knows it."""
        if row.id not in self._held:
            self._hold(of_row(row))
        return self._held[row.id]

    def open(self, made: Mapping[str, Any]) -> Incident:
        """A new incident, ``open``."""
        one = Incident(id=f"inc-{uuid4().hex[:16]}", state="open", version=0, created=self.now, changed=self.now, **made)
        self._held[one.id], self._were[one.id], self._groups[one.group_key] = one, None, one.id
        return one

    def note(self, one: Incident, kind: str, actor: str, body: Mapping[str, Any] | None = None, *, told: bool = True) -> None:
        """Put something at the end of its timeline."""
        one.notes += 1
        self._entries.append({"incident": one.id, "seq": one.notes, "at": self.now, "kind": kind[:40], "actor": actor[:200],
                              "body": json.dumps(dict(body or {}), ensure_ascii=False, sort_keys=True)})
        if told:
            self._events.append((kind, one))

    def move(self, one: Incident, after: State, actor: str, why: str = "") -> None:
        """To another state. Raises WayError when there is no way."""
        before = one.state
        if not leads(before, after):
            said = f" (by {one.ended_by})" if one.ended_by and before in {"mitigated", "resolved"} else ""
            raise WayError(f"it is {before}{said}; there is no way from there to {after}", where=f"incident {one.id}", remedy="look at it again")
        one.state, one.changed, one.version = after, self.now, one.version + 1
        one.resolved = self.now if after == "resolved" else None
        one.ended_by = actor if after in {"mitigated", "resolved"} else ""
        self.note(one, "reopened" if after == "open" else after, actor, {"before": before, **({"why": why} if why else {})})

    def ending(self, one: Incident) -> dict[str, Any]:
        """How an earlier incident ended, and what was said of it."""
        last = self.connection.execute(timeline.select().where(
            timeline.c.incident == one.id, timeline.c.kind == "resolved").order_by(timeline.c.seq.desc()).limit(1)).one_or_none()
        return {"incident": one.id, "state": one.state, "ended_by": one.ended_by, "why": json.loads(last.body).get("why", "") if last else ""}

    def settle(self, beside: Callable[[], None] = lambda: None) -> None:
        """Write what changed, and ``beside`` it rows that refer to it. Raises StoreError when another was faster."""
        made = [one for ident, one in self._held.items() if self._were[ident] is None]
        if made:
            self.connection.execute(statements.OPENS, [_columns(one) for one in made])
        for ident, was in self._were.items():
            if was is not None:
                self._write(self._held[ident], was)
        self._were = {ident: replace(one) for ident, one in self._held.items()}
        if self._entries:
            self.connection.execute(statements.NOTES, self._entries)
            self._entries = []
        beside()

    def told(self) -> list[tuple[str, Incident]]:
        """What happened, with the incidents as they are now."""
        return [(kind, replace(one)) for kind, one in self._events]

    def _hold(self, one: Incident) -> None:
        self._held[one.id], self._were[one.id] = one, replace(one)

    def _write(self, one: Incident, was: Incident) -> None:
        if one == was:
            return
        told = {name: value for name, value in _columns(one).items() if name not in _FIXED}
        done = self.connection.execute(statements.CHANGES, {**told, "of_id": one.id, "of_version": was.version, "of_notes": was.notes})
        if done.rowcount != 1:
            raise StoreError("another process changed it at the same time", where=f"incident {one.id}", remedy="try again")


def of_row(row: Row[Any]) -> Incident:
    """An incident as it is kept."""
    return Incident(**{**row._asdict(), "grouped": json.loads(row.grouped)})


def _columns(one: Incident) -> dict[str, Any]:
    return {**asdict(one), "grouped": json.dumps(one.grouped, ensure_ascii=False, sort_keys=True)}
