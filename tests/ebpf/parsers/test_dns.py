"""DNS: questions and answers, truncated, of another question, circular, and garbage."""

from __future__ import annotations

import pytest

from ebpf.calls import DnsCall
from ebpf.parsers import dns
from tests.ebpf.parsers.exchanges import exchange

SHOP = b"\4shop\7example\0"


def asked(name: bytes = SHOP, kind: int = 1, flags: int = 0x0100, number: int = 7) -> bytes:
    return number.to_bytes(2, "big") + flags.to_bytes(2, "big") + b"\0\1\0\0\0\0\0\0" + name + kind.to_bytes(2, "big") + b"\0\1"


def answered(answers: int = 2, flags: int = 0x8180, number: int = 7) -> bytes:
    return number.to_bytes(2, "big") + flags.to_bytes(2, "big") + b"\0\1" + answers.to_bytes(2, "big") + b"\0\0\0\0" + SHOP + b"\0\1\0\1"


def one(request: bytes, response: bytes) -> DnsCall:
    return dns.calls(exchange(request, response))[0]


def test_a_question_and_its_answer_are_read() -> None:
    call = one(asked(), answered())

    assert (call.name, call.type, call.rcode, call.answers, call.truncated, call.unknown) == ("shop.example", "A", 0, 2, False, ())
    assert (call.duration, call.port) == (5_000, 8080)


@pytest.mark.parametrize(("kind", "told"), [(28, "AAAA"), (33, "SRV"), (65, "HTTPS"), (12, "PTR"), (4711, "TYPE4711")])
def test_types_are_named(kind: int, told: str) -> None:
    assert one(asked(kind=kind), answered()).type == told


def test_a_missing_name_and_a_truncated_answer_are_told() -> None:
    assert (one(asked(), answered(0, 0x8183)).rcode, one(asked(), answered(0, 0x8380)).truncated) == (3, True)


@pytest.mark.parametrize(("name", "told"), [
    (b"\0", "."), (b"\x09_postgres\4_tcp\2db\0", "_postgres._tcp.db"), (b"\3a b\0", "{text}"), (b"\5a.b.c\0", "{text}"), (b"\4\xff\xfe\0x\0", "{text}"),
    (b"\x14AKIAIOSFODNN7EXAMPLE\4evil\0", "{token}.evil"), (b"\x0c4dgh7q9z2kxb\1t\0", "{token}.t"),
    (b"\1" + b"1\1" * 3 + b"1\7in-addr\4arpa\0", "1.1.1.1.in-addr.arpa"),
])
def test_labels_that_are_no_names_are_not_shown(name: bytes, told: str) -> None:
    assert one(asked(name), answered()).name == told


def test_over_tcp_messages_stand_behind_their_length() -> None:
    request, response = asked(), answered()
    call = one(len(request).to_bytes(2, "big") + request, len(response).to_bytes(2, "big") + response)

    assert (call.name, call.rcode, call.unknown) == ("shop.example", 0, ())


@pytest.mark.parametrize("name", [b"\xc0\x0c", b"\xc0\x0e\xc0\x0c", b"\x40abc\0", b"\4sho", b"\xc0", b"\3abc" * 80 + b"\0", b"\xff\xff\0"])
def test_broken_names_are_unknown(name: bytes) -> None:
    call = one(asked(name), answered())

    assert (call.name, call.rcode, call.unknown) == ("", None, ("question",))


@pytest.mark.parametrize(("request_", "response", "unknown"), [
    (asked(), b"", "response"), (asked(), answered()[:11], "response"), (asked(), asked(), "response"), (asked(), answered(number=8), "other_response"),
    (asked(flags=0x2900), answered(), "opcode"), (b"", b"", "not_dns"), (b"GET / HTTP/1.1\r\n\r\n", b"", "not_dns"), (answered(), answered(), "not_dns"),
    (b"\0" * 12, b"", "not_dns"), (asked()[:15], answered(), "question"),
])
def test_what_is_not_known_is_said(request_: bytes, response: bytes, unknown: str) -> None:
    call = one(request_, response)

    assert (call.rcode, call.answers, call.unknown) == (None, None, (unknown,))
