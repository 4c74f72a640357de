"""HPACK beside the reference encoder: read from the start, joined in the middle, cut, and broken."""

from __future__ import annotations

import hpack
import pytest
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.table import HeaderTable
from hypothesis import given
from hypothesis import strategies as st

from ebpf.parsers import huffman
from ebpf.parsers.hpack import STATIC, WANTED, Decoder

HEADERS = [(":method", "POST"), (":path", "/shop.Cart/Add"), (":authority", "shop:50051"), ("content-type", "application/grpc"), ("authorization", "Bearer S3cret")]
READ = {b":method": b"POST", b":path": b"/shop.Cart/Add", b":authority": b"shop:50051", b"content-type": b"application/grpc"}


def test_the_huffman_code_is_that_of_the_standard() -> None:
    ours = {symbol: key for key, symbol in huffman.codes().items()}

    assert [ours[symbol] for symbol in range(257)] == list(zip(REQUEST_CODES_LENGTH, REQUEST_CODES, strict=True))


@given(st.binary(max_size=200))
def test_huffman_strings_come_back(text: bytes) -> None:
    encoder = hpack.huffman.HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)

    assert huffman.decoded(encoder.encode(text)) == text


@given(st.binary(max_size=64))
def test_broken_huffman_strings_are_none_where_the_reference_refuses(data: bytes) -> None:
    try:
        expected = hpack.huffman_table.decode_huffman(data)
    except hpack.HPACKDecodingError:
        expected = None

    assert huffman.decoded(data) == expected


def test_the_static_table_is_that_of_the_standard() -> None:
    expected = [(name, value) if name in WANTED else (b"", b"") for name, value in HeaderTable.STATIC_TABLE]

    assert [(entry.name, entry.value) for entry in STATIC] == expected
    assert [entry.named for entry in STATIC] == [len(name) for name, _ in HeaderTable.STATIC_TABLE]


def test_blocks_from_the_start_are_read_and_secrets_are_not_kept() -> None:
    encoder, decoder = hpack.Encoder(), Decoder(whole=True)
    fields = [decoder.decode(encoder.encode(HEADERS)) for _ in range(3)]

    assert [(one.values, one.unknown, one.whole) for one in fields] == [(READ, 0, True)] * 3
    assert all("S3cret" not in repr(entry) for entry in decoder._entries)


def test_joined_in_the_middle_old_references_are_counted_and_new_entries_learnt() -> None:
    encoder = hpack.Encoder()
    encoder.encode(HEADERS)
    decoder = Decoder(whole=False)

    late = decoder.decode(encoder.encode(HEADERS))
    fresh = decoder.decode(encoder.encode([(":method", "POST"), (":path", "/shop.Cart/Pay")]))
    again = decoder.decode(encoder.encode([(":path", "/shop.Cart/Pay"), (":authority", "shop:50051")]))

    assert (late.values, late.unknown) == ({b":method": b"POST"}, 4)
    assert fresh.values[b":path"] == b"/shop.Cart/Pay"
    assert (again.values, again.unknown) == ({b":path": b"/shop.Cart/Pay"}, 1)


def test_a_cut_block_gives_its_beginning_and_nothing_is_guessed_after_it() -> None:
    encoder, decoder = hpack.Encoder(), Decoder(whole=True)
    first = encoder.encode(HEADERS)
    fields = decoder.decode(first[:14], cut=True)
    second = decoder.decode(encoder.encode(HEADERS))

    assert not fields.whole
    assert fields.values == {b":method": b"POST", b":path": b"/shop.Cart/Add"}
    assert (second.values, second.unknown) == ({b":method": b"POST"}, 4)


def test_a_change_of_the_tables_size_drops_what_it_drops() -> None:
    encoder, decoder = hpack.Encoder(), Decoder(whole=True)
    decoder.decode(encoder.encode(HEADERS))
    encoder.header_table_size = 0
    encoder.header_table_size = 4096
    fields = decoder.decode(encoder.encode(HEADERS))

    assert (fields.values, fields.unknown) == (READ, 0)


@pytest.mark.parametrize("block", [b"\x80", b"\xff\xff\xff\xff\xff\xff\xff", b"\x40", b"\x40\x05ab", b"\x40\x8a\xff", b"\x3f\xff", b"\x44\x7f\xff\xff\xff\x7f"])
def test_a_broken_block_is_not_whole(block: bytes) -> None:
    assert not Decoder(whole=True).decode(block).whole


def test_a_header_that_comes_twice_has_no_value() -> None:
    assert Decoder(whole=True).decode(hpack.Encoder().encode([(":path", "/a"), (":path", "/b")])).values == {b":path": None}


_NAMES = st.sampled_from([":path", ":method", "content-type", "x-a", "x-b", "grpc-status", "traceparent"])
_BLOCKS = st.lists(st.lists(st.tuples(_NAMES, st.text("abcXYZ/.-", max_size=400)), max_size=8, unique_by=lambda pair: pair[0]), max_size=30)


@given(_BLOCKS)
def test_any_blocks_from_the_start_are_read_as_they_were_written(blocks: list[list[tuple[str, str]]]) -> None:
    encoder, decoder = hpack.Encoder(), Decoder(whole=True)
    for block in blocks:
        fields = decoder.decode(encoder.encode(block))

        assert fields.values == {n.encode(): v.encode() for n, v in block if n.encode() in WANTED}
        assert fields.unknown == 0


@given(_BLOCKS, st.integers(0, 29))
def test_joined_anywhere_nothing_that_is_told_is_wrong(blocks: list[list[tuple[str, str]]], skip: int) -> None:
    encoder, decoder = hpack.Encoder(), Decoder(whole=False)
    for number, block in enumerate(blocks):
        data = encoder.encode(block)
        if number < skip:
            continue
        fields = decoder.decode(data)
        known = {name: value for name, value in fields.values.items() if value is not None}

        assert known.items() <= {n.encode(): v.encode() for n, v in block}.items()
        assert len(fields.values) + fields.unknown <= len(block)
