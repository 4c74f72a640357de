"""A real kernel: tests here load programs into it, and skip with the reason where that cannot be."""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import struct
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ebpf import objects
from ebpf.errors import ProbeError
from ebpf.explain import effective
from ebpf.loaders import bccmodule
from ebpf.targets import mounted

NEEDED = frozenset({"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"})


def why_not() -> str:
    """Why no program can be loaded here; empty where one can."""
    if missing := sorted(NEEDED - effective()):
        return f"this process lacks {', '.join(missing)}"
    if not Path("/sys/kernel/btf/vmlinux").exists():
        return "this kernel does not tell its types (BTF)"
    if not objects.built():
        return "the probes' objects were not built: make bpf (needs clang and libbpf-dev)"
    try:
        mounted()
    except ProbeError as error:
        return str(error)
    return ""


@pytest.fixture
def kernel() -> None:
    """A kernel that takes probes."""
    if why := why_not():
        pytest.skip(why)


@pytest.fixture(params=["core", "bcc"])
def loader_name(request: pytest.FixtureRequest, kernel: None) -> str:
    """Each loader in turn, where it can be used."""
    if request.param == "bcc" and (why := bccmodule.why_not()):
        pytest.skip(f"bcc cannot be used here: {why}")
    return str(request.param)


@pytest.fixture
def group(kernel: None) -> Iterator[Path]:
    """A control group of our own."""
    folder = mounted() / f"oncalm-test-{uuid.uuid4().hex[:12]}"
    folder.mkdir()
    yield folder
    for _ in range(100):
        try:
            for inner in sorted(folder.rglob("*/"), reverse=True):  # what a failed test left within
                inner.rmdir()
            folder.rmdir()
            return
        except OSError:
            time.sleep(0.05)


Spawn = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start Python source in a process, in a control group when one is given; ended with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def start(source: str, *arguments: str, group: Path | None = None, ready: bool = True) -> subprocess.Popen[bytes]:
        join = f"open({str(group / 'cgroup.procs')!r}, 'w').write('0')\n" if group else ""
        process = subprocess.Popen([sys.executable, "-c", join + textwrap.dedent(source), *arguments], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
        running.append(process)
        if ready:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == b"ready"
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def free_port() -> int:
    """A TCP port that nobody uses right now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


SERVER = """
import asyncio, sys

ANSWERS = {b"/missing": (404, b"no"), b"/broken": (500, b"oh")}

async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            method, target, _ = head.split(b" ", 2)
            for line in head.split(b"\\r\\n"):
                if line.lower().startswith(b"content-length:"):
                    await reader.readexactly(int(line.split(b":")[1]))
            if target.startswith(b"/slow"):
                await asyncio.sleep(0.3)
            if target.startswith(b"/hang"):
                await asyncio.sleep(3600)
            status, body = ANSWERS.get(target.split(b"?")[0], (200, b"fine"))
            writer.write(b"HTTP/1.1 %d X\\r\\nContent-Type: text/plain\\r\\nContent-Length: %d\\r\\n\\r\\n" % (status, len(body)) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
"""An HTTP/1.1 server: ``/missing`` 404, ``/broken`` 500, ``/slow`` 0.3 s, ``/hang`` no answer, else 200."""


@pytest.fixture
def http_server(group: Path, spawn: Spawn) -> int:
    """The port of a server in ``group``."""
    port = free_port()
    spawn(SERVER, str(port), group=group)
    return port


def attached_to(group: Path) -> int:
    """How many programs look at the packets that come into a control group (``BPF_PROG_QUERY``, man 2 bpf)."""
    fd = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
    try:
        attributes = ctypes.create_string_buffer(struct.pack("=IIIIQI", fd, 0, 0, 0, 0, 0).ljust(128, b"\0"), 128)
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.syscall({"x86_64": 321, "aarch64": 280}[platform.machine()], 16, attributes, 128) == 0, os.strerror(ctypes.get_errno())
        return int(struct.unpack_from("=I", attributes, 24)[0])
    finally:
        os.close(fd)
