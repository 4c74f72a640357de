"""PostgreSQL's protocol, version 3 (documentation, chapter 55): the calls of exchanges, connection by connection.

Values of parameters are passed over. Names of prepared statements are remembered with their scrubbed text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ebpf.calls import SqlCall
from ebpf.captures import Exchange
from ebpf.parsers.sparse import Recent, Sparse
from ebpf.parsers.sqltext import POSTGRES
from ebpf.parsers.statements import UNKNOWN, Statement, Unit, encrypted, records, statement

_STARTUPS = {196608: "startup", 196610: "startup", 80877102: "cancel", 80877103: "ssl", 80877104: "ssl"}
_FRONT, _BACK = frozenset(b"QPBEDSCFpdcfXH"), frozenset(b"123ACDEGHIKNRSTVWZcdnstv")
_LARGEST = 1 << 30
_TAG = re.compile(rb"([A-Z][A-Z ]*[A-Z])(?: (\d+))?(?: (\d+))?")
_LAST = re.compile(rb"C(\x00\x00\x00.)([A-Z0-9 ]{1,58})\x00(?:[123]\x00\x00\x00\x04)*Z\x00\x00\x00\x05[ITE]\Z", re.DOTALL)
"""How a response ends that succeeded: the last command's tag, then readiness."""


@dataclass(frozen=True, slots=True)
class _Message:
    kind: int
    body: bytes
    whole: bool


@dataclass(slots=True)
class _Session:
    """What is remembered of a connection."""

    statements: Recent[bytes, Statement] = field(default_factory=lambda: Recent(128))
    portals: Recent[bytes, Statement] = field(default_factory=lambda: Recent(64))


class Postgres:
    """Reads exchanges of connections into calls; the least recently used connection is forgotten beyond ``connections``."""

    def __init__(self, *, connections: int = 512) -> None:
        self._sessions: Recent[int, _Session] = Recent(connections)

    @property
    def forgotten(self) -> int:
        """Connections whose prepared statements had to be forgotten."""
        return self._sessions.dropped

    def calls(self, exchange: Exchange) -> tuple[SqlCall, ...]:
        """The calls of an exchange, at least one; where the bytes are not of this protocol it says ``not_postgres``."""
        units = _startup(exchange)
        if units is None:
            session = self._sessions.recall(exchange.connection) or self._sessions.keep(exchange.connection, _Session())
            units = _asked(exchange, session)
            _answered(exchange, units)
        return records(exchange, POSTGRES, units)


def _startup(exchange: Exchange) -> list[Unit] | None:
    """What the first messages of a connection ask, which have no type; None where this is not one."""
    request = exchange.request
    if encrypted(request):
        return [Unit("other", unknown=["encrypted"])]
    length = int.from_bytes(request[:4], "big")
    kind = _STARTUPS.get(int.from_bytes(request[4:8], "big")) if len(request) >= 8 and 8 <= length <= 10_000 else None
    if kind is None:
        return None
    unit = Unit(kind)
    if kind == "ssl":
        unit.outcome = "ok" if exchange.response[:1] in {b"S", b"N", b"G"} else ""
    else:
        _answered(exchange, [unit])
    return [unit]


def _messages(seen: Sparse, kinds: frozenset[int]) -> Iterator[_Message | None]:
    """The messages of one side in order; None where the rest cannot be told apart."""
    at = 0
    while at < seen.size:
        head = seen.get(at, 5)
        length = int.from_bytes(head[1:], "big") + 1
        if len(head) < 5 or head[0] not in kinds or not 5 <= length <= _LARGEST:
            yield None
            return
        body = seen.get(at + 5, length - 5)
        yield _Message(head[0], body, len(body) == length - 5)
        at += length


