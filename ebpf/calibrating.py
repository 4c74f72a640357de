"""Work whose amount is known: what programs cost is told by doing it with and without them. Each returns the ns of each thing done."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ebpf.kind import Reader

_REQUEST = b"GET /calibration/7?of=this HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"
_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
EXCHANGES, CALLS, HANDS, FUNCTIONS = 1500, 10_000, 1000, 2000
_CHUNKS, _NUMBERS = 30, 120_000


@contextmanager
def connection() -> Iterator[tuple[socket.socket, socket.socket, int]]:
    """Both ends of a connection over loopback, and the port of the one that accepted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)) as client:
            server, _ = listener.accept()
            with server:
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                yield client, server, port


def exchanges(client: socket.socket, server: socket.socket) -> float:
    """Requests and responses: loopback runs both halves in this thread, of whose CPU time it is."""
    start = time.thread_time_ns()
    for _ in range(EXCHANGES):
        client.send(_REQUEST)
        server.recv(4096)
        server.send(_RESPONSE)
        client.recv(4096)
    return (time.thread_time_ns() - start) / EXCHANGES


def system_calls() -> float:
    """System calls that do next to nothing."""
    start = time.thread_time_ns()
    for _ in range(CALLS):
        os.getppid()
    return (time.thread_time_ns() - start) / CALLS


def switches() -> float:
    """Switches between two threads that hand a byte to and fro on one CPU, as the kernel counts them."""
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    there, back = os.pipe(), os.pipe()
    try:
        before, start = _switched(), time.process_time_ns()
        other = threading.Thread(target=_answer, args=(there[0], back[1]))
        other.start()
        for _ in range(HANDS):
            os.write(there[1], b"x")
            os.read(back[0], 1)
        other.join()
        return (time.process_time_ns() - start) / max(_switched() - before, 1)
    finally:
        for fd in (*there, *back):
            os.close(fd)
        os.sched_setaffinity(0, cpus)


def _answer(come: int, go: int) -> None:
    for _ in range(HANDS):
        os.write(go, os.read(come, 1))


def _switched() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_nvcsw + used.ru_nivcsw


def computing() -> float:
    """A ms or two of computing: the least time of many, for others take the CPU away, and interrupts count in no thread's CPU time on some kernels."""
    took = []
    for _ in range(_CHUNKS):
        start = time.perf_counter_ns()
        sum(range(_NUMBERS))
        took.append(time.perf_counter_ns() - start)
    return float(min(took))


def functions() -> float:
    """Calls of a function of the C library."""
    called = ctypes.CDLL(None).getpid
    start = time.thread_time_ns()
    for _ in range(FUNCTIONS):
        called()
    return (time.thread_time_ns() - start) / FUNCTIONS


def told_ns(reader: Reader, events: Sequence[bytes]) -> float:
    """ns of parsing and telling an event."""
    start = time.thread_time_ns()
    told = [json.dumps(document) for data in events for document in reader.event(data)]
    return (time.thread_time_ns() - start) / max(len(told), 1)
