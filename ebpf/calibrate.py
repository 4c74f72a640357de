"""What one run of our programs costs on this node: the same loopback exchanges with and without them, in turn.

Run as a process of its own (``python -m ebpf.calibrate``), with a worker's capabilities; prints JSON. It looks at its own
connections alone: other processes meet a comparison of ports, for a second.
"""

from __future__ import annotations

import json
import socket
import statistics
import sys
import time
from pathlib import Path

from ebpf.errors import ProbeError
from ebpf.kind import Aim, Options
from ebpf.kinds import kind_of
from ebpf.loaders.choice import loader_for
from ebpf.presence import inode

_REQUEST = b"GET /calibration/7?of=this HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"
_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
ROUNDS, EXCHANGES = 9, 1500


def calibrate(tree: Path, group: str) -> dict[str, float]:
    """``ns_per_call``, ``ns_per_event``, and ``spread`` (the quartiles' distance over the median). Raises ProbeError, OSError."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            server, _ = listener.accept()
            with server:
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return _measured(client, server, str(tree / group.lstrip("/")), port)


def _measured(client: socket.socket, server: socket.socket, folder: str, port: int) -> dict[str, float]:
    kind, aim, options = kind_of("http"), Aim(folder, inode(folder) or 0, (), port, "server"), Options(budget=1000)
    _exchange(client, server, EXCHANGES)
    costs: list[float] = []
    events: list[bytes] = []
    for _ in range(ROUNDS):
        without = _exchange(client, server, EXCHANGES)
        loaded = loader_for(kind.object).load(kind.object, kind.constants(aim, options))
        try:
            loaded.attach(kind.places(aim, options))
            with_it = _exchange(client, server, EXCHANGES)
            calls = loaded.numbers("counters")[8]
            loaded.poll(0, events.append)
        finally:
            loaded.close()
        costs.append((with_it - without) / max(calls, 1))
    reader, start = kind.reader(aim, options, 0), time.thread_time_ns()
    told = [json.dumps(document) for data in events for document in reader.event(data)]
    each = (time.thread_time_ns() - start) / max(len(told), 1)
    first, middle, last = statistics.quantiles(costs, n=4)
    return {"ns_per_call": max(middle, 0.0), "ns_per_event": each, "spread": (last - first) / max(abs(middle), 1e-9), "rounds": float(ROUNDS)}


def _exchange(client: socket.socket, server: socket.socket, times: int) -> int:
    """ns of CPU of this thread for so many requests and responses: loopback runs both halves in it."""
    start = time.thread_time_ns()
    for _ in range(times):
        client.send(_REQUEST)
        server.recv(4096)
        server.send(_RESPONSE)
        client.recv(4096)
    return time.thread_time_ns() - start


def main() -> int:
    """The process."""
    from ebpf.targets import group_of, mounted

    try:
        print(json.dumps(calibrate(mounted(), group_of(0))))  # noqa: T201 - what the daemon reads
    except (ProbeError, OSError) as error:
        print(json.dumps({"error": str(error)}))  # noqa: T201 - the same
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
