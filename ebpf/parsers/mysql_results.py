"""Results of MySQL's protocol: OK, errors and result sets, as far as their packets were seen."""

from __future__ import annotations

import re

from ebpf.captures import Exchange
from ebpf.parsers.sparse import Sparse
from ebpf.parsers.statements import Unit

_MORE = 0x8
"""SERVER_MORE_RESULTS_EXISTS."""
_LAST = re.compile(rb"(?:\x05\0\0(.)\xfe..(..)|\x07\0\0(.)\xfe\0\0(..)..)\Z", re.DOTALL)
"""How a result set ends: an EOF packet, or an OK packet in its place."""


class Reader:
    """Reads one response from its beginning; ``at`` is None once it is lost."""

    def __init__(self, exchange: Exchange) -> None:
        self._seen = Sparse(exchange.response, exchange.response_size, exchange.tail)
        self.at: int | None = 0

    def byte(self, at: int) -> int | None:
        """The first byte of the packet at a place."""
        found = self._seen.get(at + 4, 1)
        return found[0] if found else None

    def _length(self, at: int) -> int | None:
        head = self._seen.get(at, 4)
        length = int.from_bytes(head[:3], "little")
        return length if len(head) == 4 and at + 4 + length <= self._seen.size else None

    def _body(self, at: int, length: int) -> bytes:
        return self._seen.get(at + 4, length)

    def failed(self, at: int, unit: Unit) -> None:
        """Take an error: MySQL's number and the SQLSTATE."""
        body = self._body(at, 9)
        unit.outcome = "error"
        if len(body) >= 3:
            unit.code = int.from_bytes(body[1:3], "little")
        if body[3:4] == b"#" and len(body) == 9:
            unit.error = body[4:9].decode("latin-1")
        self.at = None

    def other(self, unit: Unit) -> None:
        """The response to a command without rows."""
        if self.at is None:
            return
        length, first = self._length(self.at), self.byte(self.at)
        if length is None or first is None:
            return
        if first == 0xFF:
            self.failed(self.at, unit)
            return
        unit.outcome = "ok"
        self.at = self.at + 4 + length if first == 0 else None

    def prepared(self, unit: Unit) -> int | None:
        """The number of a statement that was prepared; its parameters and columns are passed over."""
        if self.at is None:
            return None
        length = self._length(self.at)
        body = self._body(self.at, length or 0)
        if length is None or not body:
            return None
        if body[0] == 0xFF:
            self.failed(self.at, unit)
            return None
        if body[0] != 0 or len(body) < 9:
            unit.unknown.append("response")
            self.at = None
            return None
        unit.outcome = "ok"
        self._pass(self.at + 4 + length, (int.from_bytes(body[7:9], "little"), int.from_bytes(body[5:7], "little")))
        return int.from_bytes(body[1:5], "little")

    def _pass(self, at: int, groups: tuple[int, int]) -> None:
        """Go behind groups of definitions, each of which may end with an EOF packet."""
        self.at = None
        for count in groups:
            for _ in range(count):
                length = self._length(at)
                if length is None:
                    return
                at += 4 + length
            if count and self._length(at) == 5 and self.byte(at) == 0xFE:
                at += 9
        self.at = at

    def results(self, unit: Unit, *, last: bool) -> None:
        """Take the results of a statement, one or more. ``last``: what ends the response ends this statement's results."""
        more = True
        while more:
            more = self.at is not None and self._result(self.at, unit, last=last)

    def _result(self, at: int, unit: Unit, *, last: bool) -> bool:
        """Take one result; whether another one of the same statement follows."""
        length = self._length(at)
        body = self._body(at, min(length or 0, 64))
        if length is None or not body:
            self.at = None
            return False
        if body[0] == 0xFF:
            self.failed(at, unit)
            return False
        if body[0] == 0xFB:
            unit.kind, unit.outcome, self.at = "copy", "ok", None
            return False
        if body[0] == 0x00:
            return self._changed(at, length, body, unit)
        return self._rows(at, length, body, unit, last=last)

    def _changed(self, at: int, length: int, body: bytes, unit: Unit) -> bool:
        """An OK packet: how many rows were changed."""
        rows, next_ = _number(body, 1)
        _, next_ = _number(body, next_)
        status = body[next_ : next_ + 2]
        unit.take(rows)
        self.at = at + 4 + length if len(status) == 2 else None
        return len(status) == 2 and bool(status[0] & _MORE)

    def _rows(self, at: int, length: int, body: bytes, unit: Unit, *, last: bool) -> bool:
        """A result set: its rows stand between the definitions of its columns and its end."""
        columns, after = _number(body, 0)
        if columns is None or not 0 < columns <= 4096 or length - after not in {0, 1}:
            unit.unknown.append("response")
            self.at = None
            return False
        unit.outcome = "ok"
        described = not (length - after == 1 and body[after] == 0)  # MariaDB: the client knows the columns already
        self._pass(at + 4 + length, (columns if described else 0, 0))
        rows = 0
        begin = self.at
        while self.at is not None:
            begin = self.at
            size, first = self._length(self.at), self.byte(self.at)
            if size is None or first is None:
                self.at = None
            elif first == 0xFF:
                self.failed(self.at, unit)
                return False
            elif first == 0xFE and size < 0xFFFFFF:
                unit.take(rows)
                return self._more(self.at, size)
            else:
                rows, self.at = rows + 1, self.at + 4 + size
        alone = last and not unit.results and not unit.statement.unknown and ";" not in unit.statement.text
        calls = unit.statement.text[:4].upper() == "CALL"  # its results are several
        if begin is None:
            begin = at + (16 * columns if described else 0)  # a definition is longer than that
        least = 5 + (columns + 9) // 8 if unit.kind == "execute" else 4 + columns  # bytes of a row that is all NULL, in the binary protocol and as text
        unit.take(self._by_numbers(at, columns, rows, (self._seen.size - begin) // least, described=described) if alone and not calls else None)
        return False

    def _more(self, at: int, size: int) -> bool:
        """Go behind the end of a result set; whether another one follows."""
        body = self._body(at, min(size, 32))
        if size == 5:
            status = body[3:5]
        else:
            _, next_ = _number(body, 1)
            _, next_ = _number(body, next_)
            status = body[next_ : next_ + 2]
        self.at = at + 4 + size
        return len(status) == 2 and bool(status[0] & _MORE)

    def _by_numbers(self, at: int, columns: int, counted: int, most: int, *, described: bool) -> int | None:
        """Rows by the numbers of the first and the last packet, which count up to 255 and begin again; None where in doubt.

        ``counted`` were seen, and ``most`` have room behind them.
        """
        end = _LAST.search(self._seen.tail)
        first = self._seen.get(at + 3, 1)
        if end is None or not first or (end[2] or end[4])[0] & _MORE:
            return None
        before = first[0] + 1 + (columns + (end[1] is not None) if described else 0)
        behind = ((end[1] or end[3])[0] - before - counted) % 256
        return counted + behind if behind + 256 > most else None


def _number(body: bytes, at: int) -> tuple[int | None, int]:
    """A length-encoded integer and where it ends; None where it was not seen."""
    first = body[at : at + 1]
    if not first:
        return None, at
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first[0], 0)
    if not width:
        return first[0], at + 1
    found = body[at + 1 : at + 1 + width]
    return (int.from_bytes(found, "little") if len(found) == width else None), at + 1 + width
