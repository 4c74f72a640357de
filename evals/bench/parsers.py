"""``python -m evals.bench.parsers [--json]``: what reading and redacting one exchange costs, by protocol.

Every exchange differs from the others (identifiers, literals, values), as in life; so only what repeats in life is found in a
cache. Printed is the median over rounds of the mean of a round, in microseconds of one thread's time, with the spread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import hpack

from ebpf.captures import Chunk, Exchange
from ebpf.parsers import dns, http1
from ebpf.parsers.http2 import Http2
from ebpf.parsers.mysql import Mysql
from ebpf.parsers.postgres import Postgres

GOALS = {"http1": 15.0}
"""Microseconds, median."""
COUNT, ROUNDS = 4000, 9


def exchange(request: bytes, response: bytes) -> Exchange:
    """An exchange of which everything was seen that the kernel side keeps."""
    return Exchange(
        connection=1, start=1, first=2, last=3, queued=0, request=request[:512], request_size=len(request), response=response[:512],
        response_size=len(response), tail=response[-64:], server=True, peer="127.0.0.1", port=80, flags=0,
    )


def http(number: int) -> Exchange:
    """A call as uvicorn gets it from a client with a trace."""
    head = (
        f"GET /orders/{number}/items?page={number % 9}&token=abc{number} HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: python-httpx/0.28\r\n"
        f"Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nAuthorization: Bearer {number:032x}\r\n"
        f"traceparent: 00-{number + 1:032x}-{number + 1:016x}-01\r\n\r\n"
    )
    return exchange(head.encode(), b"HTTP/1.1 200 OK\r\ndate: x\r\nserver: uvicorn\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}")


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def statement(number: int) -> bytes:
    """A statement as drivers write it, with literals of its own."""
    return f"SELECT o.id, o.name FROM orders o JOIN items i ON i.order_id = o.id WHERE o.customer = {number} AND o.state IN ('open', 'paid') AND i.name = 'x{number}' LIMIT 20".encode()


def postgres(number: int) -> Exchange:
    """A simple query."""
    return exchange(_message(b"Q", statement(number) + b"\0"), _message(b"T", b"x" * 60) + _message(b"D", b"x" * 40) + _message(b"C", b"SELECT 1\0") + _message(b"Z", b"I"))


def mysql(number: int) -> Exchange:
    """A query answered by OK."""
    text = statement(number)
    return exchange((len(text) + 1).to_bytes(3, "little") + b"\0\x03" + text, b"\7\0\0\1\0\1\0\2\0\0\0")


def question(number: int) -> Exchange:
    """A question for an address."""
    labels = b"\4shop\7example\0\0\1\0\1"
    number %= 65536
    return exchange(number.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0" + labels, number.to_bytes(2, "big") + b"\x81\x80\0\1\0\1\0\0\0\0" + labels)


def grpc() -> list[Chunk]:
    """Calls on one connection, request and response in a piece each."""
    asking, answering, chunks, offsets = hpack.Encoder(), hpack.Encoder(), list[Chunk](), [0, 0]

    def put(data: bytes, *, answer: bool) -> None:
        chunks.append(Chunk(1, len(chunks), answer, offsets[answer], data, len(data), server=True, peer="127.0.0.1", port=1))
        offsets[answer] += len(data)

    def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload

    for number in range(COUNT):
        stream = 2 * number + 1
        trace = f"00-{number + 1:032x}-{number + 1:016x}-01"
        asked = asking.encode([(":method", "POST"), (":scheme", "http"), (":path", "/shop.v1.Cart/Add"), (":authority", "shop:50051"), ("te", "trailers"),
                               ("content-type", "application/grpc"), ("user-agent", "grpc-python/1.76"), ("traceparent", trace)])
        put(frame(1, 4, stream, asked) + frame(0, 1, stream, b"\0\0\0\0\x10" + b"x" * 16), answer=False)
        answered = answering.encode([(":status", "200"), ("content-type", "application/grpc")])
        trailers = answering.encode([("grpc-status", "0")])
        put(frame(1, 4, stream, answered) + frame(0, 0, stream, b"\0\0\0\0\x10" + b"x" * 16) + frame(1, 5, stream, trailers), answer=True)
    return chunks


def timed(rounds_given: Iterable[list[Any]], make: Callable[[], Callable[[Any], object]], calls: int) -> dict[str, float]:
    """Microseconds of one call: median, best and worst of the rounds."""
    rounds: list[float] = []
    for given in rounds_given:
        parse = make()
        begun = time.thread_time_ns()
        for one in given:
            parse(one)
        rounds.append((time.thread_time_ns() - begun) / calls / 1000)
    return {"median": round(median(rounds), 2), "best": round(min(rounds), 2), "worst": round(max(rounds), 2)}


def measured() -> dict[str, dict[str, float]]:
    """Every protocol."""
    kinds: dict[str, tuple[Callable[[int], Exchange], Callable[[], Callable[[Any], object]]]] = {
        "http1": (http, lambda: http1.calls), "postgres": (postgres, lambda: Postgres().calls),
        "mysql": (mysql, lambda: Mysql().calls), "dns": (question, lambda: dns.calls),
    }
    found = {
        name: timed(([make(turn * COUNT + number) for number in range(COUNT)] for turn in range(ROUNDS)), parser, COUNT)
        for name, (make, parser) in kinds.items()
    }
    return {**found, "grpc": timed((grpc() for _ in range(ROUNDS)), lambda: Http2().feed, COUNT)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.bench.parsers")
    parser.add_argument("--json", action="store_true")
    found = measured()
    if parser.parse_args().json:
        print(json.dumps(found))
        return 0
    for name, figures in found.items():
        goal = f"  (goal {GOALS[name]})" if name in GOALS else ""
        print(f"{name:9} {figures['median']:7.2f} µs  [{figures['best']:.2f} … {figures['worst']:.2f}]{goal}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