def _asked(exchange: Exchange, session: _Session) -> list[Unit]:
    """What the client asks for, in order."""
    units: list[Unit] = []
    parsed: Statement | None = None
    bound: Statement | None = None
    others: list[str] = []
    for message in _messages(Sparse(exchange.request, exchange.request_size), _FRONT):
        if message is None:
            waiting = bound or parsed
            if waiting is not None:
                units.append(Unit("execute", waiting))
            if not units and not others:
                return [Unit("other", unknown=["messages_cut" if exchange.request[:1] in b"QPBEDSCFpdcfXH" and 0 < len(exchange.request) < 5 else "not_postgres"])]
            for unit in units[-1:]:
                unit.unknown.append("messages_cut")
            parsed = bound = None
            break
        kind = chr(message.kind)
        if kind == "Q":
            text, ended, _ = message.body.partition(b"\0")
            units.append(Unit("query", statement(text, POSTGRES, cut=not ended)))
        elif kind == "P":
            name, _, rest = message.body.partition(b"\0")
            text, ended, _ = rest.partition(b"\0")
            parsed = session.statements.keep(name, statement(text, POSTGRES, cut=not ended))
        elif kind == "B":
            portal, _, rest = message.body.partition(b"\0")
            bound = session.portals.keep(portal, session.statements.recall(rest.partition(b"\0")[0]) or UNKNOWN)
        elif kind == "E":
            units.append(Unit("execute", session.portals.recall(message.body.partition(b"\0")[0]) or UNKNOWN))
            parsed = bound = None
        elif kind == "C" and message.body[:1] == b"S":
            session.statements.pop(message.body[1:].partition(b"\0")[0], None)
        else:
            others.append({"p": "authentication", "d": "copy", "c": "copy", "f": "copy"}.get(kind, "other"))
    if parsed is not None and bound is None:
        units.append(Unit("prepare", parsed))
    return units or [Unit(others[0]) if others else Unit("other", unknown=["not_postgres"])]


def _answered(exchange: Exchange, units: list[Unit]) -> None:
    """Give each unit what came of it: one result each, but all up to readiness to a simple query."""
    waiting = iter(units)
    unit = next(waiting, None)
    for message in _messages(Sparse(exchange.response, exchange.response_size, exchange.tail), _BACK):
        if unit is None:
            return
        if message is None:
            _ending(exchange, units, unit)
            return
        kind = chr(message.kind)
        if kind == "E":
            unit.outcome, unit.error = "error", _sqlstate(message.body)
            if not unit.error:
                unit.unknown.append("sqlstate")
        elif kind == "C":
            rows, counts = _rows(message)
            unit.take(rows, counts=counts)
        elif kind in "Is":
            unit.take(None, counts=kind == "s")
        elif kind == "G":
            unit.kind, unit.outcome = "copy", "ok"
        elif kind in "RS1tn" and unit.kind in {"startup", "authentication", "prepare"}:
            unit.outcome = unit.outcome or "ok"
        if kind == "Z" or (kind in "CEIs" and unit.kind == "execute"):
            unit = next(waiting, None)


def _ending(exchange: Exchange, units: list[Unit], unit: Unit) -> None:
    """Where messages in the middle were not seen: what the end of the response says of the last unit."""
    found = _LAST.search(exchange.tail)
    if unit.outcome == "error" or unit is not units[-1]:
        return
    if found is None or int.from_bytes(found[1], "big") != len(found[2]) + 5:
        if unit.kind in {"query", "execute"}:
            unit.unknown.append("response_cut")
        return
    rows, counts = _rows(_Message(ord("C"), found[2] + b"\0", whole=True))
    several = ";" in unit.statement.text or unit.results > 0 or bool(unit.statement.unknown)
    unit.take(None if several and unit.kind == "query" else rows, counts=counts)


def _rows(message: _Message) -> tuple[int | None, bool]:
    """Rows of a command's tag (``SELECT 5``, ``INSERT 0 5``), and whether its commands have any."""
    tag = _TAG.fullmatch(message.body.rstrip(b"\0"))
    if not message.whole or tag is None:
        return None, True
    counted = tag[3] or tag[2]
    return (int(counted[:18]), True) if counted else (0, False)


def _sqlstate(body: bytes) -> str:
    """The code among the fields of an error; nothing where it was not seen."""
    for part in body.split(b"\0"):
        if part[:1] == b"C" and re.fullmatch(rb"C[0-9A-Z]{5}", part):
            return part[1:].decode("ascii")
    return ""
