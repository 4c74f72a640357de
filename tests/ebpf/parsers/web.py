"""Real web servers on loopback: uvicorn in a thread, and nginx in a folder of its own in front of it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

STATUS = {"/missing": 404, "/broken": 500, "/made": 201, "/empty": 204, "/same": 304}
SECRET = "sk_live_S3cretS3cretS3cret42"


async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Answers by path: statuses of ``STATUS``, ``/large`` in pieces, anything else with 200."""
    while (await receive()).get("more_body"):
        pass
    status = STATUS.get(scope["path"], 200)
    headers = [(b"content-type", b"application/json"), (b"set-cookie", f"s={SECRET}".encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if scope["path"] == "/large":
        for _ in range(20):
            await send({"type": "http.response.body", "body": b"x" * 3000, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if status in {204, 304} else b'{"secret": "S3cret"}'})


@contextmanager
def uvicorn_server() -> Iterator[tuple[str, int]]:
    """The application behind uvicorn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none", http="h11", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        until = time.monotonic() + 30
        while not server.started and time.monotonic() < until:
            time.sleep(0.02)
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join(30)


_CONF = """daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://{host}:{behind}; proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Connection ""; }}
location /hello {{ return 200 "hello\\n"; }} }} }}
"""


@contextmanager
def nginx_server(behind: tuple[str, int]) -> Iterator[tuple[str, int]]:
    """nginx in front of another server. Skips, with the reason, where it is not installed."""
    program = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
    if program is None:
        pytest.skip("nginx is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="oncalm-nginx-") as folder:
        Path(folder).chmod(0o755)
        conf = Path(folder) / "nginx.conf"
        conf.write_text(_CONF.format(folder=folder, port=port, host=behind[0], behind=behind[1]))
        process = subprocess.Popen([program, "-p", folder, "-c", str(conf), "-e", "stderr"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait(port, process)
            yield "127.0.0.1", port
        finally:
            process.terminate()
            process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert process.poll() is None, "nginx ended at once"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("nginx did not listen within 30 seconds")
