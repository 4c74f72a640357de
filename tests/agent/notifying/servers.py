"""Real servers on loopback that take messages: HTTP and SMTP, which fail as they are told."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Taken:
    """What came. ``plan`` are the answers to give, the last one for ever: (status, headers, seconds to wait)."""

    plan: list[tuple[int, dict[str, str], float]] = field(default_factory=lambda: [(200, {}, 0.0)])
    messages: list[Any] = field(default_factory=list)
    port: int = 0


@contextmanager
def http(*plan: tuple[int, dict[str, str], float]) -> Iterator[Taken]:
    """A web hook."""
    taken = Taken(list(plan) or [(200, {}, 0.0)])

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            taken.messages.append(body)
            status, headers, seconds = taken.plan.pop(0) if len(taken.plan) > 1 else taken.plan[0]
            time.sleep(seconds)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.daemon_threads = True
    yield from _served(server, taken)


@contextmanager
def smtp(*, refusals: int = 0) -> Iterator[Taken]:
    """A mail server that refuses the first messages with 451."""
    taken, left = Taken(), [refusals]

    class Mail(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            self.say("220 local")
            while line := self.rfile.readline().decode().strip():
                verb = line.split()[0].upper()
                if verb == "DATA":
                    self.say("354 go on")
                    taken.messages.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                    left[0] -= 1
                    self.say("451 later" if left[0] >= 0 else "250 taken")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
    server.daemon_threads = True
    yield from _served(server, taken)


def _served(server: Any, taken: Taken) -> Iterator[Taken]:
    taken.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()
