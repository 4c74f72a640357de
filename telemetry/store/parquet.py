"""Writing Parquet with numpy alone: what an ingest needs of the format, without loading a data-frame library.

Data pages of version 1, one per column and row group: integers plain, coded texts by dictionary, other texts
as lengths and bytes (DELTA_LENGTH_BYTE_ARRAY), all under zstd. https://parquet.apache.org/docs/file-format/
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, BinaryIO

from telemetry.store import thrift
from telemetry.store.table import UNKNOWN, Coded, Column, Table, Times
from telemetry.texts import Texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.signedinteger[Any]]

GROUP = 65_536
"""Records of a row group at most; dictionary codes fit 16 bits with it."""
LEVEL = 1
_INT32, _INT64, _BYTES = 1, 2, 6
_PLAIN, _RLE, _LENGTHS, _CODES = 0, 3, 6, 8
_ZSTD = 6
_BLOCK, _MINI = 128, 32
_THREADS = 2


@dataclass(frozen=True, slots=True)
class _Page:
    """An encoded page of ``size`` bytes; ``encoding`` is how its values are written."""

    body: bytes | memoryview
    encoding: int
    values: int
    size: int = 0
    """Set when the body is compressed."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One column of one row group."""

    data: _Page
    dictionary: _Page | None = None
    nulls: int = 0
    low: bytes | None = None
    high: bytes | None = None


