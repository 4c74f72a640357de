"""Notices reach real HTTP servers on loopback, through apprise and the stored outbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent.notifying.channels import Channel, by_apprise
from agent.notifying.composing import compose
from agent.notifying.outbox import LEASE, Outbox


class Server(ThreadingHTTPServer):
    """Answers with ``codes`` in turn, the last one for ever, and keeps what came."""

    codes: list[int]
    bodies: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(self.server.codes.pop(0) if len(self.server.codes) > 1 else self.server.codes[0])
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.codes, made.bodies = [200], []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()


def channel(server: Server, name: str = "team") -> Channel:
    return Channel(name, f"json://127.0.0.1:{server.server_port}/secretpath123")


def test_a_refused_notice_is_tried_again_and_arrives_once(server: Server, tmp_path: Path) -> None:
    now = [1000.0]
    server.codes = [500, 429, 200]
    outbox = Outbox(tmp_path / "n.db", clock=lambda: now[0])
    outbox.put("a1-asked", ["team"], "title", "body", "info")
    outbox.put("a1-asked", ["team"], "title", "body", "info")
    for _ in range(6):
        outbox.deliver([channel(server)], by_apprise(seconds=2))
        now[0] += 60

    assert outbox.states() == {"sent": 1}
    assert len(server.bodies) == 3


def test_a_dead_channel_delays_only_itself_and_its_url_is_nowhere(server: Server, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "n.db")
    outbox.put("a1-asked", ["dead", "team"], "title", "password=hunter2secret", "info")
    dead = Channel("dead", "json://user:supersecretpw@127.0.0.1:9/secretpath123")
    outbox.deliver([dead, channel(server)], by_apprise(seconds=2))

    assert outbox.states() == {"sent": 1, "waiting": 1}
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert not any(word in stored for word in (b"supersecretpw", b"secretpath123", b"hunter2secret"))
    assert "supersecretpw" not in repr(dead)
    assert "hunter2secret" not in server.bodies[0]


def test_what_a_killed_process_was_sending_is_sent_by_the_next(server: Server, tmp_path: Path) -> None:
    code = ("import os,signal,sys;from pathlib import Path;from agent.notifying.outbox import Outbox;from agent.notifying.channels import Channel\n"
            "box=Outbox(Path(sys.argv[1]),clock=lambda:1000.0);box.put('k',['team'],'t','b','info')\n"
            "box.deliver([Channel('team','x')],lambda *_:os.kill(os.getpid(),signal.SIGKILL))")
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path / "n.db")], check=False, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    outbox = Outbox(tmp_path / "n.db", clock=lambda: 1000.0 + LEASE + 1)

    assert died.returncode == -signal.SIGKILL
    assert outbox.deliver([channel(server)], by_apprise(seconds=2)) == 1


def test_a_notice_says_what_is_asked_and_no_secret() -> None:
    told = {"id": "a1", "risk": 0.4, "requester": "ana", "deadline": "2026-01-01T00:30:00+00:00", "reasons": ["every write asks"], "preview": {
        "action": {"name": "scale", "target": {"kind": "Deployment", "namespace": "shop", "name": "cart"}},
        "diff": [{"path": "spec.replicas", "before": 2, "after": 4}, {"path": "spec.env.password", "before": "old1", "after": "new1"}]}}
    notice = compose("asked", told)

    assert "scale on Deployment shop/cart" in notice.title
    assert "spec.replicas: 2 -> 4" in notice.body
    assert "new1" not in notice.body
    assert "not shown" in compose("failed", {"id": "a2"}).body
