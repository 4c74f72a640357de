"""What both database protocols have in common: statements that are remembered scrubbed, and the records of calls."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ebpf import redact
from ebpf.calls import SqlCall
from ebpf.captures import Exchange
from ebpf.parsers.sqltext import operation

_BEGINS = re.compile(r"[\s(;{]*(?:/\*|--|#|[A-Za-z]+(?![^\s -~])|\Z)")
_TLS = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")


@dataclass(frozen=True, slots=True)
class Statement:
    """A scrubbed text; ``unknown`` says what is not known of it."""

    text: str = ""
    unknown: tuple[str, ...] = ()


UNKNOWN = Statement(unknown=("statement",))


@dataclass(slots=True)
class Unit:
    """One thing that a client asked for, and what came of it. ``rows`` add up; None once they are unknown."""

    kind: str
    statement: Statement = field(default_factory=Statement)
    outcome: str = ""
    rows: int | None = 0
    results: int = 0
    error: str = ""
    code: int | None = None
    unknown: list[str] = field(default_factory=list)

    def take(self, rows: int | None, *, counts: bool = True) -> None:
        """A result came. ``counts``: it is one that has rows; None where their number was not seen."""
        self.outcome = "ok"
        self.results += counts
        if counts:
            self.rows = None if rows is None or self.rows is None else self.rows + rows


def statement(raw: bytes, dialect: str, *, cut: bool) -> Statement:
    """Scrub a text as it came from the wire; one that cannot be a statement is not kept."""
    text = raw.decode("utf-8", "replace")
    if text and not _BEGINS.match(text):
        return UNKNOWN
    return Statement(redact.sql(text, dialect, cut=cut), ("query_cut",) if cut else ())


def encrypted(data: bytes) -> bool:
    """Whether bytes begin as a record of TLS does."""
    return _TLS.match(data) is not None


def records(exchange: Exchange, system: str, units: list[Unit]) -> tuple[SqlCall, ...]:
    """The records of an exchange's units. Where there are several (``pipelined``) each has the times of all."""
    together = ("pipelined",) if len(units) > 1 else ()
    return tuple(_record(exchange, system, unit, together) for unit in units)


def _record(exchange: Exchange, system: str, unit: Unit, together: tuple[str, ...]) -> SqlCall:
    counted = unit.results > 0 and unit.rows is not None
    lost = ("rows",) if unit.results > 0 and unit.rows is None else ()
    asked = unit.kind in {"query", "execute", "prepare"}
    outcome = ("outcome",) if asked and not unit.outcome else ()
    return SqlCall(
        connection=exchange.connection, start=exchange.start, first=exchange.first, duration=exchange.last,
        queued=exchange.queued, server=exchange.server, peer=exchange.peer, port=exchange.port,
        request_size=exchange.request_size, response_size=exchange.response_size,
        unknown=(*unit.statement.unknown, *unit.unknown, *lost, *outcome, *together), system=system, kind=unit.kind,
        operation=operation(unit.statement.text), query=unit.statement.text, rows=unit.rows if counted else None,
        outcome=unit.outcome, error=unit.error, code=unit.code,
    )