def write_parquet(stream: BinaryIO, table: Table) -> None:
    """Write the table; a column of which nothing is known stays in. Raises OSError."""
    stream.write(b"PAR1")
    at, groups = 4, []
    count = -(-table.rows // GROUP)
    with ThreadPoolExecutor(_THREADS) as pool:
        for number in range(count):
            first, last = table.rows * number // count, table.rows * (number + 1) // count
            chunks, began = [], at
            parts = [c if count == 1 else c.take(slice(first, last)) for c in table.columns.values()]
            packed = pool.map(_pack, parts, repeat(last - first))
            for (name, column), chunk in zip(table.columns.items(), packed, strict=True):
                written, meta = _put(stream, name, _type(column), chunk, at)
                at += written
                chunks.append(meta)
            groups.append(thrift.struct(
                thrift.listed(1, thrift.STRUCT, chunks), thrift.i64(2, at - began), thrift.i64(3, last - first),
                thrift.i64(5, began), thrift.i64(6, at - began),
            ))
    footer = _footer(table, groups)
    stream.write(footer + len(footer).to_bytes(4, "little") + b"PAR1")


def _type(column: Column) -> int:
    if isinstance(column, (Coded, Texts)):
        return _BYTES
    return _INT64 if column.values.dtype.itemsize == 8 else _INT32


def _put(stream: BinaryIO, name: str, kind: int, chunk: _Chunk, at: int) -> tuple[int, bytes]:
    """Write a chunk's pages; returns its size and its encoded ColumnChunk."""
    start, raw, where = at, 0, None
    for page in (chunk.dictionary, chunk.data):
        if page is None:
            continue
        head = _page_head(page, dictionary=page is chunk.dictionary)
        where = at
        stream.write(head)
        stream.write(page.body)
        at += len(head) + len(page.body)
        raw += len(head) + page.size
    encodings = sorted({_RLE, chunk.data.encoding, *([_PLAIN] if chunk.dictionary else [])})
    statistics = [thrift.i64(3, chunk.nulls)]
    if chunk.low is not None and chunk.high is not None:
        statistics += [thrift.binary(5, chunk.high), thrift.binary(6, chunk.low)]
    meta = [
        thrift.i32(1, kind), thrift.listed(2, thrift.I32, [thrift.zigzag(e) for e in encodings]),
        thrift.listed(3, thrift.BINARY, [thrift.varint(len(name.encode())) + name.encode()]), thrift.i32(4, _ZSTD),
        thrift.i64(5, chunk.data.values), thrift.i64(6, raw), thrift.i64(7, at - start), thrift.i64(9, where or 0),
        *([thrift.i64(11, start)] if chunk.dictionary else []), thrift.nested(12, *statistics),
    ]
    return at - start, thrift.struct(thrift.i64(2, start), thrift.nested(3, *meta))


def _page_head(page: _Page, *, dictionary: bool) -> bytes:
    about = [thrift.i32(1, page.values), thrift.i32(2, page.encoding)]
    sizes = [thrift.i32(1, 2 if dictionary else 0), thrift.i32(2, page.size), thrift.i32(3, len(page.body))]
    if dictionary:
        return thrift.struct(*sizes, thrift.nested(7, *about))
    return thrift.struct(*sizes, thrift.nested(5, *about, thrift.i32(3, _RLE), thrift.i32(4, _RLE)))


def _footer(table: Table, groups: list[bytes]) -> bytes:
    schema = [thrift.struct(thrift.binary(4, b"records"), thrift.i32(5, len(table.columns)))]
    schema += [_element(name, column) for name, column in table.columns.items()]
    order = thrift.struct(thrift.nested(1))
    return thrift.struct(
        thrift.i32(1, 1), thrift.listed(2, thrift.STRUCT, schema), thrift.i64(3, table.rows),
        thrift.listed(4, thrift.STRUCT, groups), thrift.binary(6, b"oncalm"),
        thrift.listed(7, thrift.STRUCT, [order] * len(table.columns)),
    )


def _element(name: str, column: Column) -> bytes:
    kind = thrift.i32(1, _type(column))
    if isinstance(column, (Coded, Texts)):
        return thrift.struct(kind, thrift.i32(3, 1), thrift.binary(4, name.encode()), thrift.i32(6, 0),
                             thrift.nested(10, thrift.nested(1)))
    if isinstance(column, Times):
        utc_micros = thrift.nested(8, thrift.true(1), thrift.nested(2, thrift.nested(2)))
        return thrift.struct(kind, thrift.i32(3, 1), thrift.binary(4, name.encode()), thrift.i32(6, 10),
                             thrift.nested(10, utc_micros))
    return thrift.struct(kind, thrift.i32(3, 0), thrift.binary(4, name.encode()))


def _pack(column: Column, rows: int) -> _Chunk:
    """Encode and compress; numpy and zstd let another thread work meanwhile."""
    import zstandard

    pack = zstandard.ZstdCompressor(level=LEVEL).compress
    chunk = _encode(column, rows)
    data, dictionary = (
        replace(page, body=pack(page.body), size=len(page.body)) if page else None
        for page in (chunk.data, chunk.dictionary)
    )
    return replace(chunk, data=data or chunk.data, dictionary=dictionary)


def _encode(column: Column, rows: int) -> _Chunk:
    if isinstance(column, Coded):
        return _coded(column, rows)
    if isinstance(column, Texts):
        bits, there = column.kept()
        nulls = len(column) - len(there)
        before = _runs(bits, nulls, len(column)) + _lengths(there.lengths)
        return _Chunk(_Page(there.join_behind(before), _LENGTHS, rows), nulls=nulls)
    values, levels, nulls = column.values, b"", 0
    if isinstance(column, Times):
        known = values != UNKNOWN
        levels, nulls = _levels(known)
        values = values[known] if nulls else values
    low, high = (values.min().tobytes(), values.max().tobytes()) if len(values) else (None, None)
    return _Chunk(_Page(levels + values.tobytes(), _PLAIN, rows), None, nulls, low, high)


def _levels(known: Flags) -> tuple[bytes, int]:
    """Which values are there, as definition levels, and how many are not."""
    import numpy as np

    nulls = len(known) - int(np.count_nonzero(known))
    return _runs(np.packbits(known, bitorder="little").tobytes(), nulls, len(known)), nulls


def _runs(bits: bytes, nulls: int, rows: int) -> bytes:
    """The same from one bit per row."""
    if nulls in {0, rows}:
        runs = thrift.varint(rows << 1) + bytes([not nulls])
    else:
        runs = thrift.varint(-(-rows // 8) << 1 | 1) + bits
    return len(runs).to_bytes(4, "little") + runs


def _coded(column: Coded, rows: int) -> _Chunk:
    import numpy as np

    known = column.codes >= 0
    levels, nulls = _levels(known)
    codes = column.codes[known] if nulls else column.codes
    used = np.flatnonzero(np.bincount(codes, minlength=len(column.values)))
    values = [column.values[n].encode() for n in used.tolist()]
    dense = np.zeros(len(column.values) + 1, dtype="<u2")
    dense[used] = np.arange(len(used))
    plain = b"".join(len(v).to_bytes(4, "little") + v for v in values)
    body = levels + _indices(dense[codes], len(values))
    low, high = (min(values), max(values)) if values and max(map(len, values)) < 256 else (None, None)
    return _Chunk(_Page(body, _CODES, rows), _Page(plain, _PLAIN, len(values)), nulls, low, high)


def _indices(codes: NDArray[np.uint16], distinct: int) -> bytes:
    """Dictionary indices: one run where all are equal, else packed in one or two bytes."""
    import numpy as np

    if distinct < 2:
        return b"\x01" + thrift.varint(len(codes) << 1) + b"\0" if len(codes) else b"\x01"
    wide = distinct > 256
    packed = codes if wide else codes.astype(np.uint8)
    groups = -(-len(codes) // 8)
    padded = np.zeros(groups * 8, dtype=packed.dtype)
    padded[: len(codes)] = packed
    return bytes([16 if wide else 8]) + thrift.varint(groups << 1 | 1) + padded.tobytes()


def _lengths(lengths: Ints) -> bytes:
    """Lengths as DELTA_BINARY_PACKED, with one width in whole bytes for all of them."""
    import numpy as np

    first = int(lengths[0]) if len(lengths) else 0
    head = thrift.varint(_BLOCK) + thrift.varint(_BLOCK // _MINI) + thrift.varint(len(lengths)) + thrift.zigzag(first)
    deltas = np.diff(lengths)
    if not len(deltas):
        return head
    least = int(deltas.min())
    above = deltas - least
    width = (int(above.max()).bit_length() + 7) // 8
    blocks = -(-len(above) // _BLOCK)
    padded = np.zeros(blocks * _BLOCK, dtype="<u4")
    padded[: len(above)] = above
    start = thrift.zigzag(least) + bytes([width * 8] * (_BLOCK // _MINI))
    out = np.empty((blocks, len(start) + _BLOCK * width), dtype=np.uint8)
    out[:, : len(start)] = np.frombuffer(start, dtype=np.uint8)
    out[:, len(start):] = padded.view(np.uint8).reshape(-1, 4)[:, :width].reshape(blocks, -1)
    unused = (blocks * _BLOCK - len(above)) // _MINI * _MINI * width
    return head + out.tobytes()[: out.size - unused]
