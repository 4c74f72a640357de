"""``python -m evals.bench ebpf_truth [--requests 100000] [--only http …]``: what probes tell, beside what the application itself noted of every request.

A server writes down for each request its span id, route, status and time; the probe hands out everything. Joined by the
caller's trace context: counts, routes and statuses have to be equal, latencies near. The same for gRPC calls of known
outcome, and for statements of PostgreSQL and MariaDB (:mod:`evals.bench.ebpf_sql`). Needs root, a kernel with BTF,
``make bpf``, and the databases.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from evals.bench import ebpf_sql
from evals.bench.ebpf import control_group, free_port
from evals.bench.ebpf_telling import Telling, near, share

CONNECTIONS = 4
ROUTES = ("/orders/{id}", "/cart", "/missing", "/broken", "/slow")
SERVER = '''
import os, socket, sys, time

STATUS = {b"/missing": 404, b"/broken": 500}
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    one, _ = listener.accept()
    if os.fork():
        one.close()
        continue
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with open(f"{sys.argv[2]}/{os.getpid()}", "w") as notes:
        while head := one.recv(4096):
            began = time.perf_counter_ns()
            target = head.split(b" ", 2)[1]
            at = head.index(b"traceparent: ") + 13
            span = head[at + 36:at + 52].decode()
            if target == b"/slow":
                time.sleep(0.01)
            status = STATUS.get(target, 200)
            answer = b"HTTP/1.1 %d X\\r\\nContent-Length: 2\\r\\n\\r\\nok" % status
            took = time.perf_counter_ns() - began
            one.sendall(answer)
            notes.write(f"{span} {target.decode()} {status} {took}\\n")
    os._exit(0)
'''
GRPC = '''
import sys, grpc
from concurrent.futures import ThreadPoolExecutor

def handler(code):
    def serve(given, context):
        if code is not grpc.StatusCode.OK:
            context.abort(code, "no")
        return given
    return grpc.unary_unary_rpc_method_handler(serve)

codes = {"Add": grpc.StatusCode.OK, "Fail": grpc.StatusCode.NOT_FOUND, "Deny": grpc.StatusCode.PERMISSION_DENIED}
server = grpc.server(ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.v1.Cart", {name: handler(code) for name, code in codes.items()}),))
server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
server.start()
print("ready", flush=True)
server.wait_for_termination()
'''


PARTS = ("http", "grpc", "postgres", "mysql")


def run(requests: int, parts: Sequence[str] = PARTS) -> dict[str, Any]:
    """So many HTTP requests and statements, and a tenth of calls over gRPC: shares of what is right. Raises ValueError where no probe can be attached."""
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "http": lambda: _http(requests), "grpc": lambda: _grpc(requests // 10), "postgres": lambda: ebpf_sql.run("postgres", requests), "mysql": lambda: ebpf_sql.run("mysql", requests)}
    return {name: ways[name]() for name in parts}


def _http(requests: int) -> dict[str, Any]:
    port = free_port()
    with control_group() as group, tempfile.TemporaryDirectory() as folder:
        server = _server(SERVER, group, str(port), folder)
        try:
            probe = Telling("http", group, port)
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                list(pool.map(lambda number: _ask(port, number, requests // CONNECTIONS), range(CONNECTIONS)))
            probe.finish()
            time.sleep(1.0)  # the server's processes write their notes when their connection ends
        finally:
            server.terminate()
            server.wait()
        lines = [line for notes in Path(folder).iterdir() for line in notes.read_text().splitlines()]
        noted = {span: (target, int(status), int(took)) for span, target, status, took in map(str.split, lines)}
    return _compared(noted, probe)


def _compared(noted: dict[str, tuple[str, int, int]], probe: Telling) -> dict[str, Any]:
    told = {call["parent"]["span_id"]: call for call in probe.calls if "parent" in call}
    both = [(noted[span], told[span]) for span in noted.keys() & told.keys()]
    close = [near(call["duration"] - (call.get("queued") or 0), took) for (_, _, took), call in both]
    counts = probe.result["summary"]["counts"]
    return {
        "requests": len(noted), "seen": counts["seen"], "told": len(probe.calls), "joined": len(both), "lost": counts["lost"], "identity": counts["identity_holds"],
        "route_right": share([call.get("route") == _route(target) for (target, _, _), call in both]),
        "status_right": share([call.get("status") == status for (_, status, _), call in both]), "latency_near": share(close)}


def _grpc(calls: int) -> dict[str, Any]:
    import grpc

    port, methods = free_port(), ("Add", "Fail", "Deny")
    with control_group() as group:
        server = _server(GRPC, group, str(port))
        try:
            probe = Telling("grpc", group, port)
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                for number in range(calls):
                    try:
                        channel.unary_unary(f"/shop.v1.Cart/{methods[number % 3]}")(b"1234", timeout=30)
                    except grpc.RpcError:
                        continue
            probe.finish()
        finally:
            server.terminate()
            server.wait()
    told = Counter((str(one.get("method")), int(one.get("grpc_status", -1))) for one in probe.calls)
    wanted: Counter[tuple[str, int]] = Counter({("Add", 0): -(-calls // 3), ("Fail", 5): (calls + 1) // 3, ("Deny", 7): calls // 3})
    counts = probe.result["summary"]["counts"]
    return {"calls": calls, "seen": counts["seen"], "told": len(probe.calls), "identity": counts["identity_holds"], "lost": probe.result["summary"]["pieces"]["lost"],
            "status_right": round(sum((told & wanted).values()) / max(calls, 1), 6)}


def _server(source: str, group: Path, *words: str) -> subprocess.Popen[bytes]:
    joined = f"open({str(group / 'cgroup.procs')!r}, 'w').write('0')\n{source}"
    process = subprocess.Popen([sys.executable, "-c", joined, *words], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _ask(port: int, number: int, times: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for turn in range(times):
            route = ROUTES[turn % len(ROUTES)] if turn % 100 < 5 else ROUTES[turn % 4]
            span = f"{(number + 1 << 40) + turn + 1:016x}"
            one.sendall(f"GET {route.replace('{id}', str(turn + 1000))} HTTP/1.1\r\nHost: shop\r\ntraceparent: 00-{'ab' * 16}-{span}-01\r\n\r\n".encode())
            got = b""
            while not got.endswith(b"ok"):
                got += one.recv(4096)
            time.sleep(0.001)  # everything is handed out: some thousands a second is what a worker parses


def _route(target: str) -> str:
    return "/orders/{id}" if target.startswith("/orders/") else target


def table(report: dict[str, Any]) -> str:
    """As lines."""
    return "\n".join(f"{name}: " + ", ".join(f"{what} {value}" for what, value in figures.items()) for name, figures in report.items())
