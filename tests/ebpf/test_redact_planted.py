"""A thousand secrets planted where bytes hold them: no part of one is left in any record, whole or cut."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import hpack
import pytest

from ebpf.calls import Call
from ebpf.captures import Chunk, Exchange
from ebpf.parsers import dns, http1
from ebpf.parsers.http2 import Http2
from ebpf.parsers.mysql import Mysql
from ebpf.parsers.postgres import Postgres
from tests.agent.secrets_corpus import ALNUM, TOKENS, pick
from tests.ebpf.parsers.exchanges import exchange

COUNT = 1000
WINDOW = 8
"""So many characters of a secret in a row are a leak."""
Read = Callable[[str], list[Exchange]]


def secrets() -> list[str]:
    """Tokens of every kind, and passwords that are told by nothing but where they stand."""
    rng = random.Random(7)  # noqa: S311 - seeded, not secret
    kinds = list(TOKENS.values())
    passwords: list[Callable[[random.Random], str]] = [lambda r: pick(r, ALNUM, 14), lambda r: pick(r, ALNUM + "!$%&*+-_.~", 18), lambda r: "Tr0ub4dor&3-" + pick(r, ALNUM, 6)]
    return [(kinds + passwords * 4)[number % (len(kinds) + 12)](rng) for number in range(COUNT)]


def http(target: str = "/a", headers: str = "", status: str = "200 OK", answer: str = "") -> Exchange:
    return exchange(f"GET {target} HTTP/1.1\r\nHost: shop\r\n{headers}\r\n".encode(), f"HTTP/1.1 {status}\r\n{answer}Content-Length: 0\r\n\r\n".encode())


HTTP: dict[str, Callable[[str], Exchange]] = {
    "authorization": lambda s: http(headers=f"Authorization: Bearer {s}\r\n"),
    "cookie": lambda s: http(headers=f"Cookie: a=b; session={s}; c=d\r\n"),
    "set-cookie": lambda s: http(answer=f"Set-Cookie: session={s}; HttpOnly\r\n"),
    "custom header": lambda s: http(headers=f"X-Api-Key: {s}\r\n"),
    "header name": lambda s: http(headers=f"{s}: x\r\n"),
    "location": lambda s: http(answer=f"Location: /next?token={s}\r\n", status="302 Found"),
    "reason": lambda s: http(status=f"403 {s}"),
    "query value": lambda s: http(f"/a?token={quote(s, safe='')}&page=2"),
    "query name": lambda s: http(f"/a?{quote(s, safe='')}=1"),
    "query alone": lambda s: http(f"/a?{quote(s, safe='')}"),
    "fragment": lambda s: http(f"/a#{s}"),
    "path": lambda s: http(f"/reset/{quote(s, safe='')}"),
    "path unquoted": lambda s: http(f"/reset/{s.replace(' ', '')}/x"),
    "matrix": lambda s: http(f"/a;jsessionid={s}/b"),
    "userinfo": lambda s: http(f"http://app:{quote(s, safe='')}@shop/a"),
    "host": lambda s: replace(http(), request=f"GET / HTTP/1.1\r\nHost: {s}.example\r\n\r\n".encode()),
    "content type": lambda s: http(answer=f"Content-Type: text/html; boundary={s}\r\n"),
    "trace parent": lambda s: http(headers=f"traceparent: {s}\r\n"),
    "method": lambda s: exchange(f"{s} / HTTP/1.1\r\n\r\n".encode()),
    "body": lambda s: exchange(f"POST /a HTTP/1.1\r\nContent-Length: {len(s) + 9}\r\n\r\npassword={s}".encode(), f"HTTP/1.1 200 OK\r\n\r\n{s}".encode()),
    "no http": lambda s: exchange(s.encode(), s.encode()),
    "folded": lambda s: http(headers=f"Host: x\r\n {s}\r\n"),
}


def _literal(secret: str) -> str:
    return secret.replace("\\", "\\\\").replace("'", "''")


SQL: dict[str, Callable[[str], str]] = {
    "literal": lambda s: f"SELECT * FROM users WHERE pw = '{_literal(s)}' AND id = 7",
    "insert": lambda s: f"INSERT INTO users (id, pw) VALUES (1, '{_literal(s)}'), (2, '{_literal(s)}')",
    "comment": lambda s: f"SELECT 1 /* token={s.replace('*', '')} */",
    "line comment": lambda s: f"SELECT 1 -- {s}\n",
    "unterminated": lambda s: f"SELECT * FROM users WHERE pw = '{_literal(s)}",
    "broken quotes": lambda s: f"SELECT * FROM users WHERE name = 'O'Brien' AND pw = '{_literal(s)}'",
    "password": lambda s: f"ALTER USER app PASSWORD '{_literal(s)}'",
    "hex": lambda s: f"SELECT x'{s.encode().hex()}'",
}
DIALECTS: dict[str, dict[str, Callable[[str], str]]] = {
    "postgresql": {**SQL, "dollar": lambda s: f"DO $x$ {s} $x$", "escape": lambda s: f"SELECT E'\\'{_literal(s)}\\''"},
    "mysql": {**SQL, "double": lambda s: f'SELECT "{_literal(s)}"', "hash": lambda s: f"SELECT 1 # {s}\n", "escape": lambda s: f"SELECT '\\'{_literal(s)}\\''"},
}


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def _bind(secret: str) -> bytes:
    value = secret.encode()
    return _message(b"B", b"\0s\0\0\0\0\1" + len(value).to_bytes(4, "big") + value + b"\0\0")


def postgres(text: str, secret: str) -> list[Exchange]:
    error = _message(b"E", b"SERROR\0C23505\0Mduplicate\0DKey (pw)=(" + secret.encode() + b") exists.\0\0") + _message(b"Z", b"I")
    row = _message(b"D", b"\0\1\0\0\0\x10" + secret.encode()) + _message(b"C", b"SELECT 1\0") + _message(b"Z", b"I")
    parse = _message(b"P", b"s\0" + text.encode() + b"\0\0\0")
    return [
        exchange(_message(b"Q", text.encode() + b"\0"), error),
        exchange(parse + _bind(secret) + _message(b"E", b"\0\0\0\0\0") + _message(b"S", b""), row),
        exchange(_message(b"p", secret.encode() + b"\0"), row),
        exchange(_message(b"d", secret.encode()) + _message(b"c", b""), _message(b"C", b"COPY 1\0") + _message(b"Z", b"I")),
    ]


def mysql(text: str, secret: str) -> list[Exchange]:
    def packet(body: bytes, number: int = 0) -> bytes:
        return len(body).to_bytes(3, "little") + bytes((number,)) + body

    error = packet(b"\xff\x26\x04#23000Duplicate entry '" + secret.encode() + b"'", 1)
    return [
        exchange(packet(b"\x03" + text.encode()), error),
        exchange(packet(b"\x16" + text.encode()), error),
        exchange(packet(b"\x17\1\0\0\0\0\1\0\0\0\0\1\xfd\0" + secret.encode()), error),
        exchange(packet(b"\0\x02\0\0" + b"\0" * 28 + b"root\0" + secret.encode(), 1), error),
    ]


def grpc(secret: str) -> list[Chunk]:
    encoder, answers = hpack.Encoder(), hpack.Encoder()

    def frame(kind: int, flags: int, payload: bytes) -> bytes:
        return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + b"\0\0\0\1" + payload

    asked = encoder.encode([
        (":method", "POST"), (":path", f"/shop.Cart/{quote(secret, safe='')}"), (":authority", f"{secret}@shop"), ("content-type", "application/grpc"),
        ("authorization", f"Bearer {secret}"), (secret.lower(), "x"), ("x-token-bin", secret),
    ])
    answered = answers.encode([(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "7"), ("grpc-message", f"refused {secret}"), ("x", secret)])
    pieces = [(False, frame(1, 4, asked) + frame(0, 1, secret.encode())), (True, frame(1, 5, answered))]
    return [Chunk(1, n + 1, answer, 0, data, len(data), server=True, peer="127.0.0.1", port=1) for n, (answer, data) in enumerate(pieces)]


def leaked(secret: str, records: object) -> str | None:
    """A part of a secret that stands in the records."""
    text = repr(records).lower()
    forms = {secret.lower(), quote(secret, safe="").lower(), secret.encode().hex()}
    parts = (form[at : at + WINDOW] for form in forms for at in range(max(len(form) - WINDOW + 1, 1)))
    return next((part for part in parts if part in text), None)


def cuts(one: Exchange, secret: str) -> list[Exchange]:
    """The exchange whole, and with its request cut in the middle of the secret and behind it."""
    at = one.request.find(secret[:4].encode())
    places = [at + len(secret) // 2, at + len(secret)] if at >= 0 else []
    return [one, *(replace(one, request=one.request[:place]) for place in places)]


@pytest.mark.parametrize("place", HTTP)
def test_of_a_thousand_secrets_over_http_none_is_left(place: str) -> None:
    for secret in secrets():
        for one in cuts(HTTP[place](secret), secret):
            calls = http1.calls(one)

            assert leaked(secret, calls) is None, (place, secret, calls)


@pytest.mark.parametrize(("dialect", "place"), [(dialect, place) for dialect, places in DIALECTS.items() for place in places])
def test_of_thousands_of_secrets_in_sql_none_is_left(dialect: str, place: str) -> None:
    for secret in secrets()[::4]:
        text = DIALECTS[dialect][place](secret)
        made = postgres(text, secret) if dialect == "postgresql" else mysql(text, secret)
        parser = Postgres() if dialect == "postgresql" else Mysql()
        calls: list[Call] = [call for whole in made for one in cuts(whole, secret) for call in parser.calls(one)]

        assert leaked(secret, calls) is None, (secret, calls)


def test_of_a_thousand_secrets_in_metadata_of_grpc_none_is_left() -> None:
    for secret in secrets():
        http2 = Http2()
        calls = [call for chunk in grpc(secret) for call in http2.feed(chunk)]

        assert len(calls) == 1
        assert leaked(secret, calls) is None, (secret, calls)


def test_of_a_thousand_secrets_in_names_none_is_left() -> None:
    for secret in secrets():
        labels = b"".join(bytes((len(part),)) + part.encode() for part in (secret[:60], "example")) + b"\0"
        calls = dns.calls(exchange(b"\0\7\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\1\0\1", b""))

        assert leaked(secret[:60], calls) is None, (secret, calls)
