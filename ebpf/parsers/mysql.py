"""The protocol of MySQL and MariaDB (MySQL source documentation, "Client/Server Protocol"): the calls of exchanges.

Values of parameters are passed over. Prepared statements are remembered with their scrubbed text. Rows are counted packet by
packet, or by the numbers of the first and the last packet where fewer than 256 can stand between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ebpf.calls import SqlCall
from ebpf.captures import Exchange
from ebpf.parsers.mysql_results import Reader
from ebpf.parsers.sparse import Recent, Sparse
from ebpf.parsers.sqltext import MYSQL
from ebpf.parsers.statements import UNKNOWN, Statement, Unit, encrypted, records, statement

_COMMANDS = {
    0x01: "silent", 0x02: "other", 0x03: "query", 0x04: "other", 0x09: "other", 0x0D: "other", 0x0E: "other", 0x11: "authentication",
    0x12: "other", 0x16: "prepare", 0x17: "execute", 0x18: "silent", 0x19: "silent", 0x1A: "other", 0x1B: "other", 0x1C: "fetch",
    0x1F: "other", 0xFA: "execute",
}
"""``silent``: the server does not answer."""
_SSL, _COMPRESS, _ATTRIBUTES, _PROTOCOL_41 = 1 << 11, 1 << 5 | 1 << 26, 1 << 27, 1 << 9
_LATEST = 0xFFFFFFFF
"""MariaDB: the statement that was prepared last."""


@dataclass(slots=True)
class _Session:
    """``capabilities``: of the client's handshake; None where it was not seen."""

    statements: Recent[int, Statement] = field(default_factory=lambda: Recent(128))
    capabilities: int | None = None


@dataclass(frozen=True, slots=True)
class _Packet:
    number: int
    body: bytes
    length: int

    @property
    def whole(self) -> bool:
        return len(self.body) == self.length and self.length < 0xFFFFFF


class Mysql:
    """Reads exchanges of connections into calls; the least recently used connection is forgotten beyond ``connections``."""

    def __init__(self, *, connections: int = 512) -> None:
        self._sessions: Recent[int, _Session] = Recent(connections)

    @property
    def forgotten(self) -> int:
        """Connections whose prepared statements had to be forgotten."""
        return self._sessions.dropped

    def calls(self, exchange: Exchange) -> tuple[SqlCall, ...]:
        """The calls of an exchange, at least one; where the bytes are not of this protocol it says ``not_mysql``."""
        session = self._sessions.recall(exchange.connection) or self._sessions.keep(exchange.connection, _Session())
        return records(exchange, MYSQL, _units(exchange, session))


def _units(exchange: Exchange, session: _Session) -> list[Unit]:
    if encrypted(exchange.request):
        return [Unit("other", unknown=["encrypted"])]
    packets = list(_packets(Sparse(exchange.request, exchange.request_size)))
    if not packets or packets[0] is None or not packets[0].body:
        return [Unit("other", unknown=["messages_cut" if len(exchange.request) in range(1, 5) else "not_mysql"])]
    if packets[0].number:
        return [_handshake(exchange, packets[0], session)]
    if session.capabilities is not None and session.capabilities & _COMPRESS:
        return [Unit("other", unknown=["compressed"])]
    return _commands(exchange, packets, session)


def _packets(seen: Sparse) -> Iterator[_Packet | None]:
    """The packets of a request; None where the rest cannot be told apart."""
    at = 0
    while at < seen.size:
        head = seen.get(at, 5)
        length = int.from_bytes(head[:3], "little")
        if len(head) < 5 or at + 4 + length > seen.size:
            yield None
            return
        yield _Packet(head[3], seen.get(at + 4, length), length)
        at += 4 + length


def _handshake(exchange: Exchange, packet: _Packet, session: _Session) -> Unit:
    """What belongs to the beginning of a connection: its packets go on with the server's numbers."""
    reader = Reader(exchange)
    if packet.number != 1 or len(packet.body) < 32:
        unit = Unit("authentication")
    else:
        capabilities = int.from_bytes(packet.body[:4], "little")
        if not capabilities & _PROTOCOL_41:
            return Unit("other", unknown=["not_mysql"])
        session.capabilities = capabilities
        unit = Unit("ssl" if packet.length == 32 and capabilities & _SSL else "startup")
    first = reader.byte(0)
    if first == 0x00:
        unit.outcome = "ok"
    elif first == 0xFF:
        reader.failed(0, unit)
    return unit


def _commands(exchange: Exchange, packets: list[_Packet | None], session: _Session) -> list[Unit]:
    """The commands of a request, in order, with their results."""
    units: list[Unit] = []
    silent = False
    following = False
    for packet in packets:
        if packet is None:
            for unit in units[-1:]:
                unit.unknown.append("messages_cut")
            break
        if following or packet.number:
            following = packet.length == 0xFFFFFF  # the rest of a command of more than 16 MiB
            continue
        following = packet.length == 0xFFFFFF
        kind = _COMMANDS.get(packet.body[0]) if packet.body else None
        if kind is None:
            return units or [Unit("other", unknown=["not_mysql"])]
        silent = silent or kind == "silent"
        if kind != "silent":
            units.append(_command(kind, packet, session, units[-1:]))
    if not units:
        return [Unit("other", unknown=[] if silent else ["not_mysql"])]
    _results(exchange, units, session)
    return units


def _command(kind: str, packet: _Packet, session: _Session, before: list[Unit]) -> Unit:
    if kind == "query":
        return Unit("query", _text(packet, session))
    if kind == "prepare":
        return Unit("prepare", statement(packet.body[1:], MYSQL, cut=not packet.whole))
    if kind in {"execute", "fetch"}:
        number = int.from_bytes(packet.body[1:5], "little")
        if number == _LATEST:
            return Unit("execute", before[0].statement if before and before[0].kind == "prepare" else UNKNOWN)
        known = session.statements.recall(number) if len(packet.body) >= 5 else None
        return Unit("execute" if kind == "execute" else "other", known or UNKNOWN)
    return Unit(kind)


def _text(packet: _Packet, session: _Session) -> Statement:
    """The text of COM_QUERY, behind its attributes where there may be some."""
    text = packet.body[1:]
    attributes = session.capabilities is not None and session.capabilities & _ATTRIBUTES
    if text[:2] == b"\0\1" and (attributes or session.capabilities is None):
        text = text[2:]
    elif attributes:
        return UNKNOWN
    return statement(text, MYSQL, cut=not packet.whole)


def _results(exchange: Exchange, units: list[Unit], session: _Session) -> None:
    """Give each command its results, as far as they were seen, and remember what was prepared."""
    reader = Reader(exchange)
    for number, unit in enumerate(units):
        last = number == len(units) - 1
        if unit.kind == "prepare":
            prepared = reader.prepared(unit)
            if prepared is not None:
                session.statements.keep(prepared, unit.statement)
        elif unit.kind in {"query", "execute"}:
            reader.results(unit, last=last)
        else:
            reader.other(unit)
