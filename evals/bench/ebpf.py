"""``python -m evals.bench ebpf [--pairs 8] [--seconds 3] [--json]``: what the HTTP probe costs, with and without it in turn.

Three servers under wrk: uvicorn, nginx kept busy, and a bystander outside the probed control group. For each, pairs of
runs without and with the probe in one session, and pairs without it both times, which show the noise. Beside it: the
time to attach, the worker's memory, and whether what was counted is what wrk sent. Needs root, wrk, nginx.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from ebpf.kind import Aim, Options
from ebpf.order import Order
from ebpf.presence import inode
from ebpf.targets import mounted

UVICORN = """
import sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
"""
NGINX = """
daemon off; worker_processes 1; error_log {folder}/error.log; pid {folder}/pid;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 10000000; server {{ listen 127.0.0.1:{port}; location / {{ return 200 "hello"; }} }} }}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of wrk: requests, requests a second, and seconds of CPU of the server."""

    requests: int
    rate: float
    cpu: float


def run(pairs: int, seconds: int) -> dict[str, Any]:
    """Every figure; ratios are medians over pairs, with their quartiles. Raises ValueError for what is not installed."""
    if missing := [name for name in ("wrk", "nginx") if not shutil.which(name) and not Path(f"/usr/sbin/{name}").exists()]:
        raise ValueError(f"{', '.join(missing)} is not installed")
    told: dict[str, Any] = {}
    for wait in (1, 0):
        suffix = "" if wait else ", packets alone (queue_wait=0)"
        for name, start in (("uvicorn", _uvicorn), ("nginx", _nginx)):
            with control_group() as group, start(group) as (port, pid):
                told[name + suffix] = _compared(group, port, pid, port, pairs, seconds, wait)
        with control_group() as group, control_group() as aside, _uvicorn(group) as (port, _), _nginx(aside) as (other, pid):
            told["bystander" + suffix] = _compared(group, port, pid, other, pairs, seconds, wait)
    return told


def _compared(group: Path, probed: int, pid: int, asked: int, pairs: int, seconds: int, wait: int) -> dict[str, Any]:
    """Ask ``asked`` while ``probed`` is looked at, and while it is not."""
    _wrk(asked, pid, 1)
    noise, ratios, cost, attaching, memory, workers, counted = [], [], [], [], [], [], []
    for _ in range(pairs):
        first, without = _wrk(asked, pid, seconds), _wrk(asked, pid, seconds)
        with _worker(group, probed, wait) as worker:
            attached = worker.until("attached")
            with_it = _wrk(asked, pid, seconds)
            result = worker.finish()
        noise.append(without.rate / first.rate)
        ratios.append(with_it.rate / without.rate)
        cost.append((with_it.cpu / max(with_it.requests, 1) - without.cpu / max(without.requests, 1)) * 1e6)
        attaching.append(attached["ms"])
        memory.append(result["resident"] / 2**20)
        workers.append(result["worker"])
        counted.append(result["summary"]["counts"]["seen"] - with_it.requests)
        assert result["summary"]["counts"]["identity_holds"]
    return {"throughput_ratio": _spread(ratios), "noise_ratio": _spread(noise), "cpu_us_a_request": _spread(cost), "attach_ms": _spread(attaching),
            "resident_mib": _spread(memory), "worker_cpu_share": _spread(workers), "seen_minus_sent": counted if probed == asked else []}


class _Session:
    """A worker as the bench talks to it."""

    def __init__(self, order: Order) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "ebpf.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdin is not None
        self.process.stdin.write(order.line())
        self.process.stdin.flush()

    def until(self, kind: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        while True:
            told: dict[str, Any] = json.loads(self.process.stdout.readline())
            if told["type"] == kind:
                return told

    def finish(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.until("result")


@contextmanager
def _worker(group: Path, port: int, wait: int) -> Iterator[_Session]:
    aim = Aim(str(group), inode(str(group)) or 0, (), port, "server")
    session = _Session(Order("http", aim, Options(50, more={"queue_wait": wait}), 600, 1.0, os.getpid()))
    try:
        yield session
    finally:
        session.process.kill()
        session.process.wait()


@contextmanager
def control_group() -> Iterator[Path]:
    folder = mounted() / f"oncalm-bench-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    try:
        yield folder
    finally:
        for _ in range(100):
            try:
                folder.rmdir()
                break
            except OSError:
                time.sleep(0.05)


@contextmanager
def _started(group: Path, words: list[str], port: int) -> Iterator[tuple[int, int]]:
    joining = f"echo $$ > {group}/cgroup.procs; exec \"$@\""
    process = subprocess.Popen(["/bin/sh", "-c", joining, "sh", *words])
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _uvicorn(group: Path) -> Iterator[tuple[int, int]]:
    port = free_port()
    with _started(group, [sys.executable, "-c", UVICORN, str(port)], port) as found:
        yield found


@contextmanager
def _nginx(group: Path) -> Iterator[tuple[int, int]]:
    port, folder = free_port(), tempfile.mkdtemp(prefix="oncalm-nginx-")
    Path(folder, "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    try:
        with _started(group, [shutil.which("nginx") or "/usr/sbin/nginx", "-c", f"{folder}/nginx.conf"], port) as (_, master):
            children, until = Path(f"/proc/{master}/task/{master}/children"), time.monotonic() + 30
            while not (workers := children.read_text().split()) and time.monotonic() < until:
                time.sleep(0.05)
            yield port, int(workers[0])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wrk(port: int, pid: int, seconds: int) -> Run:
    before = _cpu(pid)
    out = subprocess.run([shutil.which("wrk") or "wrk", "-t1", "-c32", f"-d{seconds}", f"http://127.0.0.1:{port}/orders/7"], capture_output=True, text=True, check=True).stdout
    requests, rate = re.search(r"(\d+) requests in", out), re.search(r"Requests/sec:\s+([\d.]+)", out)
    return Run(int(requests[1]) if requests else 0, float(rate[1]) if rate else 0.0, _cpu(pid) - before)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _spread(values: list[float]) -> dict[str, float]:
    low, _, high = quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return {"median": round(median(values), 4), "low": round(low, 4), "high": round(high, 4)}


def table(report: dict[str, Any]) -> str:
    """As lines: median and quartiles."""
    lines = []
    for name, figures in report.items():
        lines.append(f"{name}:")
        for what, value in figures.items():
            words = f"{value['median']:.4g} ({value['low']:.4g} to {value['high']:.4g})" if isinstance(value, dict) else str(value)
            lines.append(f"  {what:<20} {words}")
    return "\n".join(lines)
