"""DNS (RFC 1035): the call of one question and its answer, a datagram each; over TCP each behind its length."""

from __future__ import annotations

from ebpf.calls import DnsCall
from ebpf.captures import Exchange

_TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 24: "SIG", 25: "KEY", 28: "AAAA",
    29: "LOC", 33: "SRV", 35: "NAPTR", 37: "CERT", 39: "DNAME", 41: "OPT", 43: "DS", 44: "SSHFP", 46: "RRSIG", 47: "NSEC",
    48: "DNSKEY", 50: "NSEC3", 52: "TLSA", 64: "SVCB", 65: "HTTPS", 99: "SPF", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR",
    255: "ANY", 256: "URI", 257: "CAA",
}
_HEADER = 12
_JUMPS, _LONGEST = 16, 255


def calls(exchange: Exchange) -> tuple[DnsCall]:
    """The call of an exchange; where the request is no question it says ``not_dns``."""
    asked, answered = exchange.request, exchange.response
    if _behind_length(asked, exchange.request_size) and (not answered or _behind_length(answered, exchange.response_size)):
        asked, answered = asked[2:], answered[2:]
    unknown: list[str] = []
    name, kind = _question(asked, unknown)
    rcode, answers, truncated = (None, None, False) if unknown else _answer(asked, answered, unknown)
    return (DnsCall(
        connection=exchange.connection, start=exchange.start, first=exchange.first, duration=exchange.last,
        queued=exchange.queued, server=exchange.server, peer=exchange.peer, port=exchange.port,
        request_size=exchange.request_size, response_size=exchange.response_size, unknown=tuple(unknown),
        name=name, type=kind, rcode=rcode, answers=answers, truncated=truncated,
    ),)


def _behind_length(data: bytes, size: int) -> bool:
    return len(data) > _HEADER + 2 and int.from_bytes(data[:2], "big") == size - 2


def _question(data: bytes, unknown: list[str]) -> tuple[str, str]:
    """Name and type of the only question."""
    if len(data) < _HEADER or data[2] & 0x80 or data[4:6] != b"\0\1":
        unknown.append("not_dns")
        return "", ""
    if data[2] & 0x78:
        unknown.append("opcode")
        return "", ""
    name, at = _name(data, _HEADER)
    if name is None or at + 4 > len(data):
        unknown.append("question")
        return "", ""
    kind = int.from_bytes(data[at : at + 2], "big")
    return name or ".", _TYPES.get(kind, f"TYPE{kind}")


def _name(data: bytes, at: int) -> tuple[str | None, int]:
    """A name and where it ends; None where it is broken, runs in a circle or is too long (section 4.1.4)."""
    labels: list[str] = []
    end, jumps, size = -1, 0, 0
    while at < len(data):
        length = data[at]
        if length == 0:
            return ".".join(labels), at + 1 if end < 0 else end
        if length >= 0xC0:
            jumps += 1
            if jumps > _JUMPS or at + 1 >= len(data):
                return None, at
            end = at + 2 if end < 0 else end
            at = (length & 0x3F) << 8 | data[at + 1]
            continue
        size += length + 1
        if length > 63 or size > _LONGEST or at + 1 + length > len(data):
            return None, at
        labels.append(data[at + 1 : at + 1 + length].decode("latin-1").replace(".", "\0"))
        at += 1 + length
    return None, at


def _answer(asked: bytes, answered: bytes, unknown: list[str]) -> tuple[int | None, int | None, bool]:
    """Response code, number of answers, and whether it was truncated."""
    if len(answered) < _HEADER or not answered[2] & 0x80:
        unknown.append("response")
        return None, None, False
    if answered[:2] != asked[:2]:
        unknown.append("other_response")
        return None, None, False
    return answered[3] & 0x0F, int.from_bytes(answered[6:8], "big"), bool(answered[2] & 0x02)
