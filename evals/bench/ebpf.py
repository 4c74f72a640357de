"""``python -m evals.bench ebpf [--blocks 24] [--seconds 0.5] [--json]``: what the HTTP probe costs, with and without it in turn.

Three servers under wrk: uvicorn, nginx kept busy, and a bystander outside the probed control group; each with the look at
reads (queue wait) and without. Short runs alternate, without, with, with, without (:mod:`evals.bench.paired`); blocks of the
same form without the probe show the noise. Server and wrk have a CPU each where there are two. Beside it: the time to
attach, the worker's memory, and whether what was counted is what wrk sent. Needs root, wrk, nginx. By default some nine minutes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
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
from typing import Any

from ebpf.kind import Aim, Options
from ebpf.order import Order
from ebpf.presence import inode
from ebpf.targets import mounted
from evals.bench import paired
from evals.bench.paired import Block, Run

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


NOISE = 3
"""One block without the probe for so many with it."""


def run(blocks: int, seconds: float) -> dict[str, Any]:
    """Every figure; see :mod:`evals.bench.paired`. Raises ValueError for what is not installed."""
    if missing := [name for name in ("wrk", "nginx") if not shutil.which(name) and not Path(f"/usr/sbin/{name}").exists()]:
        raise ValueError(f"{', '.join(missing)} is not installed")
    told: dict[str, Any] = {}
    for wait in (1, 0):
        suffix = "" if wait else ", packets alone (queue_wait=0)"
        for name, start in (("uvicorn", _uvicorn), ("nginx", _nginx)):
            with control_group() as group, start(group) as (port, pid):
                told[name + suffix] = _compared(_Bench(group, port, pid, port, seconds, wait), blocks)
        with control_group() as group, control_group() as aside, _uvicorn(group) as (port, _), _nginx(aside) as (other, pid):
            told["bystander" + suffix] = _compared(_Bench(group, port, pid, other, seconds, wait), blocks)
    return told


@dataclass(frozen=True, slots=True)
class _Bench:
    """Ask ``asked``, which the process ``pid`` serves, while ``probed`` is looked at, and while it is not."""

    group: Path
    probed: int
    pid: int
    asked: int
    seconds: float
    wait: int

    def wrk(self) -> Run:
        """One run."""
        return _wrk(self.asked, self.pid, self.seconds)

    def noise(self) -> Block:
        """A block without the probe."""
        first, *middle, last = (self.wrk() for _ in range(4))
        return Block((first, last), (middle[0], middle[1]))

    def block(self) -> tuple[Block, dict[str, Any], dict[str, Any]]:
        """A block, and what the worker told when it was attached and at its end."""
        first = self.wrk()
        with _worker(self.group, self.probed, self.wait) as worker:
            attached = worker.until("attached")
            middle = self.wrk(), self.wrk()
            result = worker.finish()
        return Block((first, self.wrk()), middle), attached, result


def _compared(bench: _Bench, blocks: int) -> dict[str, Any]:
    _pinned(bench.pid)
    bench.wrk()
    noise, found = [], []
    for number in range(blocks):
        found.append(bench.block())
        if number % NOISE == 0:
            noise.append(bench.noise())
    results = [result for _, _, result in found]
    assert all(result["summary"]["counts"]["identity_holds"] for result in results)
    counted = [result["summary"]["counts"]["seen"] - sum(run.requests for run in block.with_it) for block, _, result in found]
    return {
        **paired.told([block for block, _, _ in found]), "noise": paired.told(noise), "attach_ms": paired.interval([attached["ms"] for _, attached, _ in found]),
        "resident_mib": paired.interval([result["resident"] / 2**20 for result in results]), "worker_cpu_share": paired.interval([result["worker"] for result in results]),
        "seen_minus_sent": counted if bench.probed == bench.asked else []}


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


def _pinned(pid: int) -> None:
    """The server has the last CPU, where another is left for the load."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) > 1:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {cpus[-1]})


@contextmanager
def _aside() -> Iterator[None]:
    """What is started here stays off the server's CPU."""
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cpus)[:-1] or cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cpus)


def _wrk(port: int, pid: int, seconds: float) -> Run:
    """wrk counts whole seconds alone; it tells what it has when it is interrupted."""
    before = _cpu(pid)
    with _aside():
        process = subprocess.Popen([shutil.which("wrk") or "wrk", "-t1", "-c32", f"-d{int(seconds) + 60}", f"http://127.0.0.1:{port}/orders/7"], stdout=subprocess.PIPE)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    out = process.stdout.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    server = _cpu(pid) - before
    requests, rate = re.search(r"(\d+) requests in", out), re.search(r"Requests/sec:\s+([\d.]+)", out)
    return Run(int(requests[1]) if requests else 0, float(rate[1]) if rate else 0.0, server, server + used.ru_utime + used.ru_stime)


def _cpu(pid: int) -> float:
    """Seconds of CPU of a process so far, as exact as the scheduler has it."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def table(report: dict[str, Any]) -> str:
    """As lines: medians, and between what they lie."""
    return "\n".join(line for name, figures in report.items() for line in (f"{name}:", *_lines(figures)))


def _lines(figures: dict[str, Any], before: str = "") -> Iterator[str]:
    for what, value in figures.items():
        if isinstance(value, dict) and "median" not in value:
            yield from _lines(value, f"{what}: ")
        else:
            words = f"{value['median']:.4g} ({value['low']:.4g} to {value['high']:.4g})" if isinstance(value, dict) else str(value)
            yield f"  {before + what:<30} {words}"
