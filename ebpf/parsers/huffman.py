"""The Huffman code of HPACK (RFC 7541, appendix B), read four bits at a time.

The code is canonical: within a length, codes follow the order of the symbols, and each length goes on where the shorter
one ended. So the symbols by length are the whole table; the end-of-string symbol is the last of 30 bits.
"""

from __future__ import annotations

from functools import lru_cache

_SYMBOLS: dict[int, bytes] = {
    5: b"012aceiost",
    6: b" %-./3456789=A_bdfghlmnpru",
    7: b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: b"&*,;XZ",
    10: b'!"()?',
    11: b"'+|",
    12: b"#>",
    13: b"\x00$@[]~",
    14: b"^}",
    15: b"<`{",
    19: b"\\\xc3\xd0",
    20: b"\x80\x82\x83\xa2\xb8\xc2\xe0\xe2",
    21: b"\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\xd8\xd9\xe3\xe5\xe6",
    22: b"\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\xba\xbb\xbd\xbe\xc4\xc6\xe4\xe8\xe9",
    23: b"\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\x9b\x9d\x9e\xa5\xa6\xa8\xae\xaf\xb4\xb6\xb7\xbc\xbf\xc5\xe7\xef",
    24: b"\t\x8e\x90\x91\x94\x9f\xab\xce\xd7\xe1\xec\xed",
    25: b"\xc7\xcf\xea\xeb",
    26: b"\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\xf2\xf3\xff",
    27: b"\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe",
    28: b"\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f\xdc\xf9",
    30: b"\n\r\x16",
}
_EOS = 256
Step = tuple[int, bytes]
"""The next state, -1 where the code is broken, and what the four bits completed."""


def codes() -> dict[tuple[int, int], int]:
    """Symbol by length in bits and code; 256 ends a string."""
    found: dict[tuple[int, int], int] = {}
    code, before = 0, 0
    for length, symbols in _SYMBOLS.items():
        code <<= length - before
        for symbol in (*symbols, *((_EOS,) if length == 30 else ())):
            found[length, code] = symbol
            code += 1
        before = length
    return found


@lru_cache(1)
def _machine() -> tuple[list[list[Step]], frozenset[int]]:
    """Steps by state and four bits, and the states in which a string may end: after less than a byte of ones."""
    table = codes()
    nodes: dict[tuple[int, int], int] = {(0, 0): 0}
    for length, code in table:
        for bits in range(1, length):
            nodes.setdefault((bits, code >> length - bits), len(nodes))
    steps = [[_step(table, nodes, node, four) for four in range(16)] for node in nodes]
    return steps, frozenset(nodes[bits, (1 << bits) - 1] for bits in range(8))


def _step(table: dict[tuple[int, int], int], nodes: dict[tuple[int, int], int], node: tuple[int, int], four: int) -> Step:
    length, code = node
    out = b""
    for shift in (3, 2, 1, 0):
        length, code = length + 1, code << 1 | four >> shift & 1
        symbol = table.get((length, code))
        if symbol == _EOS:
            return -1, b""
        if symbol is not None:
            out += bytes((symbol,))
            length, code = 0, 0
    return nodes[length, code], out


def decoded(data: bytes) -> bytes | None:
    """The string; None where it is not one, or is padded with anything but ones."""
    steps, ends = _machine()
    state, out = 0, bytearray()
    for byte in data:
        state, first = steps[state][byte >> 4]
        if state < 0:
            return None
        state, second = steps[state][byte & 15]
        if state < 0:
            return None
        out += first + second
    return bytes(out) if state in ends else None
